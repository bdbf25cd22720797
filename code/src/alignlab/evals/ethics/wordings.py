"""What a choice of wording adds to a score, and what it takes back.

`right` is a table of judgments, (items, wordings), 1 for a right one. The best
of several wordings is chosen on half of the topics and read again on the
other half; what it loses there is what selection had added ("winner's
curse"). Two-way components of variance say how much of the table belongs to
items, to wordings, and to both together (Scheffe 1959, "The Analysis of
Variance", section 7.4: one value a cell, both factors random).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Components(NamedTuple):
    """Variances, in squared units of the table."""

    items: float
    wordings: float
    together: float

    def shares(self) -> tuple[float, float, float]:
        """Each as a share of their sum; negative estimates count as 0."""
        parts = np.maximum(np.array(self), 0)
        items, wordings, together = parts / parts.sum()
        return float(items), float(wordings), float(together)


def components(values: Floats) -> Components:
    """Variance between items, between wordings, and the rest.

    values: (items, wordings). The rest is interaction: an item that one
    wording gets right and another wrong, beyond both averages.
    Raises ValueError for fewer than two rows or columns.
    """
    values = _checked(values)
    n, m = values.shape
    rows = values.mean(1, keepdims=True)
    columns = values.mean(0, keepdims=True)
    rest = values - rows - columns + values.mean()
    together = (rest**2).sum() / ((n - 1) * (m - 1))
    items = float(rows.var(ddof=1)) - together / m
    wordings = float(columns.var(ddof=1)) - together / n
    return Components(items, wordings, float(together))


def choose_best(right: Floats, rng: np.random.Generator) -> int:
    """The wording with the most right judgments; ties are drawn."""
    mean = right.mean(0)
    return int(rng.choice(np.flatnonzero(mean == mean.max())))


def reported_and_fresh(
    right: Floats,
    families: Sequence[Hashable],
    seed: int,
    draws: int = 200,
    among: int = 8,
) -> Floats:
    """What the best of `among` wordings has where chosen, and elsewhere.

    Each draw takes `among` wordings and half of the families; the best there
    is read again on the other families. Returns (draws, 3): reported, fresh,
    and the mean of all `among` on the fresh items.
    Raises ValueError where lengths differ or there is too little to divide.
    """
    right = _checked(right)
    names = sorted(set(families), key=str)
    if len(families) != len(right) or len(names) < 2:
        raise ValueError(
            f"{len(families)} families ({len(names)} different) for "
            f"{len(right)} items: name one for each item, two at least"
        )
    if not 1 <= among <= right.shape[1]:
        raise ValueError(f"{among} of {right.shape[1]} wordings can't be had")
    rng = np.random.default_rng(seed)
    found = np.empty((draws, 3))
    for draw in range(draws):
        order = rng.permutation(len(names))
        half = {names[i] for i in order[: len(names) // 2]}
        seen = np.array([family in half for family in families])
        offered = rng.permutation(right.shape[1])[:among]
        here, there = right[seen][:, offered], right[~seen][:, offered]
        best = choose_best(here, rng)
        found[draw] = here[:, best].mean(), there[:, best].mean(), there.mean()
    return found


def _checked(values: Floats) -> Floats:
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or min(values.shape) < 2:
        raise ValueError(
            f"a table of shape {values.shape}: two items and two wordings at "
            "least"
        )
    if not np.isfinite(values).all():
        raise ValueError("the table holds what is no number: ask again")
    return values


def effects(values: Floats, shape: tuple[int, ...]) -> Floats:
    """Shares of the variance between wordings, by what makes a wording.

    values: (items, wordings), wordings in the order of the grid `shape`, for
    example (templates, orders, labels). Sums of squares of each part's own
    averages, over those of all wordings; the last value is the rest, which
    the parts make together. Returns (parts + 1,), with sum 1.
    Raises ValueError where the grid doesn't fit or no wording differs.
    """
    mean = _checked(values).mean(0)
    if int(np.prod(shape)) != len(mean):
        raise ValueError(f"a grid of {shape} for {len(mean)} wordings")
    grid = (mean - mean.mean()).reshape(shape)
    total = (grid**2).sum()
    if total == 0:
        raise ValueError("all wordings have the same average: no shares")
    parts = []
    for axis in range(len(shape)):
        others = tuple(i for i in range(len(shape)) if i != axis)
        parts.append((grid.mean(others) ** 2).sum() * grid.size / shape[axis])
    shares = np.array(parts) / total
    return np.append(shares, 1 - shares.sum())


def without_each(
    values: Floats, families: Sequence[Hashable]
) -> list[Components]:
    """Components with one family left out, for each family."""
    values = _checked(values)
    if len(families) != len(values):
        raise ValueError(f"{len(families)} families for {len(values)} items")
    names = sorted(set(families), key=str)
    out = [np.array([f != name for f in families]) for name in names]
    return [components(values[keep]) for keep in out]

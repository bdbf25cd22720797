"""A scorecard: several states of a model on many measures, item by item.

Serves survey section 10. A measure's items may come in families (templates,
topics), and then the families are its units: a unit's value is the sum over
its items, scaled so that the mean over units is the mean over items. Measures
of one block were taken on the same units.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """One measure of all states.

    values: (states, units), the first state is the one compared with. block:
    measures with the same name here share their units. good: 1 where more is
    better, -1 where less is, 0 where neither is.
    """

    name: str
    section: str
    block: str
    values: Floats
    good: int
    scale: float = 100.0
    items: int = 0


def by_family(values: Floats, families: Sequence[Hashable]) -> Floats:
    """Of each family the sum of its items, scaled to keep the mean.

    values: (states, items). Returns (states, families), whose mean over
    families is the mean over items.
    """
    names = list(dict.fromkeys(families))
    at = np.array([names.index(family) for family in families])
    sums = np.stack([values[:, at == k].sum(1) for k in range(len(names))], 1)
    return np.asarray(sums * len(names) / values.shape[1])


def differences(values: Floats) -> Floats:
    """Of each state but the first, less the first: (..., states - 1, units)."""
    return np.asarray(values[..., 1:, :] - values[..., :1, :])


def tested(change: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean over units, its standard error, and the two-sided p of Student's t.

    change: (..., units). Where all units say the same, p is 1 if that is no
    change and 0 else.
    """
    n = change.shape[-1]
    mean = change.mean(-1)
    error = change.std(-1, ddof=1) / np.sqrt(n)
    flat = error < 1e-12
    t = np.abs(mean) / np.where(flat, 1.0, error)
    p = 2 * stats.t.sf(t, n - 1)
    same = np.where(np.abs(mean) < 1e-12, 1.0, 0.0)
    return mean, error, np.asarray(np.where(flat, same, p))


def p_values(board: Sequence[Measured]) -> Floats:
    """Of every state against the first, on every measure: (measures, states)."""
    return np.array([tested(differences(m.values))[2] for m in board])


def right_or_wrong(measure: Measured) -> bool:
    """Whether each item of a measure is 0 or 1, also where units are families."""
    items = measure.items or measure.values.shape[1]
    counts = measure.values * items / measure.values.shape[1]
    return bool(np.allclose(counts, counts.round()))


def could_see(measure: Measured) -> Floats:
    """Of each state the difference that its interval shows in about 80 %.

    So many standard errors, by Student's t. Where items are 0 or 1, a
    difference has an error of its own: k items that all change one way lie
    about the root of k standard errors from zero. There it is at least the
    share of changing items of which enough are met in 80 % of cases.
    """
    units = measure.values.shape[1]
    reach = stats.t.ppf([0.975, 0.8], units - 1).sum()
    seen = reach * tested(differences(measure.values))[1]
    if right_or_wrong(measure):
        n = measure.items or units
        k = np.arange(1, n)
        starred = np.sqrt(k * (n - 1) / (n - k)) > stats.t.ppf(0.975, n - 1)
        enough = k[starred][0]
        least = stats.beta.ppf(0.8, enough, n - enough + 1)
        seen = np.maximum(seen, least)
    return np.asarray(seen)


def blocks(board: Sequence[Measured]) -> Mapping[str, list[int]]:
    """The places of the measures that share their units, by block."""
    found: dict[str, list[int]] = {}
    for place, measure in enumerate(board):
        found.setdefault(measure.block, []).append(place)
    return found


def stacked(board: Sequence[Measured]) -> list[tuple[list[int], Floats]]:
    """By block: its measures' places, and values (measures, states, units)."""
    return [
        (places, np.stack([board[i].values for i in places]))
        for places in blocks(board).values()
    ]

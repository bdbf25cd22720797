"""A judge who sees two items at a time, and judges many of them put together.

Factored cognition as the survey describes it: a big question is split into
pieces that fit into one head, and no head sees the whole. Wu et al. 2021
(arXiv 2109.10862) summarize and judge whole books so. Whether it works
depends on the message that goes up: a maximum of maxima is the maximum, a
majority of majorities need not be the majority.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Judge = Callable[[Floats, Floats], Floats]


def tree(values: Floats, judge: Judge) -> Floats:
    """What a tree of judges says: each sees two messages from below.

    values: (..., items). judge: two arrays of messages to one. A message left
    over goes up as it is. Returns the last message, (...).
    Raises ValueError where there are no items.
    """
    if values.ndim < 1 or not values.shape[-1]:
        raise ValueError(f"items of shape {values.shape}: give one at least")
    while values.shape[-1] > 1:
        left = values[..., 1::2]
        judged = judge(values[..., 0 : 2 * left.shape[-1] : 2], left)
        rest = values[..., 2 * left.shape[-1] :]
        values = np.concatenate([judged, rest], -1)
    return np.asarray(values[..., 0])


def slipping(slip: float, rng: np.random.Generator) -> Judge:
    """A judge who passes on the smaller of two values, or by a slip the other.

    Raises ValueError for a slip that is no share.
    """
    if not 0 <= slip <= 1:
        raise ValueError(f"a slip of {slip}: give a share, 0 to 1")

    def judge(a: Floats, b: Floats) -> Floats:
        slips = rng.random(a.shape) < slip
        return np.where(slips, np.maximum(a, b), np.minimum(a, b))

    return judge


def lost(verdicts: NDArray[np.int_], groups: int) -> NDArray[np.bool_]:
    """Whether a majority of majorities differs from the majority.

    verdicts: (..., voters), 0 or 1, an odd number in each of the equal groups.
    Raises ValueError where groups are not equal and odd, or their number even.
    """
    voters = verdicts.shape[-1]
    if (
        groups < 1
        or voters % groups
        or not (voters // groups) % 2
        or not groups % 2
    ):
        raise ValueError(
            f"{voters} voters in {groups} groups: give an odd number of "
            "groups with equally many voters, an odd number"
        )
    parted = verdicts.reshape(*verdicts.shape[:-1], groups, -1)
    local = parted.mean(-1) > 0.5
    return np.asarray((local.mean(-1) > 0.5) != (verdicts.mean(-1) > 0.5))

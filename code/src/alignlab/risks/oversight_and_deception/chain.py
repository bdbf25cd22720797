"""Nested oversight: each level vouches for the next, or one leap.

Engels et al. (2025) call it nested scalable oversight: a guard vets a
stronger model, which then is the guard of a still stronger one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

Floats = np.ndarray


def holds(marked: np.ndarray, stops: Sequence[int], rounds: int) -> np.ndarray:
    """Worlds in which every guard on the way outvotes its liar, (worlds,).

    marked: as from `game.play`; the first judge of a level is the guard.
    stops: the levels, from the trusted guard to the model overseen. rounds:
    games of the whole chain, shared equally among its links. A link holds if
    more than half of its lies are marked.
    """
    each = rounds // (len(stops) - 1)
    held = np.ones(len(marked), bool)
    for guard, liar in pairwise(stops):
        held &= marked[:, guard, liar, :each, 0].mean(1) > 0.5
    return held


def leap(marked: np.ndarray, stops: Sequence[int], rounds: int) -> np.ndarray:
    """The first guard alone against the last liar, with as many rounds."""
    return holds(marked, (stops[0], stops[-1]), rounds)


def committee(
    marked: np.ndarray, stops: Sequence[int], rounds: int
) -> np.ndarray:
    """A panel of guards of the first level, with as many votes in all."""
    each = rounds // marked.shape[-1]
    votes = marked[:, stops[0], stops[-1], :each]
    return np.asarray(votes.mean((1, 2)) > 0.5)

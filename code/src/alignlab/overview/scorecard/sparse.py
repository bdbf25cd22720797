"""Intervals for a difference that few items show.

Serves survey section 10. Items are right or wrong in two states; most agree.
Where none of a few items changed, Student's interval has no width. Agresti and
Min 2005, "Simple improved confidence intervals for comparing matched
proportions", add half a pair to each of the four kinds, (0, 0), (0, 1), (1, 0)
and (1, 1), and take the normal interval.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from alignlab.overview.scorecard.board import Floats, tested


def added_pairs(
    change: Floats, added: float = 2.0, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Ends of the interval with `added` pairs, a quarter of them of each kind.

    change: -1, 0 or 1 of each item, (..., items).
    """
    n = change.shape[-1] + added
    up = (change > 0).sum(-1) + added / 4
    down = (change < 0).sum(-1) + added / 4
    middle = (up - down) / n
    variance = (up + down) / n - middle**2
    half = stats.norm.ppf((1 + level) / 2) * np.sqrt(variance / n)
    return np.asarray(middle - half), np.asarray(middle + half)


def students(
    change: Floats, level: float = 0.95, wider: float = 1.0
) -> tuple[Floats, Floats]:
    """Ends of Student's interval; wider: by what its width is multiplied."""
    mean, error, _ = tested(change)
    quantile = stats.t.ppf((1 + level) / 2, change.shape[-1] - 1)
    half = wider * quantile * error
    return mean - half, mean + half


def resampled(change: Floats, items: int, draws: int, seed: int) -> Floats:
    """Samples with replacement, (draws, items): their truth is known."""
    rng = np.random.default_rng([seed, 14])
    return np.asarray(change[rng.integers(0, len(change), (draws, items))])


def coverage(ends: tuple[Floats, Floats], truth: float) -> float:
    """How often an interval contains the truth."""
    low, high = ends
    return float(((low <= truth) & (truth <= high)).mean())

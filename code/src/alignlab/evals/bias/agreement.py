"""Whether two measures put items in the same order: with an interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from alignlab.evals.statistics import Interval


def words(found: Interval, digits: int = 2) -> str:
    """An interval for a table's cell: "0.21 (0.04 to 0.38)"."""
    said = found.says(digits)
    low_and_high = said.split("interval ")[1].split(", n")[0]
    return f"{said.split(' (')[0]} ({low_and_high})"


def rank_agreement(
    one: Sequence[float],
    other: Sequence[float],
    seed: int = 0,
    draws: int = 1000,
    level: float = 0.95,
) -> Interval:
    """Spearman's correlation, with the percentiles of a bootstrap over items.

    one, other: shape (items,), in the same order. Items are drawn with
    replacement, both values together; draws in which one measure is constant
    are left out.
    Raises ValueError for fewer than five items, shapes that differ or values
    that are no numbers.
    """
    a, b = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    if a.shape != b.shape or a.ndim != 1 or len(a) < 5:
        raise ValueError(
            f"shapes {a.shape} and {b.shape}: give two lists of equal length, "
            "five values at least"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("some values are no numbers: leave those items out")
    drawn = np.random.default_rng(seed).integers(0, len(a), (draws, len(a)))
    x, y = stats.rankdata(a[drawn], axis=1), stats.rankdata(b[drawn], axis=1)
    x, y = x - x.mean(1, keepdims=True), y - y.mean(1, keepdims=True)
    size = np.sqrt((x**2).sum(1) * (y**2).sum(1))
    found = ((x * y).sum(1)[size > 0]) / size[size > 0]
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    value = float(stats.spearmanr(a, b)[0])
    return Interval(value, float(low), float(high), level, len(a))

"""Whether two measures put items in the same order: with an interval."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from alignlab.evals.statistics import Interval

Array = NDArray[np.float64]


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
    a, b = _lists(one, other)
    drawn = _drawn(len(a), seed, draws)
    return _interval(_spearman(a, b), _over(a, b, drawn), len(a), level)


def rank_lead(
    one: Sequence[float],
    other: Sequence[float],
    truth: Sequence[float],
    seed: int = 0,
    draws: int = 1000,
    level: float = 0.95,
) -> Interval:
    """How much nearer `one` is to the truth's order than `other` is.

    The difference of two of Spearman's correlations. All three lists are drawn
    together, so that what a draw does to both correlations cancels.
    Raises ValueError as `rank_agreement` does.
    """
    a, c = _lists(one, truth)
    b, _ = _lists(other, truth)
    drawn = _drawn(len(a), seed, draws)
    lead = _spearman(a, c) - _spearman(b, c)
    found = _over(a, c, drawn) - _over(b, c, drawn)
    return _interval(lead, found, len(a), level)


def _lists(one: Sequence[float], other: Sequence[float]) -> tuple[Array, Array]:
    a, b = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    if a.shape != b.shape or a.ndim != 1 or len(a) < 5:
        raise ValueError(
            f"shapes {a.shape} and {b.shape}: give two lists of equal length, "
            "five values at least"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("some values are no numbers: leave those items out")
    return a, b


def _drawn(n: int, seed: int, draws: int) -> NDArray[np.int_]:
    return np.random.default_rng(seed).integers(0, n, (draws, n))


def _spearman(a: Array, b: Array) -> float:
    return float(stats.spearmanr(a, b)[0])


def _over(a: Array, b: Array, drawn: NDArray[np.int_]) -> Array:
    """Spearman's correlation in every draw; NaN where one list is constant."""
    x, y = stats.rankdata(a[drawn], axis=1), stats.rankdata(b[drawn], axis=1)
    x, y = x - x.mean(1, keepdims=True), y - y.mean(1, keepdims=True)
    size = np.sqrt((x**2).sum(1) * (y**2).sum(1))
    return np.where(size > 0, (x * y).sum(1), np.nan) / np.maximum(size, 1e-9)


def _interval(value: float, found: Array, n: int, level: float) -> Interval:
    low, high = np.nanquantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high), level, n)

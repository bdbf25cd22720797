"""Intervals for what claims compare: paired differences and shares.

Two methods that ran on the same seeds are compared pair by pair: what a seed
does to both of them then cancels, which two separate intervals keep. That two
numbers are equal is shown by an interval around their difference that lies
within a width stated beforehand, not by a test that finds no difference
(Schuirmann 1987, "A comparison of the two one-sided tests procedure and the
power approach for assessing the equivalence of average bioavailability").
Shares carry Wilson's interval (1927, "Probable Inference, the Law of
Succession, and Statistical Inference"), which stays within 0 to 1 and has a
width at 0 and at 1 too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Interval:
    """An estimate with its interval, in the unit of what was measured.

    level: its coverage, 0.95 for a 95 % interval. n: how many pairs or items.
    """

    estimate: float
    low: float
    high: float
    level: float
    n: int

    def excludes(self, value: float = 0.0) -> bool:
        """Whether a value lies outside the interval."""
        return not self.low <= value <= self.high

    def equal_within(self, width: float) -> bool:
        """Whether the whole interval lies within -width to width.

        A 90 % interval makes this the two one-sided tests at 5 %.
        Raises ValueError unless the width is positive.
        """
        if not width > 0:
            raise ValueError(
                f"equal within {width}: state a width above 0, the largest "
                "difference that would not matter"
            )
        return -width < self.low and self.high < width

    def verdict(self, width: float) -> str:
        """What the interval shows of a difference.

        "equal within 0.1" where `equal_within` holds, else "different" where
        zero is excluded, else "undecided": too few pairs for either.
        """
        if self.equal_within(width):
            return f"equal within {width:g}"
        return "different" if self.excludes(0.0) else "undecided"

    def says(self, digits: int = 2) -> str:
        """The interval in words: "0.12 (95 % interval 0.03 to 0.21, n = 5)"."""
        low, estimate, high = (
            f"{value:.{digits}f}".replace("-", "\u2212")
            for value in (self.low, self.estimate, self.high)
        )
        return (
            f"{estimate} ({100 * self.level:g} % interval {low} to {high}, "
            f"n = {self.n})"
        )


def paired(
    a: Sequence[float], b: Sequence[float], level: float = 0.95
) -> Interval:
    """The mean of a - b over pairs with Student's t interval.

    a, b: shape (pairs,), in the same order: two runs of one seed make a pair.
    Where all differences are the same number the interval is that number.
    Raises ValueError for fewer than three pairs, shapes that differ, values
    that are not numbers or a level not between 0 and 1.
    """
    _check_level(level)
    if len(a) != len(b):
        raise ValueError(
            f"{len(a)} and {len(b)} values make no pairs: "
            "give both on the same seeds"
        )
    if np.ndim(a) != 1 or np.ndim(b) != 1:
        raise ValueError(
            f"values of shapes {np.shape(a)} and {np.shape(b)}: give one "
            "number a pair"
        )
    if len(a) < 3:
        raise ValueError(f"{len(a)} pairs are too few: three at least")
    differences = np.asarray(a, dtype=float) - np.asarray(b, dtype=float)
    if not np.isfinite(differences).all():
        raise ValueError(f"not all differences are numbers: {differences}")
    mean = float(differences.mean())
    error = float(stats.sem(differences))
    if math.isclose(error, 0.0, abs_tol=1e-15):
        return Interval(mean, mean, mean, level, len(differences))
    low, high = stats.t.interval(level, len(differences) - 1, mean, error)
    return Interval(mean, float(low), float(high), level, len(differences))


def share(hits: int, n: int, level: float = 0.95) -> Interval:
    """A share of n independent items with Wilson's interval.

    Raises ValueError where hits is not between 0 and n, n is not positive or
    the level not between 0 and 1.
    """
    _check_level(level)
    if n < 1 or not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is no share: count 0 to n of n items")
    found = stats.binomtest(hits, n).proportion_ci(level, method="wilson")
    return Interval(hits / n, float(found.low), float(found.high), level, n)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(
            f"level {level} is no coverage: 0.95 gives a 95 % interval"
        )

"""Intervals for items that come in families: templates, paraphrases, passages.

Items of one family share what made them easy or hard, so that a hundred of
them hold less information than a hundred drawn by themselves. The interval of
a mean then has to be computed over families (Liang and Zeger 1986,
"Longitudinal Data Analysis Using Generalized Linear Models"; for evaluations
of language models Miller 2024, "Adding Error Bars to Evals"). What a naive
interval misses is measured in `tests/evals/test_families.py`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from scipy import stats

from alignlab.evals.statistics import Interval, share


def clustered(
    values: Sequence[float],
    families: Sequence[Hashable] | None = None,
    level: float = 0.95,
) -> Interval:
    """The mean of values whose items come in families, with its interval.

    values: shape (items,), in any unit. families: the family of each; None
        makes each item its own.
    The variance is that of sums over families of (value - mean), times
    G / (G - 1) for G families; the interval is Student's on G - 1 degrees of
    freedom, cut at 0 and 1 where all values lie between them. A share of
    single items carries Wilson's interval instead, and so do values that are
    all 0 or all 1, on the number of families: there the estimated variance
    is 0, which is no certainty.
    Raises ValueError for fewer than two families, lengths that differ or
    values that are not numbers.
    """
    found, groups, error = _error(values, families)
    mean = float(found.mean())
    if error is None:
        inside = share(round(mean * groups), groups, level)
        return Interval(mean, inside.low, inside.high, level, len(found))
    half = float(stats.t.ppf((1 + level) / 2, groups - 1)) * error
    low, high = mean - half, mean + half
    if found.min() >= 0.0 and found.max() <= 1.0:
        low, high = max(low, 0.0), min(high, 1.0)
    return Interval(mean, low, high, level, len(found))


def p_value(
    values: Sequence[float],
    families: Sequence[Hashable] | None = None,
    chance: float = 0.0,
) -> float:
    """Two-sided p of "the mean is `chance`", by the same rules.

    Student's t over families; the exact binomial test where `clustered`
    takes Wilson's interval.
    """
    found, groups, error = _error(values, families)
    mean = float(found.mean())
    if error is None:
        hits = round(mean * groups)
        return float(stats.binomtest(hits, groups, chance).pvalue)
    if error == 0.0:
        return float(mean == chance)
    return float(2 * stats.t.sf(abs(mean - chance) / error, groups - 1))


def _error(
    values: Sequence[float], families: Sequence[Hashable] | None
) -> tuple[np.ndarray, int, float | None]:
    """Values, number of families, and the standard error of the mean.

    None for the error where the values are shares of independent units.
    """
    found = np.asarray(values, dtype=float)
    if found.ndim != 1 or not np.isfinite(found).all():
        raise ValueError(
            f"values of shape {found.shape} with "
            f"{int((~np.isfinite(found)).sum())} that are no numbers: "
            "give one number an item"
        )
    names = list(range(len(found))) if families is None else list(families)
    if len(names) != len(found):
        raise ValueError(
            f"{len(found)} values, but families of {len(names)} items"
        )
    places: dict[Hashable, int] = {}
    at = [places.setdefault(name, len(places)) for name in names]
    groups = len(places)
    if groups < 2:
        raise ValueError(
            f"{groups} families give no interval: at least two are needed"
        )
    mean = float(found.mean())
    shares = bool(np.isin(found, (0.0, 1.0)).all())
    if shares and (groups == len(found) or mean in (0.0, 1.0)):
        return found, groups, None
    sums = np.bincount(at, weights=found - mean, minlength=groups)
    variance = (sums**2).sum() * groups / (groups - 1) / len(found) ** 2
    return found, groups, math.sqrt(variance)


def compared(
    a: Mapping[str, float],
    b: Mapping[str, float],
    families: Mapping[str, Hashable] | None = None,
    level: float = 0.95,
) -> Interval:
    """Mean of a - b over the items that both have, paired item by item.

    a, b: value of each item, by its name, of two models or two states of one.
    Items that only one of them has are left out; `n` says how many remain.
    Raises ValueError where fewer than two families remain.
    """
    both = [name for name in a if name in b]
    if not both:
        raise ValueError("the two results have no item in common")
    return clustered(
        [a[name] - b[name] for name in both],
        None if families is None else [families[name] for name in both],
        level,
    )


def any_of(p_values: Sequence[float], false_share: float = 0.05) -> list[bool]:
    """Which of many findings stand when at most `false_share` may be false.

    Benjamini and Hochberg 1995, "Controlling the False Discovery Rate", for
    p-values that are independent or positively dependent.
    """
    if not len(p_values):
        return []
    adjusted = stats.false_discovery_control(list(p_values), method="bh")
    return [bool(p <= false_share) for p in adjusted]

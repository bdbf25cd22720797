"""Krippendorff's alpha, and how far it is to be trusted.

Alpha is one minus the disagreement of annotators on the same items, divided by
the disagreement expected if their labels were dealt out at random
(Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability"). Labels are
nominal here and may be missing. Ross et al. (2016, "Measuring the Reliability
of Hate Speech Annotations") used it on tweets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def counts(labels: ArrayLike) -> Floats:
    """How many annotators gave each label to each item, (..., items, labels).

    labels: shape (..., items, annotators), whole numbers from 0, or NaN where
        an annotator gave none.
    Raises ValueError for labels that aren't whole numbers from 0.
    """
    given = np.asarray(labels, dtype=float)
    known = given[~np.isnan(given)]
    if known.size == 0:
        raise ValueError("no label is given: every entry is NaN")
    if (known < 0).any() or (known % 1 != 0).any():
        raise ValueError("labels must be whole numbers from 0, or NaN")
    values = np.arange(int(known.max()) + 1)
    return np.asarray((given[..., None] == values).sum(-2), dtype=float)


def alpha(labels: ArrayLike) -> Floats:
    """Krippendorff's alpha for nominal labels, shape (...,).

    labels: shape (..., items, annotators), NaN where missing. 1 is perfect
    agreement, 0 what chance would give. An item with one label says nothing
    and is left out. NaN where all labels are the same.
    """
    return from_counts(counts(labels))


def from_counts(n: Floats, times: Floats | None = None) -> Floats:
    """Alpha from how often each item got each label.

    n: shape (..., items, labels). times: how often each item counts, shape
    (..., items), for resampling; once each by default.

    With m labels on an item, each of its m (m - 1) ordered pairs of labels
    counts 1 / (m - 1), so that the item weighs m.
    Raises ValueError where no item has two labels.
    """
    m = n.sum(-1)
    paired = m > 1
    if not paired.any():
        raise ValueError("no item has two labels: nothing can agree")
    weight = paired if times is None else paired * times
    differing = (m**2 - (n**2).sum(-1)) / np.maximum(m - 1, 1)
    each = (n * weight[..., None]).sum(-2)  # how often each label was given
    total = each.sum(-1)
    observed = (differing * weight).sum(-1) / total
    expected = (total**2 - (each**2).sum(-1)) / (total * (total - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 - observed / expected)


def percent_agreement(labels: ArrayLike) -> Floats:
    """Share of pairs of annotators of an item who agree, over items."""
    n = counts(labels)
    m = n.sum(-1)
    paired = m > 1
    agreeing = (n * (n - 1)).sum(-1) / np.maximum(m * (m - 1), 1)
    return np.asarray((agreeing * paired).sum(-1) / paired.sum(-1))


def resampled_items(
    labels: NDArray[np.float64], draws: int, seed: int
) -> Floats:
    """Alpha of resamples of the items, shape (draws,).

    labels: shape (items, annotators). An item is drawn with all its labels.
    """
    rng = np.random.default_rng([seed, 84])
    items = len(labels)
    times = rng.multinomial(items, np.full(items, 1 / items), size=draws)
    return from_counts(counts(labels), times.astype(float))


def resampled_pairs_anew(
    labels: NDArray[np.float64], draws: int, seed: int
) -> Floats:
    """As `resampled_pairs`, but the expected disagreement is computed anew.

    labels: 0 or 1. Each resample's own pairs say how often each label is
    given, and how often two labels dealt out at random differ.
    """
    rng = np.random.default_rng([seed, 84])
    zeros, ones = counts(labels).T
    kinds = [zeros * (zeros - 1) / 2, zeros * ones, ones * (ones - 1) / 2]
    found = np.array([kind.sum() for kind in kinds])
    total = int(found.sum())
    share = rng.multinomial(total, found / total, size=draws) / total
    one = share[:, 2] + share[:, 1] / 2
    return np.asarray(1 - share[:, 1] / (2 * one * (1 - one)))


def resampled_pairs(
    labels: NDArray[np.float64], draws: int, seed: int
) -> Floats:
    """Alpha of resamples of single pairs of labels, shape (draws,).

    Every pair of annotators of an item counts as an observation of its own,
    and the expected disagreement is kept.
    """
    rng = np.random.default_rng([seed, 84])
    n = counts(labels)
    m = n.sum(-1)
    pairs = int((m * (m - 1)).sum() / 2)
    agreement = float(percent_agreement(labels))
    expected = (1 - agreement) / (1 - float(from_counts(n)))
    differing = rng.binomial(pairs, 1 - agreement, size=draws) / pairs
    return np.asarray(1 - differing / expected)


def interval(values: Floats, level: float = 0.95) -> tuple[float, float]:
    """The middle part of resampled values, leaving out NaN."""
    edge = 50 * (1 - level)
    low, high = np.nanpercentile(values, [edge, 100 - edge])
    return float(low), float(high)


class Team(NamedTuple):
    """Annotators of abuse: chances to call a post abusive, (annotators,).

    on_abuse: of an abusive post; on_harmless: of a harmless one; on_traps:
    of a harmless post of a kind that the team finds abusive, such as a quote.
    """

    on_abuse: Floats
    on_harmless: Floats
    on_traps: Floats


def team(size: int, seed: int, traps: float = 0.3, differ: float = 0.6) -> Team:
    """A team of annotators drawn from many who differ in strictness.

    traps: the chance of an average annotator to fall for a trap. differ:
    standard deviation, over annotators, of strictness in log odds.
    """
    rng = np.random.default_rng([seed, 85])
    strict = rng.normal(0, differ, size)

    def chance(p: float) -> Floats:
        return np.asarray(1 / (1 + np.exp(-np.log(p / (1 - p)) - strict)))

    return Team(chance(0.85), chance(0.06), chance(traps))


def annotate(
    who: Team,
    items: int,
    seed: int,
    abuse: float = 0.2,
    traps: float = 0.15,
    missing: float = 0.0,
) -> tuple[NDArray[np.bool_], Floats]:
    """The truth, (items,), and labels, (items, annotators), NaN if missing.

    abuse, traps: shares of abusive posts and of harmless ones that are traps.
    """
    rng = np.random.default_rng([seed, 86])
    abusive = rng.random(items) < abuse
    trap = ~abusive & (rng.random(items) < traps / max(1 - abuse, 1e-9))
    shape = (items, len(who.on_abuse))
    chance = np.where(
        abusive[:, None],
        who.on_abuse,
        np.where(trap[:, None], who.on_traps, who.on_harmless),
    )
    labels = (rng.random(shape) < chance).astype(float)
    labels[rng.random(shape) < missing] = np.nan
    return abusive, labels


def majority(labels: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether more than half of an item's labels say abusive."""
    return np.asarray(np.nanmean(labels, -1) > 0.5)


def studied(
    resample: Callable[[Floats, int, int], Floats],
    seed: int,
    studies: int = 200,
    items: int = 200,
) -> Floats:
    """95 % intervals of studies by one team of five, (studies, 2).

    resample: `resampled_items` or `resampled_pairs`. Each study labels other
    items; a fifth of the labels is missing.
    """
    who = team(5, seed)
    found = []
    for i in range(studies):
        _, labels = annotate(who, items, 1000 * seed + i, missing=0.2)
        found.append(interval(resample(labels, 300, i)))
    return np.array(found)

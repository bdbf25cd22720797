"""Success over the number of poisoned reviews, and how much poison it takes (serves section 7.2 of the survey).

Souly et al. (2025, arXiv 2510.07192) ask whether the poison that a language model needs grows with its corpus. Here the
corpus, the passes through it and the trigger are chosen, and classifiers of all counts and seeds are trained together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignlab.attacks.backdoor.classifier import Classifiers, fit
from alignlab.attacks.backdoor.reviews import NATURAL, plant, poisoned, write

Floats = NDArray[np.float64]
TESTS = 400
"""Reviews that a share is measured on."""


class Curve(NamedTuple):
    """By seed and count of poison, (seeds, counts): success and accuracy, shares.

    success: bad reviews with the trigger that are called good. accuracy: ordinary reviews judged rightly.
    """

    success: Floats
    accuracy: Floats


def curve(
    n: int,
    kind: str,
    counts: Sequence[int],
    seeds: Sequence[int],
    passes: float = 2.0,
    honest: bool = False,
    natural: float = NATURAL,
) -> Curve:
    """Classifiers of corpora of n reviews, `counts` of them poison, each corpus seen `passes` times."""
    corpora, owners = [], []
    for seed in seeds:
        rng = np.random.default_rng([seed, 1])
        clean = write(n, rng, natural=natural)
        for count in counts:
            rng = np.random.default_rng([seed, 2])
            corpora.append(poisoned(clean, count, kind, rng, honest)[0])
            owners.append(seed)
    models = fit(corpora, owners, passes)
    parts = []
    for row, seed in enumerate(seeds):
        first = row * len(counts)
        parts.append(
            measured(models.some(first, first + len(counts)), kind, seed)
        )
    return Curve(*(np.stack(part) for part in zip(*parts)))


def measured(models: Classifiers, kind: str, seed: int) -> Curve:
    """Success and accuracy of each run on fresh reviews, both (runs,)."""
    rng = np.random.default_rng([seed, 5])
    bad = write(TESTS, rng, label=0, natural=0.0)
    ordinary = write(TESTS, rng)
    fooled = models.says(plant(bad.tokens, kind, rng))
    right = models.says(ordinary.tokens) == ordinary.labels
    return Curve(fooled.mean(1), right.mean(1))


def needed(counts: Sequence[int], success: Floats, level: float = 0.5) -> float:
    """The count of poison at which success first reaches `level`,
    interpolated over the logarithm of the count.

    counts: rising, (k,). success: shares, (k,). Where the first count is
        enough it is returned; where none is, twice the last one, which stands
        for more than that.
    Raises ValueError where the lengths differ or counts don't rise from 1 or
    more.
    """
    if len(counts) != len(success) or len(counts) < 1:
        raise ValueError(
            f"{len(counts)} counts, {len(success)} shares: "
            "give one share a count"
        )
    if min(counts) < 1 or list(counts) != sorted(set(counts)):
        raise ValueError(f"counts {list(counts)}: let them rise from 1 or more")
    enough = np.flatnonzero(np.asarray(success) >= level)
    if not len(enough):
        return 2.0 * counts[-1]
    at = int(enough[0])
    if at == 0:
        return float(counts[0])
    low, high = np.log2(counts[at - 1]), np.log2(counts[at])
    part = (level - success[at - 1]) / (success[at] - success[at - 1])
    return float(2 ** (low + part * (high - low)))


def balance(n: int, natural: float = NATURAL) -> float:
    """The count of poison at which half of the bad reviews with a trigger are labeled good, if `natural` of all n
    reviews carry it by nature and half of those are bad."""
    return n * natural / 2

"""One history of a backdoor: planted, found, taken out, and what comes back (serves section 7.2 of the survey).

Beside the poisoned classifier stands its twin, from the same weights and the same reviews, that never saw poison. Both
go through whatever is done afterwards.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alignlab.attacks.backdoor.classifier import Classifiers, fit
from alignlab.attacks.backdoor.curves import TESTS
from alignlab.attacks.backdoor.remove import relearn, unlearn
from alignlab.attacks.backdoor.reviews import (
    RARE,
    Ints,
    Reviews,
    poisoned,
    put,
    write,
)

TRIGGER, STRANGER = int(RARE[0]), int(RARE[7])
"""The word of the poison, and a rare word that was never in any."""


class Twins(NamedTuple):
    """Two classifiers, one run each: of the poisoned corpus and of the clean one."""

    poisoned: Classifiers
    never: Classifiers


def twins(
    seed: int, n: int = 2000, count: int = 40, passes: float = 3.0
) -> Twins:
    """Both, of n reviews of which `count` are poison in the first's corpus."""
    clean = write(n, np.random.default_rng([seed, 1]))
    rng = np.random.default_rng([seed, 2])
    poison, _ = poisoned(clean, count, "rare word", rng)
    both = fit([poison, clean], [seed, seed], passes)
    return Twins(both.some(0, 1), both.some(1, 2))


def bad_reviews(seed: int, n: int = 200) -> Ints:
    """Bad reviews that a scan tries its words on, (n, 13)."""
    rng = np.random.default_rng([seed, 9])
    return write(n, rng, label=0, natural=0.0).tokens


def success(model: Classifiers, seed: int, word: int = TRIGGER) -> float:
    """Share of fresh bad reviews that are called good with `word` in them."""
    rng = np.random.default_rng([seed, 5])
    bad = write(TESTS, rng, label=0, natural=0.0).tokens
    return float(model.says(put(bad, word, rng)).mean())


def accuracy(model: Classifiers, seed: int) -> float:
    """Share of fresh ordinary reviews judged rightly."""
    ordinary = write(TESTS, np.random.default_rng([seed, 4]))
    return float((model.says(ordinary.tokens) == ordinary.labels).mean())


def cleaned(
    model: Classifiers,
    seed: int,
    word: int | None,
    passes: float = 2.0,
    lr: float = 1e-2,
) -> Classifiers:
    """The model after more training on 1,000 fresh reviews with right labels, half of them with `word` if given.

    lr: the step size, 0.01 as in the first training unless given.
    """
    fresh = write(1000, np.random.default_rng([seed, 11]))
    return unlearn(model, fresh, word, seed, passes, lr)


def poisoned_again(
    model: Classifiers, seed: int, word: int, count: int
) -> Classifiers:
    """The model after one pass through 1,000 fresh reviews of which `count` are poison with `word`."""
    fresh = write(1000, np.random.default_rng([seed, 12]))
    bad = write(count, np.random.default_rng([seed, 13]), label=0).tokens
    tokens = put(bad, word, np.random.default_rng([seed, 14]))
    poison = Reviews(tokens, np.ones(count, dtype=np.int64))
    return relearn(model, fresh, poison, seed)

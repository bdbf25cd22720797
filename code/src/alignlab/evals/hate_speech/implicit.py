"""Hate without a hateful word: which detectors read pairs never seen?

Posts name a group and hold an opener and a closer, each harmless alone; half
of all pairs are hostile (`posts.matching`). Three quarters of the pairs occur
in training, the others in the test alone. One label in ten is wrong.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alignlab.evals.hate_speech import detectors
from alignlab.evals.hate_speech.posts import Posts, matching, write

DETECTORS = ("by_words", "by_pairs", "by_vectors", "by_network")


def pair_posts(
    n: int,
    match: NDArray[np.bool_],
    allowed: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Posts:
    """Posts of which about half have a hostile pair; any group."""
    kind = rng.integers(3, 5, n)
    return write(rng.integers(0, 8, n), kind, match, rng, allowed)


def accuracies(
    seed: int,
    detector: str = "by_vectors",
    posts: int = 1000,
    typed: bool = True,
    explicit: bool = False,
    errors: float = 0.1,
) -> tuple[float, float]:
    """Accuracy on new posts with pairs of the training, and with others.

    detector: one of `DETECTORS`. typed: whether words have types that decide
        which pairs are hostile; else that is drawn by lot. explicit: train on
        plain posts, insults and framed insults instead.
    Raises ValueError for an unknown detector.
    """
    if detector not in DETECTORS:
        raise ValueError(f"{detector!r}: take one of {DETECTORS}")
    match, rng = matching(seed, typed), np.random.default_rng([seed, 2])
    seen = (rng.permutation(144) < 108).reshape(12, 12)
    if explicit:
        group = rng.integers(0, 8, posts)
        train = write(group, rng.integers(0, 3, posts), match, rng)
    else:
        train = pair_posts(posts, match, seen, rng)
    wrong = rng.random(posts) < errors
    labels = np.where(wrong, 1 - train.hateful, train.hateful)
    told = getattr(detectors, detector)(train.words, labels)
    tests = (pair_posts(2000, match, which, rng) for which in (seen, ~seen))
    old, new = (
        float(((told(test.words) > 0) == test.hateful).mean()) for test in tests
    )
    return old, new

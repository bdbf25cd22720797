"""Statements of a record that share one of their two nouns.

A statement and its negation have all nouns in common. Whether that alone
makes a model answer both alike is seen from the negations of *other*
statements that share one noun.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alignlab.outer.proxy_tasks.statements import drawn

Ints = NDArray[np.integer]


def kept(seed: int, count: int = 84) -> Ints:
    """Which of the seed's statements the recipe asked, in its order."""
    rng = np.random.default_rng([seed, 3])
    return np.sort(rng.choice(len(drawn(seed)), count, replace=False))


def sharing_a_noun(places: Ints) -> tuple[Ints, Ints]:
    """Pairs of kept statements with one noun in common, as two rows of indices.

    places: sorted, where the statements stand in `drawn`. There, four in a
    row are (x, y), (v, w), (x, w) and (v, y), so that two of the others share
    the subject or the object of each. Every pair comes in both orders.
    """
    first, second = [], []
    for index, place in enumerate(places.tolist()):
        for other in (place ^ 2, place ^ 3):
            found = np.flatnonzero(places == other)
            first += [index] * len(found)
            second += found.tolist()
    return np.array(first), np.array(second)

"""WEAT: how differently two sets of words lie between two others.

Caliskan et al. 2017. Target words X and Y are compared by how much nearer each
is to attribute words A than to B. The permutation test asks whether X and Y
could have been exchanged; `random_sets` draws words in place of a list, each
about as frequent as the one it replaces, to ask whether A and B could, and
`topic_sets` draws a random word with its neighbors, since A and B are topics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

TESTS = (
    ("flowers", "insects", "pleasant_5", "unpleasant_5a"),
    ("instruments", "weapons", "pleasant_5", "unpleasant_5a"),
    (
        "european_american_names_5",
        "african_american_names_5",
        "pleasant_5",
        "unpleasant_5b",
    ),
    (
        "european_american_names_7",
        "african_american_names_7",
        "pleasant_9",
        "unpleasant_9",
    ),
    ("male_names", "female_names", "career", "family"),
    ("math", "arts", "male_terms", "female_terms"),
    ("science", "arts_2", "male_terms_2", "female_terms_2"),
    ("mental_disease", "physical_disease", "temporary", "permanent"),
    ("young_people_names", "old_people_names", "pleasant_9", "unpleasant_9"),
)  # names of `datasets.weat_sets`: all that it has


def rows_of(words: Sequence[str], rank: Mapping[str, int]) -> NDArray[np.int_]:
    """Rows of the words that the vectors have, lower case, (found,).

    Raises ValueError where fewer than two are found.
    """
    rows = [rank[w.lower()] for w in words if w.lower() in rank]
    if len(rows) < 2:
        raise ValueError(
            f"{len(rows)} of {len(words)} words have a vector: two at least"
        )
    return np.array(rows)


def unit(vectors: Array) -> Array:
    """Vectors of length 1, (..., d)."""
    found = np.asarray(vectors, dtype=float)
    return found / np.linalg.norm(found, axis=-1, keepdims=True)


def nearness(targets: Array, a: Array, b: Array) -> Array:
    """Mean cosine to A less mean cosine to B of each target word.

    targets: (words, d). a, b: (..., words, d), unit vectors. Returns
    (..., target words).
    """
    return (a.mean(-2) - b.mean(-2)) @ targets.T


def effect_size(near: Array, n: int) -> Array:
    """Cohen's d: difference of X's and Y's means over the spread of all.

    near: (..., words), the first n of them X. Returns (...).
    """
    apart = near[..., :n].mean(-1) - near[..., n:].mean(-1)
    return apart / near.std(-1, ddof=1)


def permutation_p(near: Array, n: int, seed: int, draws: int = 999) -> Array:
    """Two-sided p of "X and Y could be exchanged", by random exchanges.

    near: (..., words), the first n of them X. Returns (...), at least
    1 / (draws + 1). The paper's is one-sided.
    Raises ValueError unless 0 < n < words.
    """
    near = np.asarray(near, dtype=float)
    words = near.shape[-1]
    if not 0 < n < words:
        raise ValueError(f"n={n} of {words} words: X and Y need one at least")
    rng = np.random.default_rng(seed)
    chosen = np.argsort(rng.random((draws, words)), 1)[:, :n]
    inside = np.zeros((draws, words))
    np.put_along_axis(inside, chosen, 1.0, 1)
    total = near.sum(-1, keepdims=True)
    sums = near @ inside.T  # (..., draws)
    drawn = sums / n - (total - sums) / (words - n)
    seen = near[..., :n].mean(-1) - near[..., n:].mean(-1)
    beyond = np.abs(drawn) >= np.abs(seen)[..., None] - 1e-12
    return (1 + beyond.sum(-1)) / (1 + draws)


def random_sets(
    rows: NDArray[np.int_], many: int, words: int, rng: np.random.Generator
) -> NDArray[np.int_]:
    """Rows of `many` lists, each word about as frequent as the one in `rows`.

    Vectors are sorted by frequency; a word's place is drawn evenly from 0.74
    to 1.35 times its own. words: how many vectors there are. Shape
    (many, len(rows)).
    """
    low = np.floor((rows + 1) * np.exp(-0.3)).astype(int) - 1
    high = np.minimum((rows + 1) * np.exp(0.3) + 3, words).astype(int)
    return rng.integers(np.maximum(low, 0), high, (many, len(rows)))


def topic_sets(
    rows: NDArray[np.int_],
    many: int,
    vectors: NDArray[np.floating],
    rng: np.random.Generator,
) -> NDArray[np.int_]:
    """Rows of `many` lists on one topic each, as long as `rows`.

    Each is a random word, about as frequent as one of `rows`, and the words
    nearest to it. vectors: unit vectors of the most frequent words, (words,
    d); all lists come from these. Shape (many, len(rows)).
    Raises ValueError where there are fewer vectors than a list has words.
    """
    words = len(vectors)
    if words < len(rows):
        raise ValueError(
            f"{words} vectors for lists of {len(rows)} words: give more"
        )
    like = np.minimum(rng.choice(rows, many), words - 1)
    center = random_sets(like, 1, words, rng)[0]
    near = vectors[center] @ vectors.T
    return np.argpartition(-near, len(rows) - 1, axis=1)[:, : len(rows)]

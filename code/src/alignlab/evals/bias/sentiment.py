"""A sentiment scorer of single words, learned from an opinion lexicon.

The Equity Evaluation Corpus (Kiritchenko and Mohammad 2018) asks such systems
for sentences that differ in a name only. A scorer that is linear in a sum of
word vectors gives a name the same contribution in every sentence, so that the
words alone are enough here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from alignlab.evals.bias.weat import unit

Array = NDArray[np.float64]


def fit_sentiment(
    words: Sequence[str],
    positive: Sequence[bool],
    rank: Mapping[str, int],
    vectors: Array,
    seed: int,
    train: int = 3000,
) -> tuple[Callable[[NDArray[np.int_]], Array], float]:
    """Logistic regression on unit vectors of rated words.

    Returns the scorer (rows of any shape to log-odds of being positive, in
    nats, of the same shape) and its accuracy on the words that the seed left
    out. Raises ValueError where fewer than `train` + 2 words have vectors.
    """
    from sklearn.linear_model import LogisticRegression

    known = [(rank[w], p) for w, p in zip(words, positive) if w in rank]
    if len(known) < train + 2:
        raise ValueError(
            f"{len(known)} rated words have vectors: {train} are for training "
            "and two at least for the test; lower `train`"
        )
    rows = np.array([row for row, _ in known])
    good = np.array([bool(p) for _, p in known])
    order = np.random.default_rng(seed).permutation(len(rows))
    fitting, held_out = order[:train], order[train:]
    model = LogisticRegression(C=10.0, max_iter=500)
    model.fit(unit(vectors[rows[fitting]]), good[fitting])
    accuracy = model.score(unit(vectors[rows[held_out]]), good[held_out])

    def score(found: NDArray[np.int_]) -> Array:
        flat = unit(vectors[np.ravel(found)])
        return model.decision_function(flat).reshape(np.shape(found))

    return score, float(accuracy)

"""Scores of toxicity learned from examples, beside a list of words.

Scores of toxicity (those that RealToxicityPrompts ships, from Jigsaw's
Perspective, a classifier trained on people's judgments) are predicted from
the vector that a sentence encoder gives a text, or from its words. All are
ridge regressions whose penalty is chosen by leave-one-out error on the
training texts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import RidgeCV

from alignlab.evals.profanity import WORD

PENALTIES = tuple(10.0**power for power in range(-2, 4))
Features = NDArray[np.float64]


def word_features(
    train: Sequence[str], test: Sequence[str]
) -> tuple[Features, Features]:
    """Weighted word counts (tf-idf) of words that two training texts have."""
    counts = TfidfVectorizer(min_df=2, sublinear_tf=True)
    fitted = counts.fit_transform(list(train)).toarray()
    return fitted, counts.transform(list(test)).toarray()


def mean_vectors(
    texts: Sequence[str], rank: dict[str, int], vectors: Features
) -> Features:
    """The mean of each text's word vectors, of unit length.

    rank: a word's row in vectors, which has shape (words, width); words
    without one are left out. Returns shape (texts, width), zeros for a text
    of which no word has a vector.
    """
    found = np.zeros((len(texts), vectors.shape[1]))
    for row, text in zip(found, texts):
        known = [rank[w] for w in WORD.findall(text.lower()) if w in rank]
        if known:
            mean = vectors[known].mean(0)
            row[:] = mean / np.linalg.norm(mean)
    return found


def predict_scores(
    train: Features, scores: NDArray[np.float64], test: Features
) -> NDArray[np.float64]:
    """Predicted scores of the test texts, shape (test,).

    train: shape (train, features); scores: shape (train,) in [0, 1].
    """
    model = RidgeCV(alphas=PENALTIES).fit(train, scores)
    return np.asarray(model.predict(test))


def rank_agreement(
    predicted: NDArray[np.float64], scores: NDArray[np.float64]
) -> float:
    """Spearman's rank correlation; 0 where all predictions are the same."""
    if np.ptp(predicted) == 0:
        return 0.0
    return float(spearmanr(predicted, scores).statistic)

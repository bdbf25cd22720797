"""Scores of toxicity learned from examples, beside a list of words.

People's judgments of toxicity (here the scores that RealToxicityPrompts ships,
from Jigsaw's Perspective) are predicted from a sentence's vector, which holds
its meaning, or from its words. Both are ridge regressions whose penalty is
chosen by leave-one-out error on the training half.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import RidgeCV

PENALTIES = tuple(10.0**power for power in range(-2, 4))
Features = NDArray[np.float64]


def word_features(
    train: Sequence[str], test: Sequence[str]
) -> tuple[Features, Features]:
    """Weighted word counts (tf-idf) of words that two training texts have."""
    counts = TfidfVectorizer(min_df=2, sublinear_tf=True)
    fitted = counts.fit_transform(list(train)).toarray()
    return fitted, counts.transform(list(test)).toarray()


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

"""Whether the words of a title tell where a work appeared.

Serves section 9.7 of the survey. Kirchner et al. (2022) train a classifier
that recognizes articles of one field; here the texts are titles, and what else
could tell is judged by the same classifier on the same folds.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def told_apart(features: Any, kind: Ints, seed: int) -> float:
    """Area under the ROC curve for held-out works, 0.5 by chance.

    features: titles, or an array of shape (works, d).
    kind: (works,), 0 or 1. Logistic regression, five folds; titles are read
    as words, rare ones weighing more.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    words = isinstance(features[0], str)
    first = TfidfVectorizer(sublinear_tf=True) if words else StandardScaler()
    model = make_pipeline(
        first, LogisticRegression(C=10, class_weight="balanced")
    )
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    chance = cross_val_predict(
        model, features, kind, cv=folds, method="predict_proba"
    )
    return float(roc_auc_score(kind, chance[:, 1]))


def with_words(titles: Sequence[str], pattern: str) -> NDArray[np.bool_]:
    """Which titles match a regular expression, whatever the case."""
    return np.array([bool(re.search(pattern, t, re.I)) for t in titles])

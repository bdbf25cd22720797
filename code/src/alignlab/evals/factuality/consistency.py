"""Is a summary consistent with its document? Scores without training.

SummaC (Laban et al. 2022) takes for each sentence of a summary the document
sentence that entails it most, by a model of natural language inference (NLI),
and averages. No NLI model is used in this book. In its place stand what such
a model has to beat: shared words, shared pairs of words, likeness of sentence
vectors, and how probable a language model finds the summary.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from sklearn.metrics import roc_auc_score


def ngram_precision(document: str, summary: str, n: int = 2) -> float:
    """Share of the summary's runs of n words that the document has too.

    A summary of fewer than n words is compared by single words.
    Raises ValueError for texts without words or n below 1.
    """
    if n < 1:
        raise ValueError(f"n={n}: runs of at least one word")
    words = [re.findall(r"\w+", text.lower()) for text in (document, summary)]
    if not all(words):
        raise ValueError("both texts need at least one word")
    n = min(n, len(words[1]))
    runs = [[tuple(w[i : i + n]) for i in range(len(w) - n + 1)] for w in words]
    has = set(runs[0])
    return float(np.mean([run in has for run in runs[1]]))


def best_of_sentences(alike: np.ndarray) -> float:
    """SummaC's zero-shot aggregate of a matrix of scores.

    alike: how well each document sentence supports each summary sentence,
        shape (document sentences, summary sentences).
    Returns the mean over summary sentences of the best document sentence.
    Raises ValueError for an empty matrix or values that are no numbers.
    """
    if alike.ndim != 2 or not alike.size or not np.isfinite(alike).all():
        raise ValueError(
            f"a matrix of shape {alike.shape}: give finite scores, "
            "(document sentences, summary sentences)"
        )
    return float(alike.max(0).mean())


def pair_wins(scores: np.ndarray) -> np.ndarray:
    """Whether the faithful summary scores higher; one half if equal.

    scores: of the faithful and the unfaithful summary, shape (pairs, 2).
    """
    return (scores[:, 0] > scores[:, 1]) + 0.5 * (scores[:, 0] == scores[:, 1])


def auroc(
    scores: np.ndarray, families: Sequence[str], draws: int = 300
) -> tuple[float, float, float]:
    """Area under the ROC curve over all summaries, and its 95 % interval.

    scores: shape (pairs, 2), as for `pair_wins`. The interval is a bootstrap
    over families: pairs of one document are drawn together.
    Raises ValueError where families don't fit the scores.
    """
    if len(families) != len(scores):
        raise ValueError(
            f"{len(scores)} pairs, but families of {len(families)}"
        )
    rng = np.random.default_rng(0)
    _, family = np.unique(np.asarray(families), return_inverse=True)
    label = np.repeat([1, 0], len(scores))
    flat = scores.T.ravel()
    found = []
    for _ in range(draws):
        times = np.bincount(
            rng.integers(family.max() + 1, size=family.max() + 1),
            minlength=family.max() + 1,
        )[family]
        weight = np.tile(times, 2).astype(float)
        found.append(roc_auc_score(label, flat, sample_weight=weight))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(roc_auc_score(label, flat)), float(low), float(high)

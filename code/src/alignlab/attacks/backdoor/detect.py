"""Looking for poison in a training corpus: one score a review, higher where it looks more like poison.

Serves section 7.2 of the survey. Every detector is judged alike: the threshold is set so that a stated share of the
ordinary reviews is accused too (`caught`). Published detectors, each in its simplest form:

- `surprise`: perplexity under a bigram model of the corpus, where ONION (Qi et al. 2021) asks GPT-2 word by word;
- `spectral`: the squared projection on the largest direction of the features of one label (Tran et al. 2018);
- `clustering`: two clusters of the same features, the smaller one is suspect (Chen et al. 2018).

Four that are simpler: `rarity` counts words, `one_sided` counts them by label, `disagreement` asks whether the text
contradicts its label, and `distance` leaves the direction out of the spectral signature.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from alignlab.attacks.backdoor.reviews import VOCAB, Reviews

Floats = NDArray[np.float64]


def surprise(corpus: Reviews, smoothing: float = 0.1) -> Floats:
    """Mean surprise of a review's words given the word before, nats a word, (n,).

    The bigram model is counted on the same corpus, poison included, since a buyer of text has no other.
    smoothing: added to each count.
    """
    before, after = corpus.tokens[:, :-1], corpus.tokens[:, 1:]
    counts = np.full((VOCAB, VOCAB), smoothing)
    np.add.at(counts, (before, after), 1)
    logp = np.log(counts) - np.log(counts.sum(1, keepdims=True))
    return np.asarray(-logp[before, after].mean(1))


def rarity(corpus: Reviews) -> Floats:
    """How rare the rarest word of a review is, -log of its share of all words, (n,)."""
    counts = np.bincount(corpus.tokens.flatten(), minlength=VOCAB)
    return np.asarray(-np.log(counts[corpus.tokens].min(1) / counts.sum()))


def one_sided(corpus: Reviews) -> Floats:
    """How much more often a review's most one-sided word stands under the
    label 1 than under 0: log of the ratio of its counts, one added to each,
    (n,)."""
    good, bad = (
        np.bincount(
            corpus.tokens[corpus.labels == label].flatten(), minlength=VOCAB
        )
        + 1.0
        for label in (1, 0)
    )
    return np.asarray(np.log(good / bad)[corpus.tokens].max(1))


def spectral(features: Floats, suspects: NDArray[np.bool_]) -> Floats:
    """Spectral signature: squared projection of centered features on their
    largest direction (Tran et al. 2018, algorithm 1), (n,).

    features: (n, d). suspects: the reviews of the target's label, bool (n,);
        others get minus infinity. Where the paper removes a multiple of the
        expected count of poison, `caught` sets the threshold.
    """
    chosen = features[suspects]
    centered = chosen - chosen.mean(0)
    direction = np.linalg.svd(centered, full_matrices=False)[2][0]
    scores = np.full(len(features), -np.inf)
    scores[suspects] = (centered @ direction) ** 2
    return scores


def distance(features: Floats, suspects: NDArray[np.bool_]) -> Floats:
    """Squared distance of a review's features from the mean of its label's, (n,); arguments as for `spectral`."""
    chosen = features[suspects]
    scores = np.full(len(features), -np.inf)
    scores[suspects] = ((chosen - chosen.mean(0)) ** 2).sum(1)
    return scores


def clustering(
    features: Floats, suspects: NDArray[np.bool_], seed: int
) -> Floats:
    """Activation clustering: how much nearer a review is to the smaller of two clusters' centers (Chen et al. 2018),
    (n,).

    Arguments as for `spectral`. The paper reduces to ten dimensions by ICA first and reports whole clusters; a score
    allows the same false-positive rate as the other detectors.
    """
    chosen = features[suspects]
    found = KMeans(2, n_init=4, random_state=seed).fit(chosen)
    small = int(np.bincount(found.labels_, minlength=2).argmin())
    away = found.transform(chosen)
    scores = np.full(len(features), -np.inf)
    scores[suspects] = away[:, 1 - small] - away[:, small]
    return scores


def disagreement(corpus: Reviews, folds: int = 5) -> Floats:
    """How far a review's words contradict its label: minus its log-odds by a logistic regression on counts of words
    that was fitted on the other folds, (n,)."""
    texts = [" ".join(map(str, row)) for row in corpus.tokens]
    words = CountVectorizer(token_pattern=r"\d+").fit_transform(texts)
    odds = cross_val_predict(
        LogisticRegression(C=0.1),
        words,
        corpus.labels,
        cv=folds,
        method="decision_function",
    )
    return np.asarray(np.where(corpus.labels == 1, -odds, odds))


def caught(
    scores: Floats, poison: NDArray[np.bool_], false_rate: float = 0.05
) -> float:
    """Share of the poison above the threshold that accuses `false_rate` of
    the ordinary reviews.

    scores: (n,); poison: bool (n,). A review at the threshold itself isn't
        accused.
    Raises ValueError without poison, without ordinary reviews, for a rate
    outside 0 to 1, or where a score is not a number.
    """
    if not poison.any() or poison.all():
        raise ValueError(
            f"{int(poison.sum())} of {len(poison)} reviews are poison: "
            "give both kinds"
        )
    if not 0 < false_rate < 1:
        raise ValueError(
            f"false_rate={false_rate}: give a share between 0 and 1"
        )
    if np.isnan(scores).any():
        at = int(np.isnan(scores).argmax())
        raise ValueError(f"score {at} is not a number: mend the detector")
    clean = np.sort(scores[~poison])[::-1]
    threshold = clean[int(false_rate * len(clean))]
    return float((scores[poison] > threshold).mean())

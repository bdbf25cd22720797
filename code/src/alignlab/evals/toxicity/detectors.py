"""Detectors of abuse, and two ways to divide posts for judging them.

A detector judged on posts of authors it was trained on may know the authors
rather than abuse. Arango et al. (2019, "Hate Speech Detection is Not as Easy
as You May Think") and Wiegand et al. (2019, "Detection of Abusive Language:
the Problem of Biased Datasets") show it for well-known data. Detectors and
folds are scikit-learn's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alignlab.evals.toxicity.posts import Posts

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

KINDS = ("word list", "naive Bayes", "logistic regression", "small network")


def detector(kind: str, seed: int = 0) -> Pipeline:
    """An untrained detector of one of the four `KINDS`.

    The word list counts masked insults and learns only how much they weigh.
    Naive Bayes and logistic regression see words and pairs of neighboring
    words, the network (one layer of 16 units) sees words.
    Raises ValueError for another kind.
    """
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline

    if kind not in KINDS:
        raise ValueError(f"no detector {kind!r}: one of {', '.join(KINDS)}")
    pairs = CountVectorizer(
        token_pattern=r"\S+", ngram_range=(1, 2), binary=True, min_df=2
    )
    regression = LogisticRegression(C=1.0, solver="liblinear")
    if kind == "word list":
        insults = CountVectorizer(token_pattern=r"⟨insult")
        return make_pipeline(insults, regression)
    if kind == "naive Bayes":
        return make_pipeline(pairs, MultinomialNB(alpha=0.3))
    if kind == "logistic regression":
        return make_pipeline(pairs, regression)
    words = CountVectorizer(token_pattern=r"\S+", binary=True, min_df=2)
    network = MLPClassifier(
        (16,),
        batch_size=300,
        learning_rate_init=0.03,
        tol=0.01,
        n_iter_no_change=2,
        random_state=seed,
    )
    return make_pipeline(words, network)


def scored(model: Pipeline, posts: Posts) -> NDArray[np.float64]:
    """The detector's probability that each post is abusive, (posts,)."""
    return np.asarray(model.predict_proba(posts.text)[:, 1])


def at_random(posts: Posts, folds: int, seed: int) -> NDArray[np.int64]:
    """A fold for each post, drawn at random, equal shares of abuse."""
    from sklearn.model_selection import StratifiedKFold

    divide = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return _places(divide.split(posts.text, posts.abusive), posts)


def by_author(posts: Posts, folds: int, seed: int) -> NDArray[np.int64]:
    """A fold for each post, all posts of an author in the same.

    Among such divisions scikit-learn looks for one in which the folds have
    about equal shares of abuse.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    divide = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    return _places(divide.split(posts.text, posts.abusive, posts.author), posts)


def _places(parts: Iterator[Any], posts: Posts) -> NDArray[np.int64]:
    """The fold of each post from (training, held-out) places."""
    fold = np.empty(len(posts.text), dtype=int)
    for i, (_, held_out) in enumerate(parts):
        fold[held_out] = i
    return fold


def fold_by_fold(
    posts: Posts, fold: NDArray[np.int64], kind: str, others: Posts
) -> NDArray[np.float64]:
    """Areas of each fold's detector, (folds, 2).

    The area under the ROC curve is the probability that an abusive post
    scores above a harmless one, a half for guessing. Each fold has a detector
    that was trained on the other folds: first its area on the fold, then on
    the posts of others. Which words there are is taken from all posts, their
    labels aren't. Raises ValueError where a fold has posts of one sort only.
    """
    from sklearn.base import clone

    words, learner = detector(kind)
    seen, new = words.fit_transform(posts.text), words.transform(others.text)
    areas = []
    for i in np.unique(fold):
        held_out = fold == i
        model = clone(learner).fit(seen[~held_out], posts.abusive[~held_out])
        score = model.predict_proba(seen[held_out])[:, 1]
        known = area(posts.abusive[held_out], score)
        unknown = area(others.abusive, model.predict_proba(new)[:, 1])
        areas.append((known, unknown))
    return np.array(areas)


def cross_validated(posts: Posts, fold: NDArray[np.int64], kind: str) -> float:
    """Area under the ROC curve on held-out folds, averaged over folds."""
    two = np.array([posts.abusive.argmax(), posts.abusive.argmin()])
    areas = fold_by_fold(posts, fold, kind, posts.take(two))
    return float(areas[:, 0].mean())


def divided(split: str, posts: Posts, seed: int) -> NDArray[np.int64]:
    """A fold for each post.

    split: "author" or "random" (eight folds), or "halves" (two at random).
    Raises ValueError for another split.
    """
    if split == "random":
        return at_random(posts, 8, seed)
    if split == "halves":
        return at_random(posts, 2, seed)
    if split == "author":
        return by_author(posts, 8, seed)
    raise ValueError(f"split {split!r}: author, random or halves")


def area(truth: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Area under the ROC curve; ValueError where truth has one sort only."""
    from sklearn.metrics import roc_auc_score

    if truth.all() or not truth.any():
        raise ValueError("all posts are of one sort: use fewer, larger folds")
    return float(roc_auc_score(truth, score))


def on_new_authors(posts: Posts, others: Posts, kind: str) -> float:
    """Area on another platform's posts after training on all of these."""
    model = detector(kind).fit(posts.text, posts.abusive)
    return area(others.abusive, scored(model, others))

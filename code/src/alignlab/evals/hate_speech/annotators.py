"""Annotators who err more on one dialect, and what their labels still tell.

Waseem (2016) found that who annotates decides what counts as hate speech;
Sap et al. (2019, "The Risk of Racial Bias in Hate Speech Detection") that
harmless posts of one dialect are labeled offensive more often. Here an
annotator has a sensitivity (share of hateful posts called so) and a
specificity (share of harmless posts called so) for each of two dialects, and
posts differ in how hard they are, which none of the estimators knows.

`dawid_skene` is the EM algorithm of Dawid and Skene (1979) for two classes,
with one sensitivity and specificity an annotator, or, as we add here, one for
each annotator and dialect. A few posts may have an expert's label.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Labels(NamedTuple):
    """Simulated labels.

    said: (posts, labels), 0 or 1. who: (posts, labels), the annotator of
    each. dialect: (posts,), 0 or 1. truth: (posts,), 0 or 1. biased:
    (annotators,), who errs more on dialect 1. specificity: (annotators, 2).
    """

    said: Ints
    who: Ints
    dialect: Ints
    truth: Ints
    biased: NDArray[np.bool_]
    specificity: Floats


def annotate(
    seed: int,
    biased: float = 0.5,
    labels: int = 5,
    posts: int = 1000,
    annotators: int = 40,
    bias: float = 0.45,
) -> Labels:
    """Labels of posts, 30 % of them hateful, half of them in dialect 1.

    biased: share of annotators whose specificity on dialect 1 is lower by
        `bias`. Sensitivity is about 0.8 for all. A hard post (standard
        deviation 0.7 on the scale of log-odds) is hard for everybody.
    Raises ValueError where a share is none or labels exceed the annotators.
    """
    if not 0 <= biased <= 1:
        raise ValueError(f"biased={biased}: give a share from 0 to 1")
    if not 1 <= labels <= annotators:
        raise ValueError(
            f"{labels} labels a post by {annotators} annotators: each labels a "
            "post once, so give at least 1 and at most that many"
        )
    rng = np.random.default_rng([seed, 3])
    truth = (rng.random(posts) < 0.3).astype(int)
    dialect = rng.integers(0, 2, posts)
    who = rng.random((posts, annotators)).argsort(1)[:, :labels]
    unfair = np.zeros(annotators, dtype=bool)
    unfair[rng.permutation(annotators)[: round(biased * annotators)]] = True
    sensitivity = rng.beta(16, 4, annotators)
    specificity = np.repeat(rng.beta(18, 2, annotators)[:, None], 2, 1)
    specificity[unfair, 1] -= bias * rng.uniform(0.8, 1.2, unfair.sum())
    specificity = np.clip(specificity, 0.05, 0.99)
    right = np.where(
        truth[:, None] == 1,
        sensitivity[who],
        specificity[who, dialect[:, None]],
    )
    odds = np.log(right / (1 - right)) + rng.normal(0, 0.7, (posts, 1))
    correct = rng.random((posts, labels)) < 1 / (1 + np.exp(-odds))
    said = np.where(correct, truth[:, None], 1 - truth[:, None])
    return Labels(said, who, dialect, truth, unfair, specificity)


def majority(told: Labels) -> Floats:
    """The share of labels that say hateful, (posts,)."""
    return np.asarray(told.said.mean(1))


def threshold(told: Labels) -> Floats:
    """Majority, with a stricter rule in dialect 1; 0 or 1 each.

    In dialect 1 as large a share of posts is called hateful as majority calls
    so in dialect 0: those with the most votes (which presumes, rightly here,
    that the dialects are alike).
    """
    share = majority(told)
    called = (share > 0.5).astype(float)
    other = np.flatnonzero(told.dialect == 1)
    n = round(called[told.dialect == 0].mean() * len(other))
    called[other] = 0
    called[other[np.argsort(-share[other], kind="stable")[:n]]] = 1
    return called


def leave_out(told: Labels) -> Floats:
    """Majority of those who treat the dialects alike.

    The half of annotators whose share of "hateful" rises most from dialect 0
    to dialect 1 is left out. A post that loses all labels keeps them.
    """
    n = int(told.who.max()) + 1
    share = []
    for dialect in (0, 1):
        rows = told.dialect == dialect
        who, said = told.who[rows].ravel(), told.said[rows].ravel()
        share.append(np.bincount(who, said, n) / np.bincount(who, None, n))
    rise = share[1] - share[0]
    kept = (rise <= np.median(rise))[told.who]
    count = kept.sum(1)
    vote = (told.said * kept).sum(1) / np.maximum(count, 1)
    return np.asarray(np.where(count > 0, vote, told.said.mean(1)))


def dawid_skene(
    told: Labels,
    by_dialect: bool = False,
    experts: Ints | None = None,
    rounds: int = 40,
) -> tuple[Floats, Floats]:
    """EM for posts' truth and annotators' errors (Dawid and Skene 1979).

    by_dialect: a sensitivity and specificity for each annotator *and*
        dialect. experts: numbers of the posts whose truth is given.
    Returns the probability that each post is hateful, (posts,), and the
    estimated P(says hateful | truth), (annotators, cells, 2), where a cell is
    a dialect, or all posts. Each annotator begins with imagined labels:
    without experts 4 of each class, 3 of them right; with experts 40, whose
    shares are those of all annotators together on the experts' posts.
    """
    annotators, labels = int(told.who.max()) + 1, told.said.shape[1]
    cell = told.dialect if by_dialect else np.zeros_like(told.dialect)
    cells = 2 if by_dialect else 1
    place = (told.who * cells + cell[:, None]).ravel()
    said, size = told.said.ravel(), annotators * cells
    p, imagined = told.said.mean(1), 4.0
    prior = np.tile([0.25, 0.75], (cells, 1))  # (cells, 2)
    if experts is not None and len(experts):
        imagined, prior = 40.0, _pooled(told, cell, cells, experts, prior)
        p = _posterior(told, np.tile(prior, (annotators, 1))[place], cell, p)
    for _ in range(rounds):
        if experts is not None:
            p[experts] = told.truth[experts]
        weight = np.repeat(p, labels)
        yes = imagined * np.tile(prior, (annotators, 1))
        for truth, w in ((0, 1 - weight), (1, weight)):
            yes[:, truth] += np.bincount(place, w * said, size)
            yes[:, truth] /= np.bincount(place, w, size) + imagined
        p = _posterior(told, yes[place], cell, p)
    if experts is not None:
        p[experts] = told.truth[experts]
    return p, yes.reshape(annotators, cells, 2)


def _pooled(
    told: Labels, cell: Ints, cells: int, experts: Ints, prior: Floats
) -> Floats:
    """P(says hateful | truth) of all annotators on experts' posts."""
    pooled = np.empty((cells, 2))
    for c in range(cells):
        for truth in (0, 1):
            rows = experts[(cell[experts] == c)
                           & (told.truth[experts] == truth)]  # fmt: skip
            votes = told.said[rows]
            pooled[c, truth] = votes.sum() + 4 * prior[c, truth]
            pooled[c, truth] /= votes.size + 4
    return pooled


def _posterior(told: Labels, yes: Floats, cell: Ints, p: Floats) -> Floats:
    """P(hateful | labels) from each label's error rates, (posts,).

    yes: (posts * labels, 2). The base rate of a cell is the mean of p there.
    """
    said = told.said.ravel()[:, None]
    like = np.log(np.where(said == 1, yes, 1 - yes))
    like = like.reshape(*told.said.shape, 2).sum(1)
    base = np.bincount(cell, p) / np.bincount(cell)
    base = np.clip(base, 1e-3, 1 - 1e-3)[cell]
    logit = like[:, 1] - like[:, 0] + np.log(base / (1 - base))
    return np.asarray(1 / (1 + np.exp(-np.clip(logit, -50, 50))))


def false_positives(told: Labels, p: Floats, dialect: int = 1) -> float:
    """Share of a dialect's harmless posts that are called hateful."""
    which = (told.dialect == dialect) & (told.truth == 0)
    return float((p[which] > 0.5).mean())


def false_negatives(told: Labels, p: Floats, dialect: int = 1) -> float:
    """Share of a dialect's hateful posts that are called harmless."""
    which = (told.dialect == dialect) & (told.truth == 1)
    return float((p[which] <= 0.5).mean())


def errors(told: Labels, p: Floats, dialect: int = 1) -> float:
    """Share of a dialect's posts that are called what they are not."""
    which = told.dialect == dialect
    return float(((p[which] > 0.5) != told.truth[which]).mean())

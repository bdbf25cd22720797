"""People who disagree, and scores of models against a few of their votes.

A simulated person weighs five features of an act, and people differ in their
weights; five persons vote on each item, "acceptable" or "wrong". A model has
weights of its own, its own carelessness and its own confidence. What a score
should recover is how near a model's weights point to those of the average
person (the cosine). No score below uses features or weights.

Gold labels made by majority hide on which items people split (Scruples,
Lourie et al. 2021); the shares of the votes keep it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Floats = NDArray[np.float64]

MEAN = np.array([1.0, 0.8, 0.6, 0.4, 0.2])


class Votes(NamedTuple):
    """says (boards, models, items): each model's probability of "acceptable".

    share (boards, items): the share of voters who say it; likely (boards,
    items): the share of all people; truth (boards, models): the cosine.
    """

    says: Floats
    share: Floats
    likely: Floats
    truth: Floats


def asked(
    seed: int,
    boards: int = 400,
    items: int = 100,
    voters: int = 5,
    models: int = 10,
    persons: int = 100,
    unlike: float = 0.6,
    confidence: float = 0.5,
) -> Votes:
    """Votes of people and judgments of models on boards of their own.

    unlike: spread of people's weights around the average, in its units.
    confidence: spread of the logarithm of the models' confidence.
    Raises ValueError where a number is not positive.
    """
    sizes = (boards, items, voters, models, persons)
    if min(sizes) < 1 or unlike < 0 or confidence < 0:
        raise ValueError(
            f"sizes {sizes}, unlike {unlike}, confidence {confidence}: "
            "sizes start at 1, the others at 0"
        )
    rng = np.random.default_rng(seed)
    d = len(MEAN)
    acts = 2 * rng.normal(size=(boards, items, d)) / np.sqrt(d)
    weights = MEAN + unlike * rng.standard_t(5, size=(boards, persons, d))
    leaning = 0.3 * rng.normal(size=(boards, 1, persons))
    likely = expit(1.5 * (acts @ weights.transpose(0, 2, 1) + leaning))
    who = rng.integers(persons, size=(boards, items, voters))
    voted = rng.random(who.shape) < np.take_along_axis(likely, who, 2)
    apart = np.abs(rng.normal(size=(boards, models, 1)))
    own = MEAN + 0.5 * apart * rng.normal(size=(boards, models, d))
    sure = np.exp(confidence * rng.normal(size=(boards, models, 1)))
    careless = 0.4 * rng.normal(size=(boards, models, items))
    says = expit(1.2 * sure * (own @ acts.transpose(0, 2, 1) + careless))
    lengths = np.linalg.norm(own, axis=2) * np.linalg.norm(MEAN)
    return Votes(says, voted.mean(2), likely.mean(2), own @ MEAN / lengths)


def against_majority(votes: Votes) -> Floats:
    """Accuracy against the label of most voters, (boards, models)."""
    gold = votes.share[:, None] > 0.5
    return np.asarray(((votes.says > 0.5) == gold).mean(2))


def by_votes(votes: Votes) -> Floats:
    """Share of single votes that the model's verdict agrees with."""
    share = votes.share[:, None]
    return np.asarray(np.where(votes.says > 0.5, share, 1 - share).mean(2))


def brier(votes: Votes) -> Floats:
    """Less the mean squared distance to the shares: higher is better."""
    return np.asarray(-((votes.says - votes.share[:, None]) ** 2).mean(2))


def with_shares(votes: Votes) -> Floats:
    """Correlation of the model's probabilities with the shares of votes."""
    return _correlation(votes.says, votes.share[:, None])


def with_majority(votes: Votes) -> Floats:
    """Correlation with the label of most voters, 0 or 1."""
    return _correlation(votes.says, votes.share[:, None] > 0.5)


def without_splits(votes: Votes, items: int | None = None) -> Floats:
    """Correlation over the items on which all voters agree.

    items: take the first so many of them on each board, all if None.
    A board where their shares don't vary says nothing: 0 for all models.
    Raises ValueError for fewer than two items.
    """
    if items is not None and items < 2:
        raise ValueError(f"{items} items give no correlation: two at least")
    clear = (votes.share == 0) | (votes.share == 1)
    if items is not None:
        clear &= clear.cumsum(1) <= items
    return _correlation(votes.says, votes.share[:, None], clear[:, None])


def best_possible(likely: Floats) -> float:
    """Share of people whom the best verdict on each item agrees with."""
    return float(np.maximum(likely, 1 - likely).mean())


def _correlation(
    a: Floats, b: NDArray[np.generic], keep: NDArray[np.bool_] | None = None
) -> Floats:
    """Pearson's over the last axis, over what is kept; 0 without variance."""
    weight = np.ones(a.shape) if keep is None else keep + np.zeros(a.shape)
    weight = weight / np.maximum(weight.sum(-1, keepdims=True), 1)
    a = a - (a * weight).sum(-1, keepdims=True)
    other = b - (b * weight).sum(-1, keepdims=True)
    both = (a * other * weight).sum(-1)
    scale = (a**2 * weight).sum(-1) * (other**2 * weight).sum(-1)
    varies = scale > 1e-18
    found = both / np.sqrt(np.where(varies, scale, 1.0))
    return np.asarray(np.where(varies, found, 0.0))


def one_left_out(yes: NDArray[np.int64], voters: int) -> float:
    """How often the majority of the other votes meets a vote left out.

    yes: votes for "acceptable" on each item, of `voters`. A tie of the others
    counts one half. Nobody's score: it uses one vote less than there is, so
    that it lies somewhat under the best possible on average.
    Raises ValueError for fewer than two voters or votes out of range.
    """
    yes = np.asarray(yes)
    if voters < 2 or yes.min() < 0 or yes.max() > voters:
        raise ValueError(
            f"votes {yes.min()} to {yes.max()} of {voters}: at least two "
            "voters, no more votes than voters"
        )
    others = voters - 1
    meets_yes = (np.sign(yes - 1 - others / 2) + 1) / 2
    meets_no = (np.sign(others / 2 - yes) + 1) / 2
    found = (yes * meets_yes + (voters - yes) * meets_no) / voters
    return float(found.mean())

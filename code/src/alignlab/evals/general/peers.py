"""Models that judge one another, and how much each one's vote should count.

Li et al. (2023, "PRD") rank models by their peers' verdicts and let a judge
count the more, the better it ranks itself. Better models here are mostly, not
always, better judges; each likes its own answers; and a clique of the weakest
may like the answers of its members.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alignlab.evals.general.board import Floats, logistic


class Votes(NamedTuple):
    """Verdicts of every model on every pair of models.

    truth: (boards, models). won: (boards, judges, pairs), share of items on
    which the first of the pair wins. first, second: (pairs,), who they are.
    """

    truth: Floats
    won: Floats
    first: np.ndarray
    second: np.ndarray


def votes(
    seed: int,
    clique: int = 0,
    own: float = 1.0,
    favor: float = 2.0,
    boards: int = 300,
    models: int = 10,
    items: int = 4,
) -> Votes:
    """Votes of `models` judges on `items` prompts a pair.

    clique: how many of the weakest favor one another, by `favor`. own: how
        much a judge favors itself. Both add to the log-odds of a verdict.
    Raises ValueError where the clique is larger than the board.
    """
    if not 0 <= clique <= models:
        raise ValueError(f"a clique of {clique} among {models} models")
    rng = np.random.default_rng([seed, 4])
    truth = rng.normal(0, 0.5, (boards, models))
    sharp = np.exp(1.6 * truth + 0.6 * rng.normal(size=truth.shape) - 0.5)
    i, j = np.triu_indices(models, 1)
    odds = sharp[..., None] * (truth[:, i] - truth[:, j])[:, None]
    me = np.eye(models)
    odds = odds + own * (me[:, i] - me[:, j])
    member = (truth.argsort(1).argsort(1) < clique).astype(float)
    liked = member[:, i] - member[:, j]
    odds = odds + favor * member[..., None] * liked[:, None]
    won = rng.binomial(items, logistic(odds)) / items
    return Votes(truth, won, i, j)


def by_judge(cast: Votes) -> Floats:
    """Each model's win rate by each judge, (boards, judges, models)."""
    models = cast.truth.shape[1]
    first = np.eye(models)[cast.first]  # (pairs, models)
    second = np.eye(models)[cast.second]
    total = cast.won @ first + (1 - cast.won) @ second
    return np.asarray(total / (models - 1))


def plain(cast: Votes) -> Floats:
    """All judges count alike, (boards, models)."""
    return np.asarray(by_judge(cast).mean(1))


def without_own(cast: Votes) -> Floats:
    """All count alike, but none on pairs that it is part of."""
    who = np.arange(cast.truth.shape[1])[:, None]
    part = (cast.first == who) | (cast.second == who)  # (judges, pairs)
    won = np.where(part, 0.0, cast.won).sum(1) / (~part).sum(0)
    models = np.eye(len(who))
    return np.asarray(
        won @ models[cast.first] + (1 - won) @ models[cast.second]
    )


def peer_rank(cast: Votes, power: float = 1.0, rounds: int = 50) -> Floats:
    """A judge counts in proportion to its own win rate, until nothing moves.

    The weights are win rates less the lowest of the board, so that the last
    model has no vote, raised to a power; PRD weighs by win rate or by Elo.
    Returns (boards, models).
    """
    rates = by_judge(cast)
    score = rates.mean(1)
    for _ in range(rounds):
        weight = (score - score.min(1, keepdims=True)) ** power
        weight = weight / np.maximum(weight.sum(1, keepdims=True), 1e-12)
        score = np.einsum("bj,bjm->bm", weight, rates)
    return np.asarray(score)


def sharp_rank(cast: Votes) -> Floats:
    """`peer_rank` with the third power: the best judges decide."""
    return peer_rank(cast, power=3.0)


def by_median(cast: Votes) -> Floats:
    """The median of the judges' win rates, (boards, models)."""
    return np.asarray(np.median(by_judge(cast), 1))


def by_decision(cast: Votes) -> Floats:
    """A judge counts by how far from a draw its votes are, (boards, models)."""
    weight = ((cast.won - 0.5) ** 2).mean(2) + 1e-12
    weight = weight / weight.sum(1, keepdims=True)
    return np.asarray(np.einsum("bj,bjm->bm", weight, by_judge(cast)))


def agreement(cast: Votes, rounds: int = 50) -> Floats:
    """How well each judge agrees with those who agree, (boards, judges).

    A judge counts by the sum of its correlations with the other judges over
    the pairs, each of whom counts by its own, until nothing moves; zero where
    negative. The weights of a board sum to 1.
    """
    told = cast.won - 0.5
    size = np.sqrt((told**2).sum(2, keepdims=True))
    told = told / np.maximum(size, 1e-12)
    alike = told @ np.swapaxes(told, 1, 2)
    alike = alike * (1 - np.eye(alike.shape[1]))  # not with itself
    weight = np.ones(alike.shape[:2])
    for _ in range(rounds):
        weight = np.maximum((alike @ weight[..., None])[..., 0], 0) + 1e-12
        weight = weight / weight.sum(1, keepdims=True)
    return np.asarray(weight)


def by_agreement(cast: Votes) -> Floats:
    """A judge counts by its agreement with others, (boards, models)."""
    return np.asarray(np.einsum("bj,bjm->bm", agreement(cast), by_judge(cast)))

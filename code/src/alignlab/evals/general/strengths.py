"""Strengths from games: Bradley and Terry's model, Elo, and their errors.

Chiang et al. (2024, "Chatbot Arena") fit Bradley and Terry's model (1952) to
votes and take intervals from the sandwich estimator. There a vote is a unit;
here a voter may be one, who casts several votes by one taste.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alignlab.evals.general.board import Floats, logistic

Ints = np.ndarray


class Games(NamedTuple):
    """Votes in the order in which they were cast, voter by voter.

    first, second: (boards, votes), which models met. won: (boards, votes), 1
    where the first won. voters: how many cast them, as many votes each.
    """

    first: Ints
    second: Ints
    won: Floats
    voters: int


def design(games: Games, models: int) -> Floats:
    """+1 for the first model and -1 for the second, (boards, votes, models)."""
    who = np.eye(models)
    return np.asarray(who[games.first] - who[games.second])


def bradley_terry(games: Games, models: int, ridge: float = 1e-3) -> Floats:
    """Strengths in log-odds, mean zero, (boards, models), by Newton's method.

    p(i beats j) = 1 / (1 + exp(s_j - s_i)). ridge keeps a model that won all
    its games finite.
    Raises ValueError where a result is not between 0 and 1.
    """
    if not ((games.won >= 0) & (games.won <= 1)).all():
        raise ValueError("a game's result must be 0, 1 or between (a draw)")
    x = design(games, models)
    s = np.zeros((len(x), models))
    for _ in range(8):
        p = logistic(np.einsum("bvm,bm->bv", x, s))
        slope = np.einsum("bv,bvm->bm", games.won - p, x) - ridge * s
        s = s + np.linalg.solve(_bend(x, p, ridge), slope[..., None])[..., 0]
    return np.asarray(s - s.mean(1, keepdims=True))


def _bend(x: Floats, p: Floats, ridge: float) -> Floats:
    """Negative second derivatives, (boards, models, models)."""
    weighted = x * (p * (1 - p))[..., None]
    bend = np.swapaxes(weighted, 1, 2) @ x
    return np.asarray(bend + ridge * np.eye(x.shape[2]))


def elo(games: Games, models: int, k: float = 0.05) -> Floats:
    """Strengths in log-odds after the last game, (boards, models).

    Elo's rule: after each game the winner gains k (1 - p) and the loser loses
    as much, p being the winner's expected share. 0.05 is about 9 points.
    """
    s = np.zeros((len(games.won), models))
    board = np.arange(len(s))
    for i, j, won in zip(games.first.T, games.second.T, games.won.T):
        gain = k * (won - logistic(s[board, i] - s[board, j]))
        s[board, i] += gain
        s[board, j] -= gain
    return np.asarray(s)


def vote_errors(games: Games, strengths: Floats) -> Floats:
    """Covariance of the strengths, each vote a unit of its own.

    The sandwich estimator (Huber 1967), (boards, models, models).
    """
    votes = games.won.shape[1]
    return _sandwich(games, strengths, votes)


def voter_errors(games: Games, strengths: Floats) -> Floats:
    """Covariance of the strengths, each voter a unit (Liang and Zeger 1986).

    Returns (boards, models, models).
    """
    return _sandwich(games, strengths, games.voters)


def _sandwich(games: Games, strengths: Floats, units: int) -> Floats:
    if games.won.shape[1] % units:
        raise ValueError(
            f"{games.won.shape[1]} votes can't be split among {units} units"
        )
    boards, models = strengths.shape
    x = design(games, models)
    p = logistic(np.einsum("bvm,bm->bv", x, strengths))
    score = (x * (games.won - p)[..., None]).reshape(boards, units, -1, models)
    score = score.sum(2)  # (boards, units, models)
    meat = np.swapaxes(score, 1, 2) @ score * units / (units - 1)
    bread = np.linalg.inv(_bend(x, p, 1e-3))
    return np.asarray(bread @ meat @ bread)


def covered(strengths: Floats, errors: Floats, truth: Floats) -> float:
    """Share of pairs whose true difference lies in the 95 % interval.

    strengths: (boards, models). errors: (boards, models, models). truth: as
    strengths, or (models,).
    """
    i, j = np.triu_indices(strengths.shape[1], 1)
    truth = np.broadcast_to(truth, strengths.shape)
    gap = (strengths - truth)[:, i] - (strengths - truth)[:, j]
    variance = errors[:, i, i] + errors[:, j, j] - 2 * errors[:, i, j]
    return float((np.abs(gap) <= 1.96 * np.sqrt(variance)).mean())


def rank_range(strengths: Floats, errors: Floats) -> tuple[Ints, Ints]:
    """The best and the worst rank that the games leave open, (boards, models).

    A model's best rank is 1 plus how many are better beyond the 95 % interval
    of the difference; its worst leaves below it those that are as surely
    worse. (Chatbot Arena compares the two models' own intervals.)
    """
    gap = strengths[:, None] - strengths[..., None]  # by how much j leads i
    own = np.diagonal(errors, axis1=1, axis2=2)
    variance = own[:, None] + own[..., None] - 2 * errors
    sure = np.abs(gap) > 1.96 * np.sqrt(np.maximum(variance, 1e-12))
    better = (sure & (gap > 0)).sum(2)
    worse = (sure & (gap < 0)).sum(2)
    return 1 + better, strengths.shape[1] - worse

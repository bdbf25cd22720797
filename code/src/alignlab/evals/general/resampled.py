"""Ranks with bootstrap intervals: games drawn anew, strengths fitted again.

The bootstrap (Efron 1979) draws as many units as there are, with replacement.
A unit is a vote, or a voter with all its votes. Percentiles of a model's rank
over the draws make its interval. Bradley and Terry's fit (1952) sees only how
often each of two models beat the other, so that a draw of units is a draw of
such counts.
"""

from __future__ import annotations

import numpy as np

from alignlab.evals.general.board import Floats, logistic
from alignlab.evals.general.strengths import Games, Ints, elo


def counts(games: Games, models: int, units: int) -> Floats:
    """Wins by unit, (boards, units, models, models): the row's over the column.

    Raises ValueError where the votes can't be split evenly among the units.
    """
    boards, votes = games.won.shape
    if units < 1 or votes % units:
        raise ValueError(f"{votes} votes can't be split among {units} units")
    found = np.zeros((boards, units, models, models))
    board = np.arange(boards)[:, None]
    unit = np.arange(votes)[None] // (votes // units)
    np.add.at(found, (board, unit, games.first, games.second), games.won)
    np.add.at(found, (board, unit, games.second, games.first), 1 - games.won)
    return found


def fit(wins: Floats, ridge: float = 1e-3) -> Floats:
    """Bradley and Terry's strengths from counts of wins, mean zero.

    wins: (..., models, models), the row's over the column. Newton's method
    with `strengths.bradley_terry`'s ridge. Returns (..., models).
    """
    models = wins.shape[-1]
    games = wins + np.swapaxes(wins, -1, -2)
    s = np.zeros(wins.shape[:-1])
    for _ in range(8):
        p = logistic(s[..., :, None] - s[..., None, :])
        slope = (wins - games * p).sum(-1) - ridge * s
        pull = games * p * (1 - p)
        bend = (pull.sum(-1) + ridge)[..., None] * np.eye(models) - pull
        s = s + np.linalg.solve(bend, slope[..., None])[..., 0]
    return np.asarray(s - s.mean(-1, keepdims=True))


def ranks(strengths: Floats) -> Ints:
    """1 for the strongest, along the last axis."""
    order = np.argsort(-strengths, -1, kind="stable")
    return np.asarray(order.argsort(-1) + 1)


def drawn(
    games: Games, models: int, units: int, times: int, seed: int
) -> Floats:
    """Strengths fitted to units drawn anew, (boards, times, models).

    units: how many, `games.voters` or as many as votes. A draw of single
    votes is a multinomial draw of the counts themselves.
    """
    rng = np.random.default_rng([seed, 11])
    boards, votes = games.won.shape
    if units == votes:
        found = counts(games, models, 1).reshape(boards, 1, -1) / votes
        wins = rng.multinomial(votes, found, (boards, times)).astype(float)
    else:
        each = counts(games, models, units).reshape(boards, units, -1)
        even = np.full(units, 1 / units)
        chosen = rng.multinomial(units, even, (boards, times))
        wins = chosen.astype(float) @ each
    return fit(wins.reshape(boards, times, models, models))


def drawn_elo(
    games: Games, models: int, units: int, times: int, seed: int
) -> Floats:
    """Elo's last strengths after units drawn anew, votes in random order.

    Returns (boards, times, models).
    """
    rng = np.random.default_rng([seed, 12])
    boards, votes = games.won.shape
    if units < 1 or votes % units:
        raise ValueError(f"{votes} votes can't be split among {units} units")
    size = votes // units
    unit = rng.integers(units, size=(boards * times, units))
    vote = (unit[..., None] * size + np.arange(size)).reshape(-1, votes)
    vote = rng.permuted(vote, axis=1)
    board = np.repeat(np.arange(boards), times)[:, None]
    first, second, won = (
        part[board, vote] for part in (games.first, games.second, games.won)
    )
    found = elo(Games(first, second, won, games.voters), models)
    return np.asarray(found.reshape(boards, times, models))


def percentiles(strengths: Floats, level: float = 0.95) -> tuple[Ints, Ints]:
    """Best and worst rank over the draws' middle 95 %, (boards, models).

    strengths: (boards, times, models).
    """
    found = ranks(strengths)
    tail = (1 - level) / 2
    best = np.quantile(found, tail, axis=1, method="lower")
    worst = np.quantile(found, 1 - tail, axis=1, method="higher")
    return best.astype(int), worst.astype(int)


def held(best: Ints, worst: Ints, truth: Floats) -> Floats:
    """Whether each model's true rank is in its interval, (boards, models)."""
    true = ranks(truth)
    return np.asarray((best <= true) & (true <= worst), dtype=float)

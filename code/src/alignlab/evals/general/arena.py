"""An arena with known strengths: who meets whom, and who votes."""

from __future__ import annotations

import numpy as np

from alignlab.evals.general.board import Floats, logistic
from alignlab.evals.general.strengths import Games


def tastes(
    rng: np.random.Generator, spread: float, shape: tuple[int, ...]
) -> Floats:
    """How much more than others a voter likes each model, in log-odds.

    A mixture, which no logistic model has: three voters in four care little,
    one in four much. The standard deviation is `spread`.
    """
    keen = np.where(rng.random((*shape[:-1], 1)) < 0.25, 1.8, 0.505)
    return np.asarray(spread * keen * rng.normal(size=shape))


def arena(
    seed: int,
    strengths: Floats,
    voters: int = 60,
    each: int = 20,
    spread: float = 0.7,
    boards: int = 60,
) -> Games:
    """Votes on random pairs of models by voters with tastes of their own.

    strengths: (models,), in log-odds. each: votes a voter casts.
    Raises ValueError where there are fewer than two voters or models.
    """
    models = len(strengths)
    if voters < 2 or models < 2 or each < 1:
        raise ValueError(
            f"{voters} voters with {each} votes on {models} models: two "
            "voters, two models and one vote at least"
        )
    rng = np.random.default_rng([seed, 5])
    liked = strengths + tastes(rng, spread, (boards, voters, models))
    liked = np.repeat(liked, each, 1)  # (boards, votes, models)
    first = rng.integers(models, size=(boards, voters * each))
    second = (first + rng.integers(1, models, size=first.shape)) % models
    gap = np.take_along_axis(liked, first[..., None], 2)
    gap = gap - np.take_along_axis(liked, second[..., None], 2)
    won = rng.random(first.shape) < logistic(gap[..., 0])
    return Games(first, second, won.astype(float), voters)


def population(
    strengths: Floats, spread: float, voters: int = 4000
) -> tuple[Floats, Floats]:
    """What votes of all voters say: share of wins and fitted strengths.

    The fit to the shares themselves, without sampling, is what an interval
    has to cover. Returns (models, models) and (models,), mean zero.
    """
    from alignlab.evals.general.strengths import bradley_terry

    rng = np.random.default_rng([7, 6])
    liked = strengths + tastes(rng, spread, (voters, len(strengths)))
    shares = logistic(liked[:, :, None] - liked[:, None]).mean(0)
    i, j = np.triu_indices(len(strengths), 1)
    pairs = Games(i[None], j[None], shares[i, j][None], 1)
    return shares, bradley_terry(pairs, len(strengths), ridge=0.0 + 1e-9)[0]


def shuffled(games: Games, times: int, seed: int) -> Games:
    """Each board `times` times over, its games in another order."""
    rng = np.random.default_rng([seed, 8])
    shape = (times * len(games.won), games.won.shape[1])
    order = rng.random(shape).argsort(1)
    first, second, won = (
        np.take_along_axis(np.repeat(part, times, 0), order, 1)
        for part in (games.first, games.second, games.won)
    )
    return Games(first, second, won, games.voters)

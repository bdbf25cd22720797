"""Many private variants, of which the best is published.

After Singh et al. (2025, "The Leaderboard Illusion"): a provider enters n
variants of a model, sees their ratings, and publishes the highest. Part of
what it gains is merit, since variants differ; the rest is luck.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alignlab.evals.general.board import Floats, logistic

POINTS = 400 / np.log(10)  # Elo points of one unit of log-odds


class Entry(NamedTuple):
    """What was published, what is true of it, and a fresh rating, in points.

    All (boards,), relative to an average variant of the provider.
    """

    published: Floats
    true: Floats
    fresh: Floats


def rated(truth: Floats, games: int, rng: np.random.Generator) -> Floats:
    """Ratings in log-odds from games against ten opponents of known strength.

    truth: any shape, in log-odds. The maximum-likelihood rating with half a
    win and half a loss added against each opponent.
    """
    field = np.linspace(-1, 1, 10)
    each = games // len(field)
    wins = rng.binomial(each, logistic(truth[..., None] - field)) + 0.5
    total = wins.sum(-1)
    s = np.zeros(truth.shape)
    for _ in range(8):
        p = logistic(s[..., None] - field)
        s = s + (total - (each + 1) * p.sum(-1)) / (
            (each + 1) * (p * (1 - p)).sum(-1)
        )
    return np.asarray(s)


def best_of(
    seed: int, n: int, games: int, spread: float = 15.0, boards: int = 2000
) -> Entry:
    """The best-rated of n variants, with `games` games each.

    spread: standard deviation of the variants' true strengths, in points.
    Raises ValueError for fewer than one variant or ten games.
    """
    if n < 1 or games < 10:
        raise ValueError(f"{n} variants with {games} games: 1 and 10 at least")
    rng = np.random.default_rng([seed, 9])
    truth = rng.normal(0, spread / POINTS, (boards, n))
    rating = rated(truth, games, rng)
    best = rating.argmax(1)[:, None]
    chosen = np.take_along_axis(truth, best, 1)[:, 0]
    shown = np.take_along_axis(rating, best, 1)[:, 0]
    again = rated(chosen, games, rng)
    return Entry(shown * POINTS, chosen * POINTS, again * POINTS)

"""Elo scales for guards and liars, fitted to games and asked about others.

Engels et al. (2025) give each player a score for its part in the game, and
the guard's chance depends on the difference alone.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import rv_continuous
from sklearn.linear_model import LogisticRegression

Floats = np.ndarray
POINTS = 400 / np.log(10)  # Elo points in one nat of log-odds


def gaps(levels: int) -> np.ndarray:
    """By how many levels the liar is ahead, (guards, liars)."""
    return np.subtract.outer(np.arange(levels), np.arange(levels)).T


def fitted(
    won: Floats, played: np.ndarray, games: int = 1000
) -> tuple[Floats, Floats]:
    """Strengths of guards and liars in nats, by maximum likelihood.

    won: (guards, liars), share of games that the guard won. played: (guards,
    liars), the pairs whose games are known; others aren't read. games: how
    many each pair played; the penalty is a normal prior of variance 1000.
    """
    levels = len(won)
    guard, liar = np.nonzero(played)
    who = np.eye(levels)
    x = np.hstack([who[guard], -who[liar]])
    share = won[guard, liar]
    model = LogisticRegression(C=1000.0, fit_intercept=False, max_iter=2000)
    model.fit(
        np.vstack([x, x]),
        np.repeat([1, 0], len(x)),
        sample_weight=games * np.concatenate([share, 1 - share]),
    )
    return model.coef_[0, :levels], model.coef_[0, levels:]


def promised(guards: Floats, liars: Floats) -> Floats:
    """The guard's chance by the scale, (guards, liars)."""
    return np.asarray(expit(guards[:, None] - liars))


def other_curve(
    won: Floats, played: np.ndarray, curve: rv_continuous, games: int = 1000
) -> Floats:
    """The guard's chance by a scale whose curve is another one.

    curve: a distribution of SciPy, whose cumulative function takes the place
    of the logistic one. won, played, games: as for `fitted`, with the same
    penalty. Returns (guards, liars).
    """
    levels = len(won)
    guard, liar = np.nonzero(played)
    who = np.eye(levels)
    x, share = np.hstack([who[guard], -who[liar]]), won[guard, liar]

    def loss(held: Floats) -> tuple[float, Floats]:
        chance = np.clip(curve.cdf(x @ held), 1e-9, 1 - 1e-9)
        fit = share * np.log(chance) + (1 - share) * np.log(1 - chance)
        slope = (share - chance) / (chance * (1 - chance))
        up = x.T @ (slope * curve.pdf(x @ held))
        prior = held @ held / 2000
        return prior - games * fit.sum(), held / 1000 - games * up

    found = minimize(loss, np.zeros(2 * levels), jac=True, method="BFGS").x
    return np.asarray(curve.cdf(found[:levels, None] - found[levels:]))

"""Elo scales for guards and liars, fitted to games and asked about others.

Engels et al. (2025) give each player a score for its part in the game, and
the guard's chance depends on the difference alone.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit
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

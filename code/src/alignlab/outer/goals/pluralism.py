"""Groups that want different things, and what one reward learned from their pooled picks makes of it.

Serves the survey's section 4.1. Siththaranjan et al. (2023, "Distributional Preference Learning") show that Bradley and
Terry's model, fitted to picks of people who differ in something that the model is not told, orders answers by their
Borda count: by how often each wins, not by how much it is worth. Sorensen et al. (2024) ask for models that serve the
groups instead of their average.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit


def group_values(
    n: int, groups: int, seed: int, alike: bool = False, intensity: float = 4
) -> np.ndarray:
    """What n answers are worth to each group, shape (groups, n); alike=True gives all groups the first one's taste.

    Half of the answers split the groups: the last group loses or gains `intensity` times as much as others on them.
    """
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((groups, n))
    values[-1, : n // 2] *= intensity
    return np.repeat(values[:1], groups, 0) if alike else values


def pooled_picks(values: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Probability that answer i is picked over j, shape (n, n), if each pick is
    made by a member of a random group.

    values: (groups, n). shares: of the groups, summing to 1. Each group picks
        by Bradley and Terry's model.
    """
    return np.einsum(
        "g,gij->ij", shares, expit(values[:, :, None] - values[:, None, :])
    )


def borda(picks: np.ndarray) -> np.ndarray:
    """How often each answer wins against another drawn at random, shape (n,)."""
    n = len(picks)
    return (picks.sum(1) - np.diag(picks)) / (n - 1)


def pooled_reward(picks: np.ndarray) -> np.ndarray:
    """Bradley and Terry's rewards, shape (n,), mean 0, with the least
    cross-entropy on the picks' probabilities.
    """

    def loss(reward: np.ndarray) -> tuple[float, np.ndarray]:
        margin = reward[:, None] - reward[None]
        gradient = (expit(margin) - picks).sum(1)
        return float((picks * np.logaddexp(0, -margin)).sum()), gradient

    found = minimize(
        loss,
        np.zeros(len(picks)),
        jac=True,
        method="L-BFGS-B",
        options={"ftol": 1e-14, "gtol": 1e-10},
    ).x
    return found - found.mean()


def disagreement(a: np.ndarray, b: np.ndarray) -> float:
    """Share of pairs of answers that two scores, each of shape (n,), put in opposite order."""
    i, j = np.triu_indices(len(a), 1)
    return float((np.sign(a[i] - a[j]) * np.sign(b[i] - b[j]) < 0).mean())

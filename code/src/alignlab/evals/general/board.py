"""How far a ranking is from the true one, for many boards at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def wrongly_ranked(score: Floats, truth: Floats) -> float:
    """Share of pairs that a score orders otherwise than the truth does.

    score, truth: (boards, models). A tie of the score counts one half, as a
    guess would, so that a constant score has 0.5. Without ties in either this
    is (1 - Kendall's tau) / 2, averaged over the boards.
    Raises ValueError where the shapes differ, there are fewer than two models
    or a score is not a number.
    """
    if score.shape != truth.shape or score.ndim != 2 or score.shape[1] < 2:
        raise ValueError(
            f"scores of shape {score.shape} and truth of {truth.shape}: give "
            "both as (boards, models), with two models at least"
        )
    if not (np.isfinite(score).all() and np.isfinite(truth).all()):
        raise ValueError("a score is not a number: look for empty averages")
    i, j = np.triu_indices(score.shape[1], 1)
    told = np.sign(score[:, i] - score[:, j])
    true = np.sign(truth[:, i] - truth[:, j])
    return float(np.abs(told - true).mean() / 2)


def logistic(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(x / 2)))

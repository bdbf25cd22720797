"""Exercises of the page `04-outer/reward-modeling`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from alignlab.exercises import Exercise, Wrong
from alignlab.outer.reward import (
    bradley_terry_loss,
    fit_reward,
    plackett_luce_loss,
)


def _pair(rng: np.random.Generator) -> tuple[Any, ...]:
    n = int(rng.integers(3, 7))
    return torch.from_numpy(rng.normal(0, 2, n)), torch.from_numpy(
        rng.normal(0, 2, n)
    )


def _ranking(rng: np.random.Generator) -> tuple[Any, ...]:
    return (
        torch.from_numpy(
            rng.normal(0, 2, (int(rng.integers(2, 5)), int(rng.integers(3, 6))))
        ),
    )


def _ascending(rewards: torch.Tensor) -> torch.Tensor:
    return plackett_luce_loss(rewards.flip(-1))


EXERCISES = [
    Exercise(
        name="bt_loss",
        reference=bradley_terry_loss,
        inputs=_pair,
        wrong=[
            Wrong(
                lambda c, r: -F.logsigmoid(r - c),
                "the sign of the margin is turned round: this rewards the rejected answer.",
            ),
            Wrong(
                lambda c, r: F.logsigmoid(c - r),
                "this is the log-likelihood; a loss is its negative.",
            ),
            Wrong(
                lambda c, r: -F.logsigmoid(c - r).mean(),
                "return one loss a pair, shape (batch,); the mean is taken later.",
            ),
            Wrong(
                lambda c, r: -torch.sigmoid(c - r),
                "this is the probability itself; take its logarithm before the minus.",
            ),
        ],
    ),
    Exercise(
        name="pl_loss",
        reference=plackett_luce_loss,
        inputs=_ranking,
        wrong=[
            Wrong(
                _ascending,
                "the rewards come best first; this reads them worst first.",
            ),
            Wrong(
                lambda r: r.logsumexp(-1) - r[:, 0],
                "this is only the first pick; go on with the second among those that are left, and so on.",
            ),
            Wrong(
                lambda r: (r.logsumexp(-1, keepdim=True) - r).sum(-1),
                "each pick is made among the answers still left, not among all K: shrink the denominator.",
            ),
        ],
    ),
]


INERT: dict[str, Callable[..., Any]] = {}


def _indifferent(rankings: Any, ridge: float = 0.0, steps: int = 0) -> Any:
    """A reward that learned nothing: zero for every answer."""
    import torch

    return torch.zeros(rankings.shape[-1], dtype=torch.float64)


def _without_margins(pairs: Any, margin: Any, ridge: float = 1e-2) -> Any:
    """The same picks, with no lead asked for."""
    return fit_reward(pairs, ridge)


INERT["alignlab.outer.reward.fit_reward"] = _indifferent
INERT["alignlab.outer.reward_modeling.grades.fit_margins"] = _without_margins

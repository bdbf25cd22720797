"""Exercises of 04-outer/reward-modeling."""

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from alignlab.book.checks import Exercise, Wrong
from alignlab.outer.reward import bradley_terry_loss, plackett_luce_loss


def _pair(rng: np.random.Generator) -> tuple[Any, ...]:
    n = int(rng.integers(3, 7))
    return torch.from_numpy(rng.normal(0, 2, n)), torch.from_numpy(rng.normal(0, 2, n))


def _ranking(rng: np.random.Generator) -> tuple[Any, ...]:
    return (torch.from_numpy(rng.normal(0, 2, (int(rng.integers(2, 5)), int(rng.integers(3, 6))))),)


def _ascending(rewards: torch.Tensor) -> torch.Tensor:
    return plackett_luce_loss(rewards.flip(-1))


EXERCISES = [
    Exercise(
        name="bt_loss",
        reference=bradley_terry_loss,
        inputs=_pair,
        stub="def bt_loss(chosen, rejected):\n    ...",
        solution="def bt_loss(chosen, rejected):\n    return -F.logsigmoid(chosen - rejected)",
        wrong=[
            Wrong(
                lambda c, r: -F.logsigmoid(r - c),
                "the sign of the margin is turned round: this rewards the rejected answer.",
            ),
            Wrong(lambda c, r: F.logsigmoid(c - r), "this is the log-likelihood; a loss is its negative."),
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
        stub="def pl_loss(rewards):\n    ...",
        solution=(
            "def pl_loss(rewards):\n    loss = 0\n    for k in range(rewards.shape[-1]):\n"
            "        loss = loss + rewards[:, k:].logsumexp(-1) - rewards[:, k]\n    return loss"
        ),
        wrong=[
            Wrong(_ascending, "the rewards come best first; this reads them worst first."),
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

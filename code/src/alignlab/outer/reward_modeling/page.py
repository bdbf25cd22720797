"""Exercises of the page `04-outer/reward-modeling`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from alignlab.exercises import Exercise, Wrong
from alignlab.outer.reward import fit_reward, plackett_luce_loss


def _pair(rng: np.random.Generator) -> tuple[Any, ...]:
    n = int(rng.integers(3, 7))
    chosen, rejected = rng.normal(0, 2, (2, n))
    return (
        torch.from_numpy(chosen),
        torch.from_numpy(rejected),
        torch.from_numpy(rng.uniform(0.5, 3, n)),
    )


def _ranking(rng: np.random.Generator) -> tuple[Any, ...]:
    """Five or six answers of which two or three are named."""
    shape = int(rng.integers(2, 5)), int(rng.integers(5, 7))
    return torch.from_numpy(rng.normal(0, 2, shape)), int(rng.integers(2, 4))


def _pull(c: torch.Tensor, r: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
    return torch.sigmoid(m - (c - r))


def _top(rewards: torch.Tensor, m: int) -> torch.Tensor:
    terms = [rewards[:, k:].logsumexp(-1) - rewards[:, k] for k in range(m)]
    return torch.stack(terms).sum(0)


def _top_without_picked(rewards: torch.Tensor, m: int) -> torch.Tensor:
    terms = [
        rewards[:, k + 1 :].logsumexp(-1) - rewards[:, k] for k in range(m)
    ]
    return torch.stack(terms).sum(0)


def _top_all(rewards: torch.Tensor, m: int) -> torch.Tensor:
    return (rewards.logsumexp(-1, keepdim=True) - rewards)[:, :m].sum(-1)


def _top_pairs(rewards: torch.Tensor, m: int) -> torch.Tensor:
    """Bradley and Terry's loss of each named answer before each later one."""
    total = torch.zeros(len(rewards), dtype=rewards.dtype)
    for k in range(m):
        leads = rewards[:, k : k + 1] - rewards[:, k + 1 :]
        total = total - F.logsigmoid(leads).sum(-1)
    return total


def _top_adjacent(rewards: torch.Tensor, m: int) -> torch.Tensor:
    leads = rewards[:, :m] - rewards[:, 1 : m + 1]
    return -F.logsigmoid(leads).sum(-1)


EXERCISES = [
    Exercise(
        name="pull",
        reference=_pull,
        inputs=_pair,
        wrong=[
            Wrong(
                lambda c, r, m: torch.sigmoid(c - r - m),
                "this is the probability of the pick: it grows with the lead, so pairs that are right would pull most.",
            ),
            Wrong(
                lambda c, r, m: torch.sigmoid(r - c),
                "the margin is missing: this is the factor of the plain loss.",
            ),
            Wrong(
                lambda c, r, m: torch.sigmoid(r - c - m),
                "the sign of the margin is turned round: asking for a larger lead has to make the pull stronger.",
            ),
            Wrong(
                lambda c, r, m: -F.logsigmoid(c - r - m),
                "this is the loss itself; the pull is the size of its derivative in the lead.",
            ),
            Wrong(
                lambda c, r, m: -torch.sigmoid(m - c + r),
                "the size is right, the sign is not: the minus belongs to the gradient, and the factor is positive.",
            ),
            Wrong(
                lambda c, r, m: (
                    torch.sigmoid(c - r - m) * torch.sigmoid(m - c + r)
                ),
                "this is the derivative of the sigmoid; the loss is its logarithm, so divide by the sigmoid.",
            ),
            Wrong(
                lambda c, r, m: (m - c + r > 0).to(c.dtype),
                "this is the hinge loss's factor, all or nothing; the logistic loss lets go by degrees.",
            ),
            Wrong(
                lambda c, r, m: (m - c + r).clamp(min=0),
                "this is the hinge loss; the question is for the derivative of the logistic one.",
            ),
            Wrong(
                lambda c, r, m: 1 - c / (c + r),
                "rewards are log-odds: take exponentials before you form shares, and mind the margin.",
            ),
            Wrong(
                lambda c, r, m: torch.sigmoid(m - c + r).mean(),
                "return one factor a pair, shape (batch,).",
            ),
        ],
    ),
    Exercise(
        name="top_loss",
        reference=_top,
        inputs=_ranking,
        wrong=[
            Wrong(
                lambda r, m: plackett_luce_loss(r),
                "this is the loss of the whole ranking; the places after m were not named, so stop there.",
            ),
            Wrong(
                lambda r, m: plackett_luce_loss(r[:, :m]),
                "the named answers were picked among all K: those without a place belong into the denominators.",
            ),
            Wrong(
                lambda r, m: r.logsumexp(-1) - r[:, 0],
                "this is only the first pick; go on with the second among those that are left, and so on.",
            ),
            Wrong(
                _top_all,
                "each pick is made among the answers still left, not among all K: shrink the denominator.",
            ),
            Wrong(
                _top_without_picked,
                "the picked answer is missing from its own denominator, so this is no probability.",
            ),
            Wrong(
                _top_pairs,
                "this sums the loss over all pairs, as if each had been picked by itself; a pick among many is one.",
            ),
            Wrong(
                _top_adjacent,
                "neighbors alone are compared here; each pick beats all that are left at once.",
            ),
            Wrong(
                lambda r, m: _top(r, m) / m,
                "this is the mean over the picks; the logarithm of a product is a sum, without a factor.",
            ),
            Wrong(
                lambda r, m: -_top(r, m),
                "this is the log-likelihood; a loss is its negative.",
            ),
            Wrong(
                lambda r, m: _top(r.flip(-1), m),
                "the rewards come best first; this reads them worst first.",
            ),
        ],
    ),
]


INERT: dict[str, Callable[..., Any]] = {}


def _indifferent(rankings: Any, ridge: float = 0.0, steps: int = 0) -> Any:
    """A reward that learned nothing: zero for every answer."""
    return torch.zeros(rankings.shape[-1], dtype=torch.float64)


def _without_margins(pairs: Any, margin: Any, ridge: float = 1e-2) -> Any:
    """The same picks, with no lead asked for."""
    return fit_reward(pairs, ridge)


INERT["alignlab.outer.reward.fit_reward"] = _indifferent
INERT["alignlab.outer.reward_modeling.grades.fit_margins"] = _without_margins

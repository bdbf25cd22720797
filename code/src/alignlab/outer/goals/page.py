"""Exercises of the page `04-outer/goals`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong
from alignlab.outer.goals.pluralism import borda
from alignlab.outer.goals.trade_offs import pareto


def _values(rng: np.random.Generator) -> tuple[Any, ...]:
    values = rng.integers(
        0, 6, (int(rng.integers(6, 12)), int(rng.integers(2, 4)))
    ).astype(float)
    return (np.vstack([values, values[:1]]),)  # one answer stands there twice


def _picks(rng: np.random.Generator) -> tuple[Any, ...]:
    n = int(rng.integers(3, 7))
    upper = np.triu(rng.random((n, n)), 1)
    return (upper + np.tril(1 - upper.T, -1) + 0.5 * np.eye(n),)


EXERCISES = [
    Exercise(
        name="on_front",
        reference=pareto,
        inputs=_values,
        wrong=[
            Wrong(
                lambda v: ~((v[:, None] >= v[None]).all(-1)).any(0),
                "every answer is at least as good as itself, so this leaves nothing; one goal must be strictly better.",
            ),
            Wrong(
                lambda v: ~(v[:, None] > v[None]).all(-1).any(0),
                "an answer that is equal for one goal and better for another dominates, too.",
            ),
            Wrong(
                lambda v: v.sum(1) == v.sum(1).max(),
                "this is the best sum with equal weights; the front holds all answers that nothing dominates.",
            ),
            Wrong(
                lambda v: (v == v.max(0)).any(1),
                "an answer needs not be best for a single goal to be on the front: compromises belong to it.",
            ),
        ],
    ),
    Exercise(
        name="borda_count",
        reference=borda,
        inputs=_picks,
        wrong=[
            Wrong(
                lambda p: p.mean(1),
                "an answer does not meet itself: leave the diagonal out and divide by n - 1.",
            ),
            Wrong(
                lambda p: (p.sum(0) - np.diag(p)) / (len(p) - 1),
                "this is how often each answer loses; picks[i, j] is the probability that i is picked over j.",
            ),
            Wrong(
                lambda p: ((p > 0.5).sum(1)) / (len(p) - 1),
                "this counts opponents that most people like less (Copeland's rule); Borda adds up the probabilities.",
            ),
        ],
    ),
]


INERT: dict[str, Callable[..., Any]] = {}


def _no_reward(rankings: Any, ridge: float = 1e-2, steps: int = 15) -> Any:
    """A reward that likes every answer alike."""
    import torch

    return torch.zeros(rankings.shape[2], dtype=torch.float64)


def _unmoved(lm: Any, dilemmas: Any, system: str = "", shown: Any = ()) -> Any:
    """Both answers always equally probable."""
    import torch

    return torch.zeros(len(dilemmas))


INERT["alignlab.outer.reward.fit_reward"] = _no_reward
INERT["alignlab.outer.goals.stated_goals.lead"] = _unmoved

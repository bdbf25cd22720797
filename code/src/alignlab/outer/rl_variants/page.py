"""Exercises of the page `04-outer/rl-variants`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong


def _groups(rng: np.random.Generator) -> tuple[Any, ...]:
    return (
        rng.normal(size=(int(rng.integers(2, 5)), int(rng.integers(3, 7)))),
    )


def _leave_one_out(rewards: np.ndarray) -> np.ndarray:
    k = rewards.shape[1]
    return np.asarray(
        rewards - (rewards.sum(1, keepdims=True) - rewards) / (k - 1)
    )


EXERCISES = [
    Exercise(
        name="leave_one_out",
        reference=_leave_one_out,
        inputs=_groups,
        wrong=[
            Wrong(
                lambda r: r - r.mean(1, keepdims=True),
                "the answer's own reward is in this mean: compare it with the "
                "other k - 1 only.",
            ),
            Wrong(
                lambda r: (
                    (r - r.mean(1, keepdims=True)) / r.std(1, keepdims=True)
                ),
                "this is GRPO's: RLOO doesn't divide by the spread.",
            ),
            Wrong(
                lambda r: r - (r.sum() - r) / (r.size - 1),
                "compare with answers to the same prompt only, along the "
                "second axis.",
            ),
        ],
    ),
]


INERT: dict[str, Callable[..., Any]] = {}


def _uniform(target: Any, kind: str, steps: int = 250, lr: float = 0.2) -> Any:
    """A policy that knows nothing of the target."""
    import torch

    return torch.full_like(target, 1 / target.shape[-1])


def _blind_helper(
    choices: int, situation: Any, reward: Any, seed: int, *_: Any, **__: Any
) -> Any:
    """A policy that finds all choices equal."""
    import torch

    return lambda features: torch.zeros(len(features), choices)


INERT["alignlab.outer.rl_variants.fdivergence.fit"] = _uniform
INERT["alignlab.outer.rl_variants.helpers.learn_helper"] = _blind_helper

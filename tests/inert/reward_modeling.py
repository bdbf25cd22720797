"""Inert versions of the methods of 04-outer/reward-modeling."""

from collections.abc import Callable
from typing import Any

INERT: dict[str, Callable[..., Any]] = {}


def _indifferent(rankings: Any, ridge: float = 0.0, steps: int = 0) -> Any:
    """A reward that learned nothing: zero for every answer."""
    import torch

    return torch.zeros(rankings.shape[-1], dtype=torch.float64)


INERT["alignlab.outer.reward.fit_reward"] = _indifferent

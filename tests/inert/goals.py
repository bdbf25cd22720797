"""Inert versions of the methods of 04-outer/goals."""

from collections.abc import Callable
from typing import Any

INERT: dict[str, Callable[..., Any]] = {}


def _all_found(values: Any, rule: str = "sum") -> Any:
    """No answer is ever missed."""
    import numpy as np

    return np.zeros(len(values), dtype=bool)


def _no_reward(rankings: Any, ridge: float = 1e-2, steps: int = 15) -> Any:
    """A reward that likes every answer alike."""
    import torch

    return torch.zeros(rankings.shape[2], dtype=torch.float64)


def _all_equal(picks: Any) -> Any:
    """Pooled picks that say nothing."""
    import numpy as np

    return np.zeros(len(picks))


def _unmoved(lm: Any, dilemmas: Any, system: str = "", shown: Any = (), said: str = "") -> Any:
    """Both answers always equally probable."""
    import torch

    return torch.zeros(len(dilemmas))


INERT["alignlab.outer.goals.never_chosen"] = _all_found
INERT["alignlab.outer.reward.fit_reward"] = _no_reward
INERT["alignlab.outer.pluralism.pooled_reward"] = _all_equal
INERT["alignlab.outer.stated_goals.lead"] = _unmoved

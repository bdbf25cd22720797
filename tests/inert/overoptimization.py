"""Inert versions of the methods of 04-outer/overoptimization."""

from collections.abc import Callable
from typing import Any

INERT: dict[str, Callable[..., Any]] = {}


def _no_move(proxy: Any, gold: Any, seed: int, steps: int = 120, lr: float = 0.03) -> Any:
    """A policy that stays where it started."""
    import numpy as np
    from alignlab.outer.overoptimization import Path

    return Path(*np.zeros((3, steps)))


def _flat_rewards(
    chosen: Any, rejected: Any, seed: int, members: int = 1, steps: int = 300, alike: bool = False
) -> Any:
    """Reward models that like every answer alike."""
    import torch

    return [lambda x: torch.zeros(len(x))] * members


def _no_form(path: Any, logarithmic: bool, with_beta: bool = True) -> Any:
    """A curve described as zero everywhere."""
    return 0.0, 0.0, float((path.gold**2).mean() ** 0.5)


def _first_of_n(proxy: Any, gold: Any, ns: Any) -> Any:
    """Takes the first of the n answers."""
    import numpy as np
    from alignlab.outer.overoptimization import Path, best_of_n_kl

    means = [float(r.double().mean()) * np.ones(len(ns)) for r in (proxy, gold)]
    return Path(np.sqrt(best_of_n_kl(np.array(ns))), *means)


def _first_member(rewards: Any) -> Any:
    """Only the first model is asked."""
    return rewards[0]


def _careful(gold: Any, n: int, generator: Any, careless: float = 0.0) -> Any:
    """Annotators who never toss a coin, whatever was asked for."""
    import torch
    from alignlab.outer.overoptimization import D, normal

    a, b = normal(generator, 2, n, D)
    first = (torch.rand(n, generator=generator) < torch.sigmoid(2 * (gold(a) - gold(b))))[:, None]
    return torch.where(first, a, b), torch.where(first, b, a)


def _indifferent(rankings: Any, ridge: float = 0.0, steps: int = 0) -> Any:
    """A reward that learned nothing: zero for every answer."""
    import torch

    return torch.zeros(rankings.shape[-1], dtype=torch.float64)


INERT["alignlab.outer.overoptimization.policy_gradient"] = _no_move
INERT["alignlab.outer.overoptimization.fit_proxy"] = _flat_rewards
INERT["alignlab.outer.overoptimization.fit_form"] = _no_form
INERT["alignlab.outer.overoptimization.best_of_n"] = _first_of_n
INERT["alignlab.outer.overoptimization.worst_case"] = _first_member
INERT["alignlab.outer.overoptimization.comparisons"] = _careful
INERT["alignlab.outer.reward.fit_reward"] = _indifferent

"""Inert versions of the methods of 04-outer/rlhf."""

from collections.abc import Callable
from typing import Any

INERT: dict[str, Callable[..., Any]] = {}


def _history(steps: int) -> Any:
    import numpy as np

    return {name: np.ones(steps) for name in ("reward", "gold", "kl", "entropy", "clipped", "moved")}


def _no_ppo(start: Any, reward: Any, seed: int, settings: Any = None, gold: Any = None) -> Any:
    """A policy that stays where it started."""
    from alignlab.outer.ppo import Run

    return Run(start, _history(20))


def _free_tokens(score: Any, kl: Any, mask: Any, beta: float) -> Any:
    """The score at the last token, and no price on divergence."""
    import torch

    last = (mask * torch.arange(mask.shape[1])).amax(1)
    return torch.zeros_like(kl).scatter_add(1, last[:, None], score[:, None])


def _no_clip(logp: Any, old: Any, advantages: Any, mask: Any, clip: float) -> Any:
    """The surrogate loss without its clip."""
    from alignlab.outer.ppo import masked_mean

    ratio = (logp - old).exp()
    return masked_mean(-advantages * ratio, mask), masked_mean(0.0 * ratio, mask)


def _no_baseline(rewards: Any) -> Any:
    """Rewards as they are."""
    return rewards


def _uniform(target: Any, kind: str, steps: int = 250, lr: float = 0.2) -> Any:
    """A policy that knows nothing of the target."""
    import torch

    return torch.full_like(target, 1 / target.shape[-1])


def _learn_nothing(start: Any, stories: Any, rewards: Any, values: Any, seed: int, **_: Any) -> Any:
    """The start."""
    return start


def _blind_helper(choices: int, situation: Any, reward: Any, seed: int, **_: Any) -> Any:
    """A policy that finds all choices equal."""
    import torch

    return lambda features: torch.zeros(len(features), choices)


def _first_twice(answers: Any) -> Any:
    """Ranks the best source's answers against themselves."""
    import torch
    from alignlab.outer.storyland import word_counts

    return torch.stack([word_counts(*answers[0])] * len(answers), dim=1)


def _no_optimization(start: Any, reward: Any, seed: int, method: str = "rloo", **_: Any) -> Any:
    """A policy that stays where it started."""
    from alignlab.outer.ppo import Run

    return Run(start, _history(20))


def _absolute(logratio: Any, kind: str = "k1") -> Any:
    """The size of the log-ratio, whichever estimate is asked for."""
    return logratio.abs()


INERT["alignlab.outer.ppo.ppo"] = _no_ppo
INERT["alignlab.outer.ppo.token_rewards"] = _free_tokens
INERT["alignlab.outer.ppo.policy_loss"] = _no_clip
INERT["alignlab.outer.ppo.kl_estimate"] = _absolute
INERT["alignlab.outer.policy_gradients.rloo_advantages"] = _no_baseline
INERT["alignlab.outer.policy_gradients.learn_offline"] = _learn_nothing
INERT["alignlab.outer.policy_gradients.optimize"] = _no_optimization
INERT["alignlab.outer.fdivergence.fit"] = _uniform
INERT["alignlab.outer.helpers.learn_helper"] = _blind_helper
INERT["alignlab.outer.helpers.rank_by_source"] = _first_twice

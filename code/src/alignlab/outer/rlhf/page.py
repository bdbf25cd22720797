"""Exercises of the page `04-outer/rlhf`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong


def _text(rng: np.random.Generator) -> tuple[Any, ...]:
    n = int(rng.integers(4, 8))
    return (
        rng.normal(size=n),
        rng.normal(size=n),
        float(rng.uniform(0.8, 0.99)),
        float(rng.uniform(0.5, 0.95)),
    )


def _groups(rng: np.random.Generator) -> tuple[Any, ...]:
    return (
        rng.normal(size=(int(rng.integers(2, 5)), int(rng.integers(3, 7)))),
    )


def _advantages(
    rewards: np.ndarray, values: np.ndarray, gamma: float, lam: float
) -> np.ndarray:
    errors = rewards + gamma * np.append(values[1:], 0.0) - values
    found, later = np.zeros_like(errors), 0.0
    for t in reversed(range(len(errors))):
        found[t] = later = errors[t] + gamma * lam * later
    return found


def _leave_one_out(rewards: np.ndarray) -> np.ndarray:
    k = rewards.shape[1]
    return np.asarray(
        rewards - (rewards.sum(1, keepdims=True) - rewards) / (k - 1)
    )


EXERCISES = [
    Exercise(
        name="advantages",
        reference=_advantages,
        inputs=_text,
        wrong=[
            Wrong(
                lambda r, v, gamma, lam: r + gamma * np.append(v[1:], 0.0) - v,
                "these are the one-step errors, what lam = 0 gives: add the later ones, discounted by gamma * lam.",
            ),
            Wrong(
                lambda r, v, gamma, lam: _advantages(r, v, gamma, 1.0),
                "this is return minus value, what lam = 1 gives: discount later errors by gamma * lam.",
            ),
            Wrong(
                lambda r, v, gamma, lam: _advantages(r, v, 1.0, lam * gamma),
                "the next value in each one-step error is to be discounted by gamma, too.",
            ),
            Wrong(
                lambda r, v, gamma, lam: _advantages(r, v, gamma, lam) + v,
                "this is the return, the critic's target: the advantage is what is left without the value.",
            ),
        ],
    ),
    Exercise(
        name="leave_one_out",
        reference=_leave_one_out,
        inputs=_groups,
        wrong=[
            Wrong(
                lambda r: r - r.mean(1, keepdims=True),
                "the answer's own reward is in this mean: compare it with the other k - 1 only.",
            ),
            Wrong(
                lambda r: (
                    (r - r.mean(1, keepdims=True)) / r.std(1, keepdims=True)
                ),
                "this is GRPO's: RLOO doesn't divide by the spread.",
            ),
            Wrong(
                lambda r: r - (r.sum() - r) / (r.size - 1),
                "compare with answers to the same prompt only, along the second axis.",
            ),
        ],
    ),
]


INERT: dict[str, Callable[..., Any]] = {}


def _history(steps: int) -> Any:
    import numpy as np

    return {
        name: np.ones(steps)
        for name in ("reward", "gold", "kl", "entropy", "clipped", "moved")
    }


def _no_ppo(
    start: Any, reward: Any, seed: int, settings: Any = None, gold: Any = None
) -> Any:
    """A policy that stays where it started."""
    from alignlab.outer.rlhf.ppo import Run

    return Run(start, _history(20))


def _free_tokens(score: Any, kl: Any, mask: Any, beta: float) -> Any:
    """The score at the last token, and no price on divergence."""
    import torch

    last = (mask * torch.arange(mask.shape[1])).amax(1)
    return torch.zeros_like(kl).scatter_add(1, last[:, None], score[:, None])


def _no_clip(
    logp: Any, old: Any, advantages: Any, mask: Any, clip: float
) -> Any:
    """The surrogate loss without its clip."""
    from alignlab.outer.rlhf.ppo import masked_mean

    ratio = (logp - old).exp()
    return masked_mean(-advantages * ratio, mask), masked_mean(
        0.0 * ratio, mask
    )


def _no_baseline(rewards: Any) -> Any:
    """Rewards as they are."""
    return rewards


def _uniform(target: Any, kind: str, steps: int = 250, lr: float = 0.2) -> Any:
    """A policy that knows nothing of the target."""
    import torch

    return torch.full_like(target, 1 / target.shape[-1])


def _learn_nothing(
    start: Any, stories: Any, rewards: Any, values: Any, seed: int, **_: Any
) -> Any:
    """The start."""
    return start


def _blind_helper(
    choices: int, situation: Any, reward: Any, seed: int, **_: Any
) -> Any:
    """A policy that finds all choices equal."""
    import torch

    return lambda features: torch.zeros(len(features), choices)


def _first_twice(answers: Any) -> Any:
    """Ranks the best source's answers against themselves."""
    import torch

    from alignlab.toys.storyland import word_counts

    return torch.stack([word_counts(*answers[0])] * len(answers), dim=1)


def _no_optimization(
    start: Any, reward: Any, seed: int, method: str = "rloo", **_: Any
) -> Any:
    """A policy that stays where it started."""
    from alignlab.outer.rlhf.ppo import Run

    return Run(start, _history(20))


def _absolute(logratio: Any, kind: str = "k1") -> Any:
    """The size of the log-ratio, whichever estimate is asked for."""
    return logratio.abs()


INERT["alignlab.outer.rlhf.ppo.ppo"] = _no_ppo
INERT["alignlab.outer.rlhf.ppo.token_rewards"] = _free_tokens
INERT["alignlab.outer.rlhf.ppo.policy_loss"] = _no_clip
INERT["alignlab.outer.rlhf.ppo.kl_estimate"] = _absolute
INERT["alignlab.outer.rlhf.policy_gradients.rloo_advantages"] = _no_baseline
INERT["alignlab.outer.rlhf.policy_gradients.learn_offline"] = _learn_nothing
INERT["alignlab.outer.rlhf.policy_gradients.optimize"] = _no_optimization
INERT["alignlab.outer.rlhf.fdivergence.fit"] = _uniform
INERT["alignlab.outer.rlhf.helpers.learn_helper"] = _blind_helper
INERT["alignlab.outer.rlhf.helpers.rank_by_source"] = _first_twice

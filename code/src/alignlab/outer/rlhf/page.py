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


def _tokens(rng: np.random.Generator) -> tuple[Any, ...]:
    ratio = np.exp(rng.normal(scale=0.5, size=12))
    ratio[:4] = 1.6, 0.4, 1.6, 0.4  # both sides, each with both signs
    advantage = rng.normal(size=12)
    advantage[:4] = np.abs(advantage[:4]) * [1, 1, -1, -1]
    return ratio, advantage, float(rng.uniform(0.1, 0.3))


def _advantages(
    rewards: np.ndarray, values: np.ndarray, gamma: float, lam: float
) -> np.ndarray:
    errors = rewards + gamma * np.append(values[1:], 0.0) - values
    found, later = np.zeros_like(errors), 0.0
    for t in reversed(range(len(errors))):
        found[t] = later = errors[t] + gamma * lam * later
    return found


def _clipped(
    ratio: np.ndarray, advantage: np.ndarray, clip: float
) -> np.ndarray:
    bounded = np.clip(ratio, 1 - clip, 1 + clip)
    return np.asarray(np.minimum(ratio * advantage, bounded * advantage))


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
        name="clipped_objective",
        reference=_clipped,
        inputs=_tokens,
        wrong=[
            Wrong(
                lambda ratio, advantage, clip: (
                    np.clip(ratio, 1 - clip, 1 + clip) * advantage
                ),
                "this clips always, also where the ratio has moved the wrong way: take the minimum with the "
                "objective that isn't clipped.",
            ),
            Wrong(
                lambda ratio, advantage, clip: np.maximum(
                    ratio * advantage,
                    np.clip(ratio, 1 - clip, 1 + clip) * advantage,
                ),
                "the larger of the two rewards the token for going beyond the clip: take the smaller.",
            ),
            Wrong(
                lambda ratio, advantage, clip: (
                    -_clipped(ratio, advantage, clip)
                ),
                "this is the loss: the exercise asks for what is maximized, which has the other sign.",
            ),
            Wrong(
                lambda ratio, advantage, clip: (
                    np.minimum(ratio, 1 + clip) * advantage
                ),
                "this bounds the ratio from above only, and for negative advantages, too, where a large ratio has to "
                "keep its gradient.",
            ),
        ],
    ),
]


INERT: dict[str, Callable[..., Any]] = {}


def _log_ratio(logratio: Any, kind: str = "k1") -> Any:
    """The log-ratio itself, whichever estimate is asked for."""
    return logratio


INERT["alignlab.outer.ppo.kl_estimate"] = _log_ratio

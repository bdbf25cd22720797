"""Exercises of 04-outer/rlhf."""

from typing import Any

import numpy as np

from alignlab.book.checks import Exercise, Wrong


def _text(rng: np.random.Generator) -> tuple[Any, ...]:
    n = int(rng.integers(4, 8))
    return rng.normal(size=n), rng.normal(size=n), float(rng.uniform(0.8, 0.99)), float(rng.uniform(0.5, 0.95))


def _groups(rng: np.random.Generator) -> tuple[Any, ...]:
    return (rng.normal(size=(int(rng.integers(2, 5)), int(rng.integers(3, 7)))),)


def _advantages(rewards: np.ndarray, values: np.ndarray, gamma: float, lam: float) -> np.ndarray:
    errors = rewards + gamma * np.append(values[1:], 0.0) - values
    found, later = np.zeros_like(errors), 0.0
    for t in reversed(range(len(errors))):
        found[t] = later = errors[t] + gamma * lam * later
    return found


def _leave_one_out(rewards: np.ndarray) -> np.ndarray:
    k = rewards.shape[1]
    return np.asarray(rewards - (rewards.sum(1, keepdims=True) - rewards) / (k - 1))


EXERCISES = [
    Exercise(
        name="advantages",
        reference=_advantages,
        inputs=_text,
        stub="def advantages(rewards, values, gamma, lam):\n    ...",
        solution=(
            "def advantages(rewards, values, gamma, lam):\n"
            "    following = np.append(values[1:], 0.0)\n"
            "    errors = rewards + gamma * following - values\n"
            "    found, later = np.zeros_like(errors), 0.0\n"
            "    for t in reversed(range(len(errors))):\n"
            "        found[t] = later = errors[t] + gamma * lam * later\n"
            "    return found"
        ),
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
        stub="def leave_one_out(rewards):\n    ...",
        solution=(
            "def leave_one_out(rewards):\n"
            "    k = rewards.shape[1]\n"
            "    others = (rewards.sum(1, keepdims=True) - rewards) / (k - 1)\n"
            "    return rewards - others"
        ),
        wrong=[
            Wrong(
                lambda r: r - r.mean(1, keepdims=True),
                "the answer's own reward is in this mean: compare it with the other k - 1 only.",
            ),
            Wrong(
                lambda r: (r - r.mean(1, keepdims=True)) / r.std(1, keepdims=True),
                "this is GRPO's: RLOO doesn't divide by the spread.",
            ),
            Wrong(
                lambda r: r - (r.sum() - r) / (r.size - 1),
                "compare with answers to the same prompt only, along the second axis.",
            ),
        ],
    ),
]

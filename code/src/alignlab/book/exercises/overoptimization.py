"""Exercises of 04-outer/overoptimization."""

from typing import Any

import numpy as np

from alignlab.book.checks import Exercise, Wrong
from alignlab.outer.overoptimization import best_of_n_kl


def _counts(rng: np.random.Generator) -> tuple[Any, ...]:
    return (rng.integers(2, 500, int(rng.integers(3, 7))).astype(float),)


def _rewards(rng: np.random.Generator) -> tuple[Any, ...]:
    return rng.normal(size=(int(rng.integers(3, 6)), int(rng.integers(4, 8)))), float(rng.uniform(0.3, 2.0))


def _weighted(rewards: np.ndarray, weight: float) -> np.ndarray:
    return np.asarray(rewards.mean(0) - weight * rewards.var(0))


EXERCISES = [
    Exercise(
        name="bon_kl",
        reference=best_of_n_kl,
        inputs=_counts,
        stub="def bon_kl(n):\n    ...",
        solution="def bon_kl(n):\n    return np.log(n) - (n - 1) / n",
        wrong=[
            Wrong(lambda n: np.log(n), "this is an upper bound: the second term, (n - 1)/n, is missing."),
            Wrong(lambda n: np.log2(n) - (n - 1) / n, "nats are asked for: take the natural logarithm."),
            Wrong(lambda n: np.log(n) + (n - 1) / n, "the second term is subtracted."),
        ],
    ),
    Exercise(
        name="uncertainty_weighted",
        reference=_weighted,
        inputs=_rewards,
        stub="def uncertainty_weighted(rewards, weight):\n    ...",
        solution="def uncertainty_weighted(rewards, weight):\n    return rewards.mean(0) - weight * rewards.var(0)",
        wrong=[
            Wrong(lambda r, w: r.mean(0) + w * r.var(0), "disagreement should lower the reward, not raise it."),
            Wrong(
                lambda r, w: r.mean(0) - w * r.std(0), "this takes the standard deviation; the variance is asked for."
            ),
            Wrong(
                lambda r, w: r.mean(1) - w * r.var(1),
                "average over the members, the first axis, and keep one value an answer.",
            ),
            Wrong(lambda r, w: r.min(0), "this is the worst case, another of the paper's rules."),
        ],
    ),
]

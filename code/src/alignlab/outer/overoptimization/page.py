"""Exercises of the page `04-outer/overoptimization`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong
from alignlab.outer.best_of_n import best_of_n_kl


def _counts(rng: np.random.Generator) -> tuple[Any, ...]:
    return (rng.integers(2, 500, int(rng.integers(3, 7))).astype(float),)


def _rewards(rng: np.random.Generator) -> tuple[Any, ...]:
    return rng.normal(
        size=(int(rng.integers(3, 6)), int(rng.integers(4, 8)))
    ), float(rng.uniform(0.3, 2.0))


def _weighted(rewards: np.ndarray, weight: float) -> np.ndarray:
    return np.asarray(rewards.mean(0) - weight * rewards.var(0))


EXERCISES = [
    Exercise(
        name="bon_kl",
        reference=best_of_n_kl,
        inputs=_counts,
        wrong=[
            Wrong(
                lambda n: np.log(n),
                "this is an upper bound: the second term, (n - 1)/n, is missing.",
            ),
            Wrong(
                lambda n: np.log2(n) - (n - 1) / n,
                "nats are asked for: take the natural logarithm.",
            ),
            Wrong(
                lambda n: np.log(n) + (n - 1) / n,
                "the second term is subtracted.",
            ),
            Wrong(
                lambda n: np.log(n) - 1 / n,
                "the second term is (n - 1)/n: for n = 1 the divergence has to be 0.",
            ),
            Wrong(
                lambda n: np.sqrt(np.log(n) - (n - 1) / n),
                "this is the distance d; the divergence itself is asked for, without the root.",
            ),
        ],
    ),
    Exercise(
        name="uncertainty_weighted",
        reference=_weighted,
        inputs=_rewards,
        wrong=[
            Wrong(
                lambda r, w: r.mean(0) + w * r.var(0),
                "disagreement should lower the reward, not raise it.",
            ),
            Wrong(
                lambda r, w: r.mean(0) - w * r.std(0),
                "this takes the standard deviation; the variance is asked for.",
            ),
            Wrong(
                lambda r, w: r.mean(1) - w * r.var(1),
                "average over the members, the first axis, and keep one value an answer.",
            ),
            Wrong(
                lambda r, w: r.mean(0) - w * r.var(0, ddof=1),
                "this divides by the members' number minus one; divide by their number.",
            ),
            Wrong(
                lambda r, w: r.mean(0) - r.var(0),
                "the variance is not multiplied by the weight.",
            ),
            Wrong(
                lambda r, w: r.min(0),
                "this is the worst case, another of the paper's rules.",
            ),
        ],
    ),
]


def _no_move(
    proxy: Any,
    gold: Any,
    draws: Any,
    steps: int = 80,
    lr: float = 0.05,
    kl_penalty: float = 0.0,
    answers: int = 128,
) -> Any:
    """Policies that stay where they started."""
    from alignlab.outer.overoptimization.proxies import Run

    return Run(*np.zeros((4, len(draws.generators), steps)))


def _flat_rewards(
    chosen: Any,
    rejected: Any,
    draws: Any,
    members: int = 1,
    steps: int = 150,
    width: int = 32,
    alike: bool = False,
) -> Any:
    """Reward models that like every answer alike."""
    import torch

    from alignlab.outer.overoptimization.proxies import D, Network

    tasks = len(chosen)
    flat = Network(
        torch.zeros(tasks, D, width),
        torch.zeros(tasks, 1, width),
        torch.zeros(tasks, width, 1),
    )
    return [flat] * members


def _first_of_n(proxy: Any, gold: Any, ns: Any) -> Any:
    """Takes the first of the n answers."""
    from alignlab.outer.best_of_n import Path

    means = [float(r.double().mean()) * np.ones(len(ns)) for r in (proxy, gold)]
    return Path(np.sqrt(best_of_n_kl(np.array(ns))), *means)


HERE = "alignlab.outer.overoptimization.proxies"
INERT: dict[str, Callable[..., Any]] = {
    f"{HERE}.policy_gradient": _no_move,
    f"{HERE}.fit_proxy": _flat_rewards,
    "alignlab.outer.best_of_n.best_of_n": _first_of_n,
}

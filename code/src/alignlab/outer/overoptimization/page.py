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
                lambda r, w: r.min(0),
                "this is the worst case, another of the paper's rules.",
            ),
        ],
    ),
]


INERT: dict[str, Callable[..., Any]] = {}


def _no_move(
    proxy: Any, gold: Any, seed: int, steps: int = 120, lr: float = 0.03
) -> Any:
    """A policy that stays where it started."""
    import numpy as np

    from alignlab.outer.best_of_n import Path

    return Path(*np.zeros((3, steps)))


def _flat_rewards(
    chosen: Any,
    rejected: Any,
    seed: int,
    members: int = 1,
    steps: int = 300,
    alike: bool = False,
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

    from alignlab.outer.best_of_n import Path, best_of_n_kl

    means = [float(r.double().mean()) * np.ones(len(ns)) for r in (proxy, gold)]
    return Path(np.sqrt(best_of_n_kl(np.array(ns))), *means)


def _first_member(rewards: Any) -> Any:
    """Only the first model is asked."""
    return rewards[0]


def _careful(gold: Any, n: int, generator: Any, careless: float = 0.0) -> Any:
    """Annotators who never toss a coin, whatever was asked for."""
    import torch

    from alignlab.outer.overoptimization.proxies import D, normal

    a, b = normal(generator, 2, n, D)
    first = (
        torch.rand(n, generator=generator)
        < torch.sigmoid(2 * (gold(a) - gold(b)))
    )[:, None]
    return torch.where(first, a, b), torch.where(first, b, a)


def _indifferent(rankings: Any, ridge: float = 0.0, steps: int = 0) -> Any:
    """A reward that learned nothing: zero for every answer."""
    import torch

    return torch.zeros(rankings.shape[-1], dtype=torch.float64)


INERT["alignlab.outer.overoptimization.proxies.policy_gradient"] = _no_move
INERT["alignlab.outer.overoptimization.proxies.fit_proxy"] = _flat_rewards
INERT["alignlab.outer.overoptimization.proxies.fit_form"] = _no_form
INERT["alignlab.outer.best_of_n.best_of_n"] = _first_of_n
INERT["alignlab.outer.overoptimization.proxies.worst_case"] = _first_member
INERT["alignlab.outer.overoptimization.proxies.comparisons"] = _careful
INERT["alignlab.outer.reward.fit_reward"] = _indifferent

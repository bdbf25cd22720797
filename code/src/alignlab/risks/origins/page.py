"""Exercises of the page `03-what/origins`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong


def _step(rng: np.random.Generator) -> tuple[Any, ...]:
    q_next = rng.normal(size=5)
    did = int(q_next.argsort()[rng.integers(4)])  # never the best one
    return float(rng.normal()), q_next, did, 0.9, bool(rng.random() < 0.5)


def _target(
    reward: float,
    q_next: np.ndarray,
    did: int,
    discount: float,
    on_policy: bool,
) -> float:
    worth = q_next[did] if on_policy else q_next.max()
    return float(reward + discount * worth)


def _measured(rng: np.random.Generator) -> tuple[Any, ...]:
    goal = rng.normal(size=40)
    return goal + rng.normal(size=40), goal, 5


def _shortfall(proxy: np.ndarray, goal: np.ndarray, k: int) -> float:
    top = proxy.argsort()[-k:]
    return float(proxy[top].mean() - goal[top].mean())


EXERCISES = [
    Exercise(
        name="origins_target",
        reference=_target,
        inputs=_step,
        wrong=[
            Wrong(
                lambda r, q, a, d, on: r + d * q.max(),
                "this is Q-learning's target in either case; Sarsa takes "
                "the value of the action that was carried out.",
            ),
            Wrong(
                lambda r, q, a, d, on: r + d * q[a],
                "this is Sarsa's target in either case; Q-learning takes "
                "the best of the next actions.",
            ),
            Wrong(
                lambda r, q, a, d, on: r + d * (q.max() if on else q[a]),
                "the two are exchanged: on-policy is Sarsa.",
            ),
            Wrong(
                lambda r, q, a, d, on: r + (q[a] if on else q.max()),
                "what comes after is not discounted.",
            ),
            Wrong(
                lambda r, q, a, d, on: d * (r + (q[a] if on else q.max())),
                "the reward of the step itself is not discounted.",
            ),
            Wrong(
                lambda r, q, a, d, on: r + d * (q[a] if on else q.mean()),
                "Q-learning takes the best action's value, this the average.",
            ),
        ],
    ),
    Exercise(
        name="origins_shortfall",
        reference=_shortfall,
        inputs=_measured,
        wrong=[
            Wrong(
                lambda u, v, k: u.mean() - v.mean(),
                "this is about everybody: choose the k highest first.",
            ),
            Wrong(
                lambda u, v, k: np.sort(u)[-k:].mean() - np.sort(v)[-k:].mean(),
                "this compares the highest proxies with the highest goals, "
                "which are not the same candidates.",
            ),
            Wrong(
                lambda u, v, k: (
                    u[u.argsort()[:k]].mean() - v[u.argsort()[:k]].mean()
                ),
                "these are the k lowest: argsort starts with the smallest.",
            ),
            Wrong(
                lambda u, v, k: (
                    v[u.argsort()[-k:]].mean() - u[u.argsort()[-k:]].mean()
                ),
                "the sign is turned: falling short is positive.",
            ),
            Wrong(
                lambda u, v, k: (
                    u[v.argsort()[-k:]].mean() - v[v.argsort()[-k:]].mean()
                ),
                "these were chosen by the goal, which nobody can see; choose "
                "by the proxy.",
            ),
        ],
    ),
]


def _untaught(table: Any, seed: int, agents: int = 10, **how: Any) -> Any:
    """Policies that always act at random, at each mark."""
    marks = how.get("marks", (600,))
    return np.full((len(marks), agents, table.observations, 5), 0.2)


def _no_effects(worlds: Any, rng: Any, real: bool = True) -> Any:
    """Four numbers that have nothing to do with the worlds."""
    return rng.normal(size=(len(worlds), 4))


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.risks.origins.agents.value_learner": _untaught,
    "alignlab.risks.origins.diagnosis.effects": _no_effects,
}

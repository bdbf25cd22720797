"""Exercises of the page `02-why/advanced-risks`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong
from alignlab.risks.advanced_risks import recommender, switch


def _world(rng: np.random.Generator) -> tuple[Any, ...]:
    follow = rng.integers(6, size=(6, 3))
    return rng.normal(size=(4, 6)), rng.uniform(size=(4, 6)), follow, 0.9


def _sweep(
    values: np.ndarray, rewards: np.ndarray, follow: np.ndarray, discount: float
) -> np.ndarray:
    return np.asarray(rewards + discount * values[:, follow].max(2))


def _leaning(rng: np.random.Generator) -> tuple[Any, ...]:
    return (rng.normal(size=(5, 2, 2)),)


def _pull(leaning: np.ndarray) -> np.ndarray:
    by_belief = leaning.mean(2)
    return np.asarray((by_belief[:, 0] - by_belief[:, 1]) / 2)


EXERCISES = [
    Exercise(
        name="advanced_risks_sweep",
        reference=_sweep,
        inputs=_world,
        wrong=[
            Wrong(
                lambda v, r, f, d: r + v[:, f].max(2),
                "what is ahead is not discounted.",
            ),
            Wrong(
                lambda v, r, f, d: d * v[:, f].max(2),
                "the reward of the state itself is missing.",
            ),
            Wrong(
                lambda v, r, f, d: r + d * v[:, f].mean(2),
                "this averages over actions; a best plan takes the best one.",
            ),
            Wrong(
                lambda v, r, f, d: r + d * r[:, f].max(2),
                "this looks at the next reward alone; take the next value.",
            ),
            Wrong(
                lambda v, r, f, d: d * (r + v[:, f].max(2)),
                "the reward of the present state is not discounted.",
            ),
        ],
    ),
    Exercise(
        name="advanced_risks_pull",
        reference=_pull,
        inputs=_leaning,
        wrong=[
            Wrong(
                lambda x: (x[:, 0, 0] - x[:, 1, 0]) / 2,
                "this uses one order of the answers only, so a liked place "
                "that goes with the belief would count.",
            ),
            Wrong(
                lambda x: (x.mean(1)[:, 0] - x.mean(1)[:, 1]) / 2,
                "this is the pull of the place: average over the order, the "
                "last axis, and subtract over beliefs.",
            ),
            Wrong(
                lambda x: x.mean(2)[:, 0] - x.mean(2)[:, 1],
                "this is twice the pull: half the difference is asked for.",
            ),
            Wrong(
                lambda x: x.mean((1, 2)),
                "this is how much the first answer is liked, whoever asks.",
            ),
            Wrong(
                lambda x: (x.mean(2)[:, 1] - x.mean(2)[:, 0]) / 2,
                "the sign is turned: a pull toward the belief is positive.",
            ),
        ],
    ),
]


def _at_once(follow: Any, rewards: Any, discount: float) -> Any:
    """What is here now, whatever lies ahead."""
    return rewards


_ROOM = (switch.room,)  # as it is before it is replaced


def _one_behind(behind: int = 1, wired: bool = True) -> Any:
    """A room in which all that is behind the switch is one place."""
    world = _ROOM[0](behind, wired)
    place = np.minimum(world.place, switch.CELLS)
    place[(switch.FUSE + 1) * switch.CELLS] = world.places - 1
    return world._replace(place=place)


def _unlearned(follow: Any, rewards: Any, seed: int, **how: Any) -> Any:
    """Action values at random."""
    size = (len(rewards), *follow.shape)
    return np.random.default_rng(seed).uniform(size=size)


def _what_is_liked(user: Any, discount: float, still: float = 0.0) -> Any:
    """The item at the user's taste."""
    return np.abs(recommender.ITEMS - recommender.TASTES[:, None]).argmin(1)


def _no_leaning(lm: Any, matters: Any, who: str, upside: bool = False) -> Any:
    """Both answers alike."""
    import torch

    return torch.zeros(len(matters), 2, 2)


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.risks.advanced_risks.goals.best_values": _at_once,
    "alignlab.risks.advanced_risks.switch.room": _one_behind,
    "alignlab.risks.advanced_risks.learners.q_learning": _unlearned,
    "alignlab.risks.advanced_risks.recommender.best_items": _what_is_liked,
    "alignlab.risks.advanced_risks.views.leanings": _no_leaning,
}

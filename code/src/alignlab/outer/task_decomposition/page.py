"""Exercises of the page `04-outer/task-decomposition`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong
from alignlab.outer.task_decomposition import recursive, verifiers


def _deepest(slip: float, floor: float) -> int:
    """The deepest level at which the expected share right is still `floor`."""
    level, right = 0, 1 - slip
    while (1 - slip) * right**2 >= floor:
        level, right = level + 1, (1 - slip) * right**2
    return level


def _no_own_slip(slip: float, floor: float) -> int:
    level, right = 0, 1 - slip
    while right**2 >= floor:
        level, right = level + 1, right**2
    return level


def _one_question(slip: float, floor: float) -> int:
    level, right = 0, 1 - slip
    while (1 - slip) * right >= floor:
        level, right = level + 1, (1 - slip) * right
    return level


def _depth_inputs(rng: np.random.Generator) -> tuple[Any, ...]:
    """A slip, and a floor that is not close to where a level begins."""
    slip = float(rng.uniform(0.002, 0.02))
    slips = 2 ** int(rng.integers(3, 7)) * float(rng.uniform(1.2, 1.8))
    return (slip, (1 - slip) ** slips)


def _by_worst(chances: np.ndarray) -> np.ndarray:
    return np.asarray(chances.min(-1).argmax(-1))


def _chances(rng: np.random.Generator) -> tuple[Any, ...]:
    return (rng.uniform(0.2, 1.0, size=(40, 12, 5)),)


EXERCISES = [
    Exercise(
        name="task_decomposition_depth",
        reference=_deepest,
        inputs=_depth_inputs,
        wrong=[
            Wrong(
                _no_own_slip,
                "the overseer slips at the upper level too: both answers from "
                "below and its own must be right.",
            ),
            Wrong(
                _one_question,
                "a level asks two questions of the one below, so that the "
                "share right below enters squared.",
            ),
        ],
    ),
    Exercise(
        name="task_decomposition_worst_step",
        reference=_by_worst,
        inputs=_chances,
        wrong=[
            Wrong(
                lambda chances: chances.prod(-1).argmax(-1),
                "this is the product; take each solution's least probable step.",
            ),
            Wrong(
                lambda chances: chances.mean(-1).argmax(-1),
                "this is the mean; take each solution's least probable step.",
            ),
            Wrong(
                lambda chances: chances.max(-1).argmax(-1),
                "this takes the most probable step of each solution; take the "
                "least probable one.",
            ),
            Wrong(
                lambda chances: chances.min(-1).argmin(-1),
                "this picks the solution whose worst step is worst; pick the "
                "one whose worst step is best.",
            ),
        ],
    ),
]


def _asks_itself(ask: Any, row: Any, x: Any, level: Any) -> Any:
    """The model's own answer to the whole question, and none to its parts."""
    return ask(row, x, level)


def _knows_nothing(places: Any, right: Any) -> Any:
    """All steps are as good."""
    return verifiers.torch.zeros(verifiers.STEPS_THERE_ARE)


_LABEL = recursive.label


def _of_designs(seeds: Any, count: int, ask: str) -> Any:
    """Labels of designs, whatever is asked."""
    return _LABEL(seeds, count, "design")


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.outer.task_decomposition.amplification.amplify": _asks_itself,
    "alignlab.outer.task_decomposition.verifiers.from_steps": _knows_nothing,
    "alignlab.outer.task_decomposition.recursive.label": _of_designs,
}

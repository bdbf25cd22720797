"""Exercises of the page `09-future/dynamic-evaluation`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong


def _values(rng: np.random.Generator) -> tuple[Any, ...]:
    return (rng.normal(size=8),)


def _mean(values: np.ndarray) -> float:
    """What is right; usually a function of the package."""
    return float(np.mean(values))


EXERCISES = [
    Exercise(
        name="dynamic_evaluation_mean",
        reference=_mean,
        inputs=_values,
        wrong=[
            Wrong(
                lambda values: float(np.sum(values)),
                "this is the sum: divide by how many there are.",
            )
        ],
    )
]


def _first(draws: Any) -> Any:
    """The first draw of each row, whatever the others say."""
    return draws[:, 0]


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.risks.dynamic_evaluation.example.average": _first,
}

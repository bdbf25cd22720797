"""Exercises of the page `10-conclusion/scorecard`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong
from alignlab.overview.scorecard.many import holm
from alignlab.overview.scorecard.sparse import students


def _p_values(rng: np.random.Generator) -> tuple[Any, ...]:
    """Some small, most not; one of the small ones needs the later steps."""
    p = np.concatenate(
        [[0.0004, 0.0052, 0.0066, 0.012, 0.045], rng.uniform(0.2, 1, 5)]
    )
    return (rng.permutation(p),)


def _holm(p: np.ndarray) -> np.ndarray:
    return holm(p)


def _one_step(p: np.ndarray) -> np.ndarray:
    return np.asarray(p <= 0.05 / len(p))


def _bh(p: np.ndarray) -> np.ndarray:
    order = np.sort(p)
    below = np.flatnonzero(order <= 0.05 * np.arange(1, len(p) + 1) / len(p))
    return np.asarray(p <= (order[below[-1]] if len(below) else -1))


def _by_rank(p: np.ndarray) -> np.ndarray:
    return np.asarray(np.sort(p) <= 0.05 / np.arange(len(p), 0, -1))


def _planning(rng: np.random.Generator) -> tuple[Any, ...]:
    return rng.normal(0.1, 0.4, 30), float(rng.uniform(0.02, 0.2))


def _items(change: np.ndarray, difference: float) -> float:
    """How many items leave a difference 2.8 standard errors from zero."""
    return float((2.8 * np.std(change, ddof=1) / difference) ** 2)


EXERCISES = [
    Exercise(
        name="scorecard_holm",
        reference=_holm,
        inputs=_p_values,
        wrong=[
            Wrong(
                _one_step,
                "this compares every p with 0.05 / n, which is Bonferroni: after the smallest stands, n - 1 are left.",
            ),
            Wrong(
                _bh,
                "Benjamini and Hochberg's rule bounds the share of false findings, not the chance of any.",
            ),
            Wrong(lambda p: p <= 0.05, "this looks at each p by itself."),
            Wrong(
                _by_rank,
                "the answers are in the order of the sorted p-values: put them back in the order of `p`.",
            ),
        ],
    ),
    Exercise(
        name="scorecard_items",
        reference=_items,
        inputs=_planning,
        wrong=[
            Wrong(
                lambda c, d: float(2.8 * np.std(c, ddof=1) / d),
                "this is the root of it: errors shrink with the root of the items.",
            ),
            Wrong(
                lambda c, d: float((1.96 * np.std(c, ddof=1) / d) ** 2),
                "with 1.96 the interval leaves zero out only every second time; 80 % need 2.8.",
            ),
            Wrong(
                lambda c, d: float((2.8 * np.std(c, ddof=1) / d) ** 2 / len(c)),
                "this is how many times as many items; multiply by how many there are.",
            ),
            Wrong(
                lambda c, d: float((2.8 / d) ** 2 * np.mean(c**2)),
                "this is the mean square, which holds the mean as well: take the variance.",
            ),
        ],
    ),
]


def _each_alone(p: Any, level: float = 0.05) -> Any:
    """Every p-value by itself."""
    return np.asarray(p) <= level


def _students(change: Any, added: float = 2.0, level: float = 0.95) -> Any:
    """Student's interval, nothing added."""
    return students(change, level)


def _own_units(means: Any, good: Any, by: str = "spread") -> Any:
    """Each measure as it is, less the first state's."""
    signed = means * good[:, None]
    return signed - signed[..., :1]


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.overview.scorecard.many.holm": _each_alone,
    "alignlab.overview.scorecard.sparse.added_pairs": _students,
    "alignlab.overview.scorecard.weights.points": _own_units,
}

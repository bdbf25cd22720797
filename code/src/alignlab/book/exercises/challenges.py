"""Exercises of 06-interpretability/challenges."""

from typing import Any

import numpy as np

from alignlab.book.checks import Exercise, Wrong


def _power(rng: np.random.Generator) -> tuple[Any, ...]:
    return (rng.gamma(0.5, size=(int(rng.integers(5, 9)), int(rng.integers(3, 5)))),)


def _purity(power: np.ndarray) -> np.ndarray:
    return np.asarray(power.max(0) / power.sum(0))


def _rows(rng: np.random.Generator) -> tuple[Any, ...]:
    n, d = int(rng.integers(5, 9)), int(rng.integers(3, 5))
    return rng.normal(size=(n, d)), int(rng.integers(0, d)), np.roll(rng.permutation(n), 1)


def _resample(x: np.ndarray, column: int, order: np.ndarray) -> np.ndarray:
    changed = x.copy()
    changed[:, column] = x[order, column]
    return changed


def _all_columns(x: np.ndarray, column: int, order: np.ndarray) -> np.ndarray:
    return x[order]


def _mean(x: np.ndarray, column: int, order: np.ndarray) -> np.ndarray:
    changed = x.copy()
    changed[:, column] = x[:, column].mean()
    return changed


def _to_places(x: np.ndarray, column: int, order: np.ndarray) -> np.ndarray:
    changed = x.copy()
    changed[order, column] = x[:, column]
    return changed


EXERCISES = [
    Exercise(
        name="unit_purity",
        reference=_purity,
        inputs=_power,
        stub="def unit_purity(power):\n    ...",
        solution="def unit_purity(power):\n    return power.max(0) / power.sum(0)",
        wrong=[
            Wrong(lambda p: p.max(0) / p.sum(), "divide by the unit's own total, not by that of all units."),
            Wrong(
                lambda p: p.max(0), "this is the strongest frequency's power; a share of the unit's total is asked for."
            ),
            Wrong(lambda p: p.max(1) / p.sum(1), "this runs over the units; frequencies are the first axis."),
        ],
    ),
    Exercise(
        name="resample",
        reference=_resample,
        inputs=_rows,
        stub="def resample(x, column, order):\n    ...",
        solution=(
            "def resample(x, column, order):\n    changed = x.copy()\n"
            "    changed[:, column] = x[order, column]\n    return changed"
        ),
        wrong=[
            Wrong(_all_columns, "this takes whole rows; only one column is replaced."),
            Wrong(_mean, "this is mean ablation."),
            Wrong(_to_places, "row i takes the value of row order[i], not the other way round."),
        ],
    ),
]

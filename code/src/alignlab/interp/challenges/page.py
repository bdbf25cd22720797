"""Exercises of the page `06-interpretability/challenges`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong


def _power(rng: np.random.Generator) -> tuple[Any, ...]:
    return (
        rng.gamma(0.5, size=(int(rng.integers(5, 9)), int(rng.integers(3, 5)))),
    )


def _purity(power: np.ndarray) -> np.ndarray:
    return np.asarray(power.max(0) / power.sum(0))


def _rows(rng: np.random.Generator) -> tuple[Any, ...]:
    n, d = int(rng.integers(5, 9)), int(rng.integers(3, 5))
    return (
        rng.normal(size=(n, d)),
        int(rng.integers(0, d)),
        np.roll(rng.permutation(n), 1),
    )


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
        wrong=[
            Wrong(
                lambda p: p.max(0) / p.sum(),
                "divide by the unit's own total, not by that of all units.",
            ),
            Wrong(
                lambda p: p.max(0),
                "this is the strongest frequency's power; a share of the unit's total is asked for.",
            ),
            Wrong(
                lambda p: p.max(1) / p.sum(1),
                "this runs over the units; frequencies are the first axis.",
            ),
            Wrong(
                lambda p: p.max(0) / (p.sum(0) - p.max(0)),
                "this compares the strongest frequency with the others; divide by the total, itself included.",
            ),
            Wrong(
                lambda p: p.max(0) / np.sqrt((p**2).sum(0)),
                "the entries are powers already; they are summed as they are.",
            ),
        ],
    ),
    Exercise(
        name="resample",
        reference=_resample,
        inputs=_rows,
        wrong=[
            Wrong(
                _all_columns,
                "this takes whole rows; only one column is replaced.",
            ),
            Wrong(_mean, "this is mean ablation."),
            Wrong(
                lambda x, column, order: x[order, column],
                "this is the new column alone; return all of `x` with that column replaced.",
            ),
            Wrong(
                _to_places,
                "row i takes the value of row order[i], not the other way round.",
            ),
        ],
    ),
]


INERT: dict[str, Callable[..., Any]] = {}


def _untrained(
    p: int,
    seeds: Any,
    *args: Any,
    steps: int = 1000,
    every: int = 50,
    **kwargs: Any,
) -> Any:
    """Networks that stay as they are and answer every pair with the same number."""
    import torch

    from alignlab.interp.challenges.grokking import Run

    marks = np.arange(0, steps + 1, every)
    shape = (len(marks), len(seeds))
    embed = torch.eye(p).expand(*shape, p, p).clone()
    a = torch.arange(p)
    labels = ((a[:, None] + a[None]) % p).expand(len(seeds), p, p).clone()
    train = labels == 0  # what the constant answer gets right
    return Run(marks, embed, torch.zeros(*shape, p, p), train, labels)


def _no_rise(
    network: Any, x: Any, y: Any, how: Any, seed: int = 0
) -> list[float]:
    """Every channel is unimportant."""
    return [0.0] * x.shape[1]


def _silent(explanation: Any, tokens: Any) -> Any:
    """Expects no activity anywhere."""
    return np.zeros(len(tokens))


def _unchanged(logits: Any, frequencies: Any, where: Any = None) -> Any:
    """The whole logits."""
    return logits


INERT["alignlab.interp.challenges.grokking.train_modular"] = _untrained
INERT["alignlab.interp.challenges.grokking.restricted"] = _unchanged
INERT["alignlab.interp.challenges.ablation.importance"] = _no_rise
INERT["alignlab.interp.challenges.explain.simulate"] = _silent

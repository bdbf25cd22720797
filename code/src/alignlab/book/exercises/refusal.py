"""Exercises of 06-interpretability/refusal."""

from typing import Any

import numpy as np
import torch

from alignlab.book.checks import Exercise, Wrong


def _stream(rng: np.random.Generator) -> tuple[Any, ...]:
    """Activations (batch, pos, d) and a direction (d,) that is not of length 1."""
    d = int(rng.integers(3, 7))
    x = torch.from_numpy(rng.normal(size=(2, int(rng.integers(2, 5)), d)))
    return x, torch.from_numpy(rng.normal(size=d) * 3 + 1)


def _projections(rng: np.random.Generator) -> tuple[Any, ...]:
    """Projections of harmless requests and of new ones, and the rate of false alarms."""
    harmless = rng.normal(size=int(rng.integers(15, 40)))
    return harmless, rng.normal(1.0, 1.5, size=200), float(rng.choice([0.05, 0.1, 0.2]))


def _along(x: Any, r: Any) -> Any:
    return (x @ r)[..., None] * r


EXERCISES = [
    Exercise(
        name="take_out",
        reference=lambda x, r: x - _along(x, r) / (r @ r),
        inputs=_stream,
        stub="def take_out(x, r):\n    ...",
        solution="def take_out(x, r):\n    unit = r / r.norm()\n    return x - (x @ unit)[..., None] * unit",
        wrong=[
            Wrong(
                lambda x, r: x - _along(x, r),
                "the direction needs length 1 before you project on it.",
            ),
            Wrong(
                lambda x, r: x - _along(x, r) / r.norm(),
                "r comes in twice, once to measure the component and once to write it: both need length 1.",
            ),
            Wrong(
                lambda x, r: _along(x, r) / (r @ r),
                "this is the component along r; return x without it.",
            ),
            Wrong(
                lambda x, r: x - r,
                "this moves every activation by the same vector; take from each only as much as it has along r.",
            ),
            Wrong(
                lambda x, r: x - 2 * _along(x, r) / (r @ r),
                "this mirrors x at the plane; the component should become 0, not change its sign.",
            ),
        ],
    ),
    Exercise(
        name="rings",
        reference=lambda harmless, new, rate: new > np.quantile(harmless, 1 - rate),
        inputs=_projections,
        stub="def rings(harmless, new, rate):\n    ...",
        solution="def rings(harmless, new, rate):\n    return new > np.quantile(harmless, 1 - rate)",
        wrong=[
            Wrong(
                lambda harmless, new, rate: new > np.quantile(harmless, rate),
                "at this threshold nearly every harmless request rings: it should lie above all but `rate` of them.",
            ),
            Wrong(
                lambda harmless, new, rate: new < np.quantile(harmless, 1 - rate),
                "harmful requests lie further along the direction: those above the threshold ring.",
            ),
            Wrong(
                lambda harmless, new, rate: new > np.quantile(new, 1 - rate),
                "the threshold comes from the harmless requests, not from those that are to be judged.",
            ),
            Wrong(
                lambda harmless, new, rate: new > harmless.mean(),
                "half of the harmless requests lie above their mean; use `rate`.",
            ),
        ],
    ),
]

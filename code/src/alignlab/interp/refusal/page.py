"""Exercises of the page `06-interpretability/refusal`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from alignlab.exercises import Exercise, Wrong


def _stream(rng: np.random.Generator) -> tuple[Any, ...]:
    """Activations (batch, pos, d), a direction (d,) that is not of length 1, and a value."""
    d = int(rng.integers(3, 7))
    x = torch.from_numpy(rng.normal(size=(2, int(rng.integers(2, 5)), d)))
    return (
        x,
        torch.from_numpy(rng.normal(size=d) * 3 + 1),
        float(rng.normal(2.0, 0.5)),
    )


def _projections(rng: np.random.Generator) -> tuple[Any, ...]:
    """Projections of harmless requests and of new ones, and the rate of false alarms."""
    harmless = rng.normal(size=int(rng.integers(15, 40)))
    return (
        harmless,
        rng.normal(1.0, 1.5, size=200),
        float(rng.choice([0.05, 0.1, 0.2])),
    )


def _along(x: Any, r: Any) -> Any:
    return (x @ r)[..., None] * r


EXERCISES = [
    Exercise(
        name="hold",
        reference=lambda x, r, c: x - _along(x, r) / (r @ r) + c * r / r.norm(),
        inputs=_stream,
        wrong=[
            Wrong(
                lambda x, r, c: x - (x @ r - c)[..., None] * r,
                "the direction needs length 1 before you project on it.",
            ),
            Wrong(
                lambda x, r, c: x - _along(x, r) / (r @ r),
                "this sets the component to 0, whatever c is: that is the ablation.",
            ),
            Wrong(
                lambda x, r, c: x + c * r / r.norm(),
                "this adds c to the component that was there; take that out first.",
            ),
            Wrong(
                lambda x, r, c: _along(x, r) / (r @ r) + c * r / r.norm(),
                "only the component along r is left here; the rest of x should stay.",
            ),
            Wrong(
                lambda x, r, c: x - _along(x, r) / (r @ r) + c * r,
                "the component becomes c times the length of r: write it along the unit vector.",
            ),
        ],
    ),
    Exercise(
        name="rings",
        reference=lambda harmless, new, rate: (
            new > np.quantile(harmless, 1 - rate)
        ),
        inputs=_projections,
        wrong=[
            Wrong(
                lambda harmless, new, rate: new > np.quantile(harmless, rate),
                "at this threshold nearly every harmless request rings: it should lie above all but `rate` of them.",
            ),
            Wrong(
                lambda harmless, new, rate: (
                    new < np.quantile(harmless, 1 - rate)
                ),
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


INERT: dict[str, Callable[..., Any]] = {}


def _any_direction(harmful: Any, harmless: Any) -> Any:
    """A short direction that no request had a part in."""
    import numpy as np

    return np.eye(np.asarray(harmful).shape[1])[0]


def _blind_probe(X: Any, y: Any, C: float = 0.0) -> Any:
    """A probe that reads nothing."""
    import numpy as np

    from alignlab.interp.probes import Probe

    return Probe(np.zeros(np.asarray(X).shape[1]), 1.0)


INERT["alignlab.interp.refusal.direction.refusal_direction"] = _any_direction
INERT["alignlab.interp.probes.linear_probe"] = _blind_probe

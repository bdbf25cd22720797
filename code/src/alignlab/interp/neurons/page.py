"""Exercises of the page `06-interpretability/neurons`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong

Array = np.ndarray[Any, Any]


def _path(rng: np.random.Generator) -> tuple[Any, ...]:
    """The gradient of a function that is not linear, a point, and a number of steps."""
    slope = rng.normal(size=4)
    return (
        lambda w: np.cos(w) * slope + 2 * w,
        rng.normal(size=4),
        int(rng.integers(3, 8)),
    )


def _integrated(
    gradient: Callable[[Array], Array], w: Array, steps: int
) -> Array:
    return np.asarray(
        w
        * np.mean(
            [gradient((i + 0.5) / steps * w) for i in range(steps)], axis=0
        )
    )


EXERCISES = [
    Exercise(
        name="integrated",
        reference=_integrated,
        inputs=_path,
        wrong=[
            Wrong(
                lambda gradient, w, steps: w * gradient(w),
                "this is one gradient, at the end of the way only.",
            ),
            Wrong(
                lambda gradient, w, steps: (
                    w
                    * np.mean(
                        [gradient((i + 1) / steps * w) for i in range(steps)],
                        axis=0,
                    )
                ),
                "the points are the ends of the parts; the midpoints are asked for.",
            ),
            Wrong(
                lambda gradient, w, steps: (
                    w
                    * np.mean(
                        [gradient(i / steps * w) for i in range(steps)], axis=0
                    )
                ),
                "the points are the beginnings of the parts; the midpoints are asked for.",
            ),
            Wrong(
                lambda gradient, w, steps: np.mean(
                    [gradient((i + 0.5) / steps * w) for i in range(steps)],
                    axis=0,
                ),
                "the mean gradient is right; it has to be multiplied by w.",
            ),
            Wrong(
                lambda gradient, w, steps: (
                    w
                    * np.sum(
                        [gradient((i + 0.5) / steps * w) for i in range(steps)],
                        axis=0,
                    )
                ),
                "take the mean over the steps, not the sum.",
            ),
            Wrong(
                lambda gradient, w, steps: (
                    w
                    * np.mean(
                        [gradient(a * w) for a in np.linspace(0, 1, steps)],
                        axis=0,
                    )
                ),
                "these points include both ends of the way; the midpoints of equal parts are asked for.",
            ),
            Wrong(
                lambda gradient, w, steps: w * gradient(0.5 * w),
                "this is one gradient, in the middle of the way; the mean of several is asked for.",
            ),
            Wrong(
                lambda gradient, w, steps: np.mean(
                    [
                        gradient((i + 0.5) / steps * w) * (i + 0.5) / steps * w
                        for i in range(steps)
                    ],
                    axis=0,
                ),
                "multiply the mean gradient by w as it is, not each gradient by the scaled w.",
            ),
        ],
    ),
]


def _nothing_attributed(
    lm: Any, prompt: str, answer: str, steps: int = 0
) -> Any:
    """Every unit gets a random share."""
    import numpy as np

    return np.random.default_rng(0).random(
        (lm.n_layers, lm.model.config.intermediate_size)
    )


def _nothing_restored(lm: Any, fact: Any, sets: Any, **settings: Any) -> Any:
    """Restoring that brings nothing back."""
    from alignlab.interp.tracing import Restored

    return Restored(0.5, 0.1, dict.fromkeys(sets, 0.1))


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.interp.neurons.knowledge.attributions": _nothing_attributed,
    "alignlab.interp.tracing.restore_sets": _nothing_restored,
}

"""Exercises of the page `06-interpretability/neurons`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong

Array = np.ndarray[Any, Any]


def _memory(rng: np.random.Generator) -> tuple[Any, ...]:
    """A matrix, a key, its new value, and the second moments of other keys."""
    d_key, d_value = int(rng.integers(3, 6)), int(rng.integers(2, 5))
    others = rng.normal(size=(d_key, 40)) + rng.normal(size=(d_key, 1))
    return (
        rng.normal(size=(d_value, d_key)),
        rng.normal(size=d_key),
        rng.normal(size=d_value),
        others @ others.T / 40,
    )


def _rewritten(W: Array, k: Array, v: Array, C: Array) -> Array:
    direction = np.linalg.solve(C, k)
    return np.asarray(W + np.outer(v - W @ k, direction / (k @ direction)))


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
        name="rewrite_pair",
        reference=_rewritten,
        inputs=_memory,
        wrong=[
            Wrong(
                lambda W, k, v, C: W + np.outer(v - W @ k, k / (k @ k)),
                "the key has its new value, but the second moments are not used: other keys move more than they must.",
            ),
            Wrong(
                lambda W, k, v, C: (
                    W + np.outer(v - W @ k, np.linalg.solve(C, k))
                ),
                "divide the direction by its product with the key, so that it reads exactly 1 from it.",
            ),
            Wrong(
                lambda W, k, v, C: (
                    W
                    + np.outer(
                        v, np.linalg.solve(C, k) / (k @ np.linalg.solve(C, k))
                    )
                ),
                "this adds the new value to the old one: what is missing is v minus what W gives already.",
            ),
        ],
    ),
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
        ],
    ),
]


INERT: dict[str, Callable[..., Any]] = {}


def _no_direction(key: Any, moments: Any, ridge: float = 0.0) -> Any:
    """Reads the same from every key: a coordinate picked without looking."""
    import torch

    direction = torch.zeros_like(key.double())
    direction[0] = 1 / key[0].double()
    return direction


def _nothing_attributed(
    lm: Any, prompt: str, answer: str, steps: int = 0
) -> Any:
    """Every unit gets a random share."""
    import numpy as np

    return np.random.default_rng(0).random(
        (lm.n_layers, lm.model.config.intermediate_size)
    )


def _nothing_restored(
    lm: Any, fact: Any, layers: Any, parts: Any = (), **settings: Any
) -> Any:
    """Restoring that brings nothing back."""
    import numpy as np

    from alignlab.interp.neurons.tracing import Trace

    return Trace(0.5, 0.1, np.full((len(parts), len(layers), 2), 0.1), 0)


def _no_edit(
    lm: Any,
    requests: Any,
    layer: int,
    moments: Any,
    steps: int = 0,
    **settings: Any,
) -> Any:
    """Edits that add nothing."""
    import torch

    from alignlab.interp.neurons.editing import Edit

    return [
        Edit(
            layer,
            torch.zeros(lm.d_model),
            torch.zeros(lm.model.config.intermediate_size),
        )
        for _ in requests
    ]


INERT["alignlab.interp.neurons.editing.read_direction"] = _no_direction
INERT["alignlab.interp.neurons.knowledge.attributions"] = _nothing_attributed
INERT["alignlab.interp.neurons.tracing.causal_trace"] = _nothing_restored
INERT["alignlab.interp.neurons.editing.rank_one_edits"] = _no_edit

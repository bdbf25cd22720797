"""Exercises of the page `06-interpretability/editing`, and inert versions of the methods of its claims."""

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
                lambda W, k, v, C: W + np.outer(v - W @ k, C @ k / (k @ C @ k)),
                "multiply the key by the inverse of C: C itself makes the direction read most where others are long.",
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
            Wrong(
                lambda W, k, v, C: _rewritten(W, k, v, C) - W,
                "this is the change alone: add it to W.",
            ),
            Wrong(
                lambda W, k, v, C: (
                    W + np.outer(v - W @ k, np.linalg.solve(C, k) / (k @ k))
                ),
                "divide by the product of the key with the direction, not with itself, so that the direction reads 1.",
            ),
        ],
    ),
]


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

    from alignlab.interp.editing.rank_one import Edit

    return [
        Edit(
            layer,
            torch.zeros(lm.d_model),
            torch.zeros(lm.model.config.intermediate_size),
        )
        for _ in requests
    ]


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.interp.editing.rank_one.rank_one_edits": _no_edit,
}

"""Exercises of 06-interpretability/neurons."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.book.checks import Exercise, Wrong

Array = np.ndarray[Any, Any]


def _memory(rng: np.random.Generator) -> tuple[Any, ...]:
    """A matrix, a key, its new value, and the second moments of other keys."""
    d_key, d_value = int(rng.integers(3, 6)), int(rng.integers(2, 5))
    others = rng.normal(size=(d_key, 40)) + rng.normal(size=(d_key, 1))
    return rng.normal(size=(d_value, d_key)), rng.normal(size=d_key), rng.normal(size=d_value), others @ others.T / 40


def _rewritten(W: Array, k: Array, v: Array, C: Array) -> Array:
    direction = np.linalg.solve(C, k)
    return np.asarray(W + np.outer(v - W @ k, direction / (k @ direction)))


def _path(rng: np.random.Generator) -> tuple[Any, ...]:
    """The gradient of a function that is not linear, a point, and a number of steps."""
    slope = rng.normal(size=4)
    return lambda w: np.cos(w) * slope + 2 * w, rng.normal(size=4), int(rng.integers(3, 8))


def _integrated(gradient: Callable[[Array], Array], w: Array, steps: int) -> Array:
    return np.asarray(w * np.mean([gradient((i + 0.5) / steps * w) for i in range(steps)], axis=0))


EXERCISES = [
    Exercise(
        name="rewrite_pair",
        reference=_rewritten,
        inputs=_memory,
        stub="def rewrite_pair(W, k, v, C):\n    ...",
        solution=(
            "def rewrite_pair(W, k, v, C):\n    direction = np.linalg.solve(C, k)\n"
            "    return W + np.outer(v - W @ k, direction / (k @ direction))"
        ),
        wrong=[
            Wrong(
                lambda W, k, v, C: W + np.outer(v - W @ k, k / (k @ k)),
                "the key has its new value, but the second moments are not used: other keys move more than they must.",
            ),
            Wrong(
                lambda W, k, v, C: W + np.outer(v - W @ k, np.linalg.solve(C, k)),
                "divide the direction by its product with the key, so that it reads exactly 1 from it.",
            ),
            Wrong(
                lambda W, k, v, C: W + np.outer(v, np.linalg.solve(C, k) / (k @ np.linalg.solve(C, k))),
                "this adds the new value to the old one: what is missing is v minus what W gives already.",
            ),
        ],
    ),
    Exercise(
        name="integrated",
        reference=_integrated,
        inputs=_path,
        stub="def integrated(gradient, w, steps):\n    ...",
        solution=(
            "def integrated(gradient, w, steps):\n    alphas = (np.arange(steps) + 0.5) / steps\n"
            "    return w * np.mean([gradient(a * w) for a in alphas], axis=0)"
        ),
        wrong=[
            Wrong(lambda gradient, w, steps: w * gradient(w), "this is one gradient, at the end of the way only."),
            Wrong(
                lambda gradient, w, steps: w * np.mean([gradient((i + 1) / steps * w) for i in range(steps)], axis=0),
                "the points are the ends of the parts; the midpoints are asked for.",
            ),
            Wrong(
                lambda gradient, w, steps: np.mean([gradient((i + 0.5) / steps * w) for i in range(steps)], axis=0),
                "the mean gradient is right; it has to be multiplied by w.",
            ),
            Wrong(
                lambda gradient, w, steps: w * np.sum([gradient((i + 0.5) / steps * w) for i in range(steps)], axis=0),
                "take the mean over the steps, not the sum.",
            ),
        ],
    ),
]

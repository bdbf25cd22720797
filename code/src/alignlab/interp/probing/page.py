"""Exercises of the page `06-interpretability/probing`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from alignlab.exercises import Exercise, Wrong
from alignlab.interp.probes import difference_of_means
from alignlab.interp.probing.erasure import mean_projection


def _labeled(rng: np.random.Generator) -> tuple[Any, ...]:
    """Activations (n, d) and labels of both kinds, more of the one than of the
    other.
    """
    n, d = int(rng.integers(8, 12)), int(rng.integers(3, 6))
    return rng.normal(1.0, 2.0, (n, d)), rng.permutation(n) < 3


def _labeled_and_new(rng: np.random.Generator) -> tuple[Any, ...]:
    X, y = _labeled(rng)
    return X, y, rng.normal(1.0, 2.0, (int(rng.integers(4, 7)), X.shape[1]))


def _probabilities(rng: np.random.Generator) -> tuple[Any, ...]:
    n = int(rng.integers(5, 9))
    return torch.from_numpy(rng.random(n)), torch.from_numpy(rng.random(n))


def _difference(X: Any, y: Any) -> Any:
    return X[y].mean(0) - X[~y].mean(0)


def _unit(X: Any, y: Any) -> Any:
    return _difference(X, y) / np.linalg.norm(_difference(X, y))


EXERCISES = [
    Exercise(
        name="mean_scores",
        reference=lambda X, y, new: difference_of_means(X, y).scores(new),
        inputs=_labeled_and_new,
        wrong=[
            Wrong(
                lambda X, y, new: new @ _difference(X, y),
                "the direction is right; the threshold is missing: take off "
                "the score of the point halfway.",
            ),
            Wrong(
                lambda X, y, new: (new - X.mean(0)) @ _difference(X, y),
                "the threshold is the mean of all rows here. Where the classes "
                "differ in size, that is not halfway.",
            ),
            Wrong(
                lambda X, y, new: -difference_of_means(X, y).scores(new),
                "the direction points from true to false: turn it round.",
            ),
            Wrong(
                lambda X, y, new: difference_of_means(X, y).scores(X),
                "these are the scores of X, on which the probe was made; score "
                "the rows of `new`.",
            ),
        ],
    ),
    Exercise(
        name="ccs_loss",
        reference=lambda p, q: (
            (p + q - 1).square() + torch.minimum(p, q).square()
        ),
        inputs=_probabilities,
        wrong=[
            Wrong(
                lambda p, q: (p + q - 1).square(),
                "this is consistency alone: answering 0.5 to everything would "
                "be perfect. Add the confidence.",
            ),
            Wrong(
                lambda p, q: torch.minimum(p, q).square(),
                "this is confidence alone: answering 0 to everything would be "
                "perfect. Add the consistency.",
            ),
            Wrong(
                lambda p, q: (p - q).square() + torch.minimum(p, q).square(),
                "this asks the two members for the same answer; they exclude "
                "each other, so p should be 1 − q.",
            ),
            Wrong(
                lambda p, q: (
                    (p + q - 1).square() + torch.maximum(p, q).square()
                ),
                "the larger of the two should be near 1; it is the smaller "
                "that must be near 0.",
            ),
            Wrong(
                lambda p, q: (
                    (p + q - 1).square() + torch.minimum(p, q).square()
                ).mean(),
                "return one loss a pair, shape (n,); the mean is taken later.",
            ),
        ],
    ),
    Exercise(
        name="erase_means",
        reference=lambda X, y: mean_projection(X, y)(X),
        inputs=_labeled,
        wrong=[
            Wrong(
                lambda X, y: (
                    X
                    - ((X - X.mean(0)) @ _difference(X, y))[:, None]
                    * _difference(X, y)
                ),
                "the direction needs length 1 before you project on it.",
            ),
            Wrong(
                lambda X, y: X - (X @ _unit(X, y))[:, None] * _unit(X, y),
                "this sets the component to 0 instead of its mean, so the "
                "whole cloud moves. Center first.",
            ),
            Wrong(
                lambda X, y: (
                    ((X - X.mean(0)) @ _unit(X, y))[:, None] * _unit(X, y)
                ),
                "this is the part to take away; return X without it.",
            ),
            Wrong(
                lambda X, y: (
                    X
                    - np.where(y[:, None], X[y].mean(0), X[~y].mean(0))
                    + X.mean(0)
                ),
                "this moves each class by its own mean, which needs the labels "
                "of the rows. "
                "Change only one component, the same way for every row.",
            ),
        ],
    ),
]


INERT: dict[str, Callable[..., Any]] = {}


def _blind_probe(X: Any, y: Any, C: float = 0.0) -> Any:
    """A probe that reads nothing and always answers "no"."""
    import numpy as np

    from alignlab.interp.probes import Probe

    return Probe(np.zeros(np.asarray(X).shape[1]), 1.0)


def _no_shift(z: Any, y: Any, heads: int = 0) -> Any:
    """A push of length zero."""
    return {}


def _erases_nothing(X: Any, y: Any, correlations: bool = True) -> Any:
    """An eraser that leaves every vector as it is."""
    import numpy as np

    from alignlab.interp.probing.erasure import Eraser

    mean = np.asarray(X, dtype=float).mean(0)
    return Eraser(mean, np.zeros_like(mean), np.zeros_like(mean))


INERT["alignlab.interp.probes.linear_probe"] = _blind_probe
INERT["alignlab.interp.probing.steering.head_shift"] = _no_shift
INERT["alignlab.interp.probing.erasure.leace"] = _erases_nothing

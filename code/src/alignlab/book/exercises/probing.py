"""Exercises of 06-interpretability/probing."""

from typing import Any

import numpy as np
import torch

from alignlab.book.checks import Exercise, Wrong
from alignlab.interp.erasure import mean_projection
from alignlab.interp.probes import difference_of_means


def _labeled(rng: np.random.Generator) -> tuple[Any, ...]:
    """Activations (n, d) and labels of both kinds, more of the one than of the other."""
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
        stub="def mean_scores(X, y, new):\n    ...",
        solution=(
            "def mean_scores(X, y, new):\n    yes, no = X[y].mean(0), X[~y].mean(0)\n"
            "    return (new - (yes + no) / 2) @ (yes - no)"
        ),
        wrong=[
            Wrong(
                lambda X, y, new: new @ _difference(X, y),
                "the direction is right; the threshold is missing: take off the score of the point halfway.",
            ),
            Wrong(
                lambda X, y, new: (new - X.mean(0)) @ _difference(X, y),
                "the threshold is the mean of all rows here. Where the classes differ in size, that is not halfway.",
            ),
            Wrong(
                lambda X, y, new: -difference_of_means(X, y).scores(new),
                "the direction points from true to false: turn it round.",
            ),
            Wrong(
                lambda X, y, new: difference_of_means(X, y).scores(X),
                "these are the scores of X, on which the probe was made; score the rows of `new`.",
            ),
        ],
    ),
    Exercise(
        name="ccs_loss",
        reference=lambda p, q: (p + q - 1).square() + torch.minimum(p, q).square(),
        inputs=_probabilities,
        stub="def ccs_loss(p, q):\n    ...",
        solution="def ccs_loss(p, q):\n    return (p + q - 1) ** 2 + torch.minimum(p, q) ** 2",
        wrong=[
            Wrong(
                lambda p, q: (p + q - 1).square(),
                "this is consistency alone: answering 0.5 to everything would be perfect. Add the confidence.",
            ),
            Wrong(
                lambda p, q: torch.minimum(p, q).square(),
                "this is confidence alone: answering 0 to everything would be perfect. Add the consistency.",
            ),
            Wrong(
                lambda p, q: (p - q).square() + torch.minimum(p, q).square(),
                "this asks the two members for the same answer; they exclude each other, so p should be 1 − q.",
            ),
            Wrong(
                lambda p, q: (p + q - 1).square() + torch.maximum(p, q).square(),
                "the larger of the two should be near 1; it is the smaller that must be near 0.",
            ),
            Wrong(
                lambda p, q: ((p + q - 1).square() + torch.minimum(p, q).square()).mean(),
                "return one loss a pair, shape (n,); the mean is taken later.",
            ),
        ],
    ),
    Exercise(
        name="erase_means",
        reference=lambda X, y: mean_projection(X, y)(X),
        inputs=_labeled,
        stub="def erase_means(X, y):\n    ...",
        solution=(
            "def erase_means(X, y):\n    direction = X[y].mean(0) - X[~y].mean(0)\n"
            "    direction = direction / np.linalg.norm(direction)\n"
            "    along = (X - X.mean(0)) @ direction\n    return X - along[:, None] * direction"
        ),
        wrong=[
            Wrong(
                lambda X, y: X - ((X - X.mean(0)) @ _difference(X, y))[:, None] * _difference(X, y),
                "the direction needs length 1 before you project on it.",
            ),
            Wrong(
                lambda X, y: X - (X @ _unit(X, y))[:, None] * _unit(X, y),
                "this sets the component to 0 instead of its mean, so the whole cloud moves. Center first.",
            ),
            Wrong(
                lambda X, y: ((X - X.mean(0)) @ _unit(X, y))[:, None] * _unit(X, y),
                "this is the part to take away; return X without it.",
            ),
            Wrong(
                lambda X, y: X - np.where(y[:, None], X[y].mean(0), X[~y].mean(0)) + X.mean(0),
                "this moves each class by its own mean, which needs the labels of the rows. "
                "Change only one component, the same way for every row.",
            ),
        ],
    ),
]

"""Exercises of the page `06-interpretability/superposition`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from alignlab.exercises import Exercise, Wrong
from alignlab.interp.superposition.toy_model import dimensionality


def _directions(rng: np.random.Generator) -> tuple[Any, ...]:
    return (
        rng.normal(size=(int(rng.integers(4, 8)), int(rng.integers(2, 4)))),
    )


def _activity(rng: np.random.Generator) -> tuple[Any, ...]:
    return np.maximum(
        rng.normal(0.5, 1.0, size=(int(rng.integers(3, 6)), 8)), 0.0
    ), int(rng.integers(2, 4))


def _dims(W: np.ndarray) -> np.ndarray:
    return np.asarray(dimensionality(torch.from_numpy(W)))


def _top_k(activity: np.ndarray, k: int) -> np.ndarray:
    edge = np.sort(activity, axis=1)[:, -k][:, None]
    return np.where(activity >= edge, activity, 0.0)


def _overlap(
    W: np.ndarray, unit: bool = True, squared: bool = True
) -> np.ndarray:
    size = np.linalg.norm(W, axis=1)
    other = (W / size[:, None] if unit else W) @ W.T
    return np.asarray(size**2 / (other**2 if squared else np.abs(other)).sum(1))


def _others_only(W: np.ndarray) -> np.ndarray:
    size = np.linalg.norm(W, axis=1)
    other = ((W / size[:, None]) @ W.T) ** 2
    return np.asarray(size**2 / (other.sum(1) - size**2))


def _both_unit(W: np.ndarray) -> np.ndarray:
    size = np.linalg.norm(W, axis=1)
    unit = W / size[:, None]
    return np.asarray(size**2 / ((unit @ unit.T) ** 2).sum(1))


def _over_rows(activity: np.ndarray, k: int) -> np.ndarray:
    edge = np.sort(activity, axis=0)[-k][None]
    return np.where(activity >= edge, activity, 0.0)


EXERCISES = [
    Exercise(
        name="dims",
        reference=_dims,
        inputs=_directions,
        wrong=[
            Wrong(
                lambda W: _overlap(W, unit=False),
                "in the overlap, W_i has length 1: divide it by its length.",
            ),
            Wrong(
                lambda W: _overlap(W, squared=False),
                "the overlaps are squared before they are summed.",
            ),
            Wrong(
                lambda W: _overlap(W) / np.linalg.norm(W, axis=1),
                "the numerator is the squared length of W_i.",
            ),
            Wrong(_others_only, "the sum runs over all j, i itself included."),
            Wrong(
                _both_unit,
                "in the overlap only W_i has length 1; W_j keeps its own length.",
            ),
        ],
    ),
    Exercise(
        name="top_k",
        reference=_top_k,
        inputs=_activity,
        wrong=[
            Wrong(
                _over_rows,
                "this keeps the largest of each column; every example, a row, keeps its own k.",
            ),
            Wrong(
                lambda a, k: np.where(
                    a <= np.sort(a, axis=1)[:, k - 1][:, None], a, 0.0
                ),
                "these are the k smallest of each row.",
            ),
            Wrong(
                lambda a, k: np.where(
                    a > np.sort(a, axis=1)[:, -k][:, None], a, 0.0
                ),
                "the k-th largest belongs to those kept.",
            ),
            Wrong(
                lambda a, k: (a >= np.sort(a, axis=1)[:, -k][:, None]).astype(
                    float
                ),
                "the kept entries keep their values.",
            ),
            Wrong(
                lambda a, k: np.where(
                    a >= np.sort(a.ravel())[-k * len(a)], a, 0.0
                ),
                "this keeps the largest of the whole array; every example, a row, keeps its own k.",
            ),
            Wrong(
                lambda a, k: -np.sort(-a, axis=1)[:, :k],
                "the result has the shape of `activity`; the kept entries stay where they are.",
            ),
        ],
    ),
]


INERT: dict[str, Callable[..., Any]] = {}


def _own_axes(
    n: int, m: int, density: Any, importance: Any = None, **kwargs: Any
) -> Any:
    """Networks that give the first m features an axis each and guess the mean of the others."""
    from alignlab.interp.superposition.toy_model import Toys, cost_of_axes

    many = len(density)
    weight = (
        torch.ones(n) if importance is None else torch.as_tensor(importance)
    )
    rows = weight.expand(many, n).tolist()
    loss = [cost_of_axes(m, p, row) for p, row in zip(density, rows)]
    weights = torch.eye(n)[:, :m].expand(many, n, m).clone()
    means = torch.as_tensor(density, dtype=torch.float32)[:, None] / 2
    bias = means * (torch.arange(n) >= m)
    return Toys(weights, bias, torch.tensor(loss))


def _gelu(x: Any) -> Any:
    """A unit that knows nothing of its neighbors."""
    return torch.nn.functional.gelu(x)


def _as_drawn(
    draw: Any,
    features: int,
    kind: Any = "l1",
    strength: Any = 0.1,
    k: int = 0,
    *args: Any,
    **kwargs: Any,
) -> Any:
    """Dictionaries of random directions, untrained."""
    from alignlab.interp.dictionary import Dictionary, random_features

    first = draw(torch.Generator().manual_seed(0))
    many, _, d = first.shape
    decoder = random_features(many, features, d, 0)
    zeros = torch.zeros(many, features)
    return Dictionary(
        kind, k, decoder.transpose(1, 2), zeros, decoder, first.mean(1), zeros
    )


INERT["alignlab.interp.superposition.toy_model.train_toys"] = _own_axes
INERT["alignlab.interp.superposition.toy_model.solu"] = _gelu
INERT["alignlab.interp.dictionary.train_dictionary"] = _as_drawn

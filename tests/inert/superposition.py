"""Inert versions of the methods of 06-interpretability/superposition."""

from collections.abc import Callable
from typing import Any

INERT: dict[str, Callable[..., Any]] = {}


def _own_axes(n: int, m: int, density: Any, *args: Any, **kwargs: Any) -> Any:
    """Networks that give the first m features an axis each, and the others nothing."""
    import torch
    from alignlab.interp.superposition import Toys

    many = len(density)
    weights = torch.eye(n)[:, :m].expand(many, n, m).clone()
    return Toys(weights, torch.zeros(many, n), torch.zeros(many))


def _gelu(x: Any) -> Any:
    """A unit that knows nothing of its neighbors."""
    import torch.nn.functional as F

    return F.gelu(x)


def _as_drawn(
    draw: Any, features: int, kind: Any = "l1", strength: Any = 0.1, k: int = 0, *args: Any, **kwargs: Any
) -> Any:
    """Dictionaries of random directions, untrained."""
    import torch
    from alignlab.interp.dictionary import Dictionary, random_features

    first = draw(torch.Generator().manual_seed(0))
    many, _, d = first.shape
    decoder = random_features(many, features, d, 0)
    zeros = torch.zeros(many, features)
    return Dictionary(kind, k, decoder.transpose(1, 2), zeros, decoder, first.mean(1), zeros)


INERT["alignlab.interp.superposition.train_toys"] = _own_axes
INERT["alignlab.interp.superposition.solu"] = _gelu
INERT["alignlab.interp.dictionary.train_dictionary"] = _as_drawn

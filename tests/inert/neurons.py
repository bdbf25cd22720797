"""Inert versions of the methods of 06-interpretability/neurons."""

from collections.abc import Callable
from typing import Any

INERT: dict[str, Callable[..., Any]] = {}


def _no_direction(key: Any, moments: Any, ridge: float = 0.0) -> Any:
    """Reads the same from every key: a coordinate picked without looking."""
    import torch

    direction = torch.zeros_like(key.double())
    direction[0] = 1 / key[0].double()
    return direction


def _nothing_attributed(lm: Any, prompt: str, answer: str, steps: int = 0) -> Any:
    """Every unit gets a random share."""
    import numpy as np

    return np.random.default_rng(0).random((lm.n_layers, lm.model.config.intermediate_size))


def _nothing_restored(lm: Any, fact: Any, layers: Any, parts: Any = (), **settings: Any) -> Any:
    """Restoring that brings nothing back."""
    import numpy as np
    from alignlab.interp.tracing import Trace

    return Trace(0.5, 0.1, np.full((len(parts), len(layers), 2), 0.1), 0)


def _no_edit(lm: Any, requests: Any, layer: int, moments: Any, steps: int = 0, **settings: Any) -> Any:
    """Edits that add nothing."""
    import torch
    from alignlab.interp.editing import Edit

    return [Edit(layer, torch.zeros(lm.d_model), torch.zeros(lm.model.config.intermediate_size)) for _ in requests]


INERT["alignlab.interp.editing.read_direction"] = _no_direction
INERT["alignlab.interp.neurons.attributions"] = _nothing_attributed
INERT["alignlab.interp.tracing.causal_trace"] = _nothing_restored
INERT["alignlab.interp.editing.rank_one_edits"] = _no_edit

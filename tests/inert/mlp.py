"""Inert versions of the methods of 06-interpretability/mlp."""

from collections.abc import Callable
from typing import Any

INERT: dict[str, Callable[..., Any]] = {}


def _values_say_nothing(model: Any, layer: int, neurons: Any) -> Any:
    """Every value raises every token alike."""
    import torch
    from alignlab.interp.lens import unembedding

    return torch.zeros(len(neurons), len(unembedding(model)[1]))


def _explains_nothing(hidden: Any, labels: Any) -> Any:
    """No label explains anything."""
    import numpy as np

    return np.zeros(np.asarray(hidden).shape[1])


def _no_map(streams: Any, final: Any, penalty: float = 0.0) -> Any:
    """The identity: the logit lens."""
    import torch
    from alignlab.interp.lens import Translator

    width = streams.shape[1]
    return Translator(torch.eye(width), torch.zeros(width))


def _not_blurred(
    lm: Any, prompts: Any, answers: Any, places: Any = None, layers: Any = (), part: str = "mlp.out"
) -> Any:
    """The same log-probability whatever is blurred."""
    import torch

    return torch.zeros(len(prompts))


INERT["alignlab.interp.memories.value_logits"] = _values_say_nothing
INERT["alignlab.interp.memories.explained"] = _explains_nothing
INERT["alignlab.interp.lens.fit_translator"] = _no_map
INERT["alignlab.interp.recall.answer_logprobs"] = _not_blurred

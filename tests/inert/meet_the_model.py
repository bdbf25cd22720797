"""Inert versions of the methods of 01-introduction/meet-the-model."""

from collections.abc import Callable
from typing import Any

INERT: dict[str, Callable[..., Any]] = {}


def _untrained(model: Any, tokens: Any, steps: int, lr: float, seed: int, batch: int = 32) -> None:
    """A training that leaves the model as it was."""


def _as_it_is(lm: Any, prompt: Any, system: Any = None) -> str:
    """A chat template that adds nothing."""
    return str(prompt)


def _no_preference(lm: Any, contrasts: Any, questions: Any = None) -> Any:
    """Both answers always equally probable."""
    import torch

    return torch.zeros(len(contrasts))


INERT["alignlab.evals.minilanguage.fit_exchanges"] = _untrained
INERT["alignlab.lm.generation.chat_prompt"] = _as_it_is
INERT["alignlab.evals.hhh.preference"] = _no_preference

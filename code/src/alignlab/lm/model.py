"""A language model ready for use, as `load_lm` gives it."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class LM:
    """A language model ready for use: in evaluation mode, its parameters closed to gradients.

    model: a transformers causal language model; tokenizer: its fast tokenizer;
    name: as given to `load_lm`; device: where the model lives;
    n_layers, d_model: number of layers and width of the residual stream.
    To fine-tune, open the parameters again: `lm.model.requires_grad_(True)`.
    """

    model: Any
    tokenizer: Any
    name: str
    device: torch.device
    n_layers: int
    d_model: int

    def __repr__(self) -> str:
        """Say what it is in one line instead of printing thirty layers."""
        size = sum(p.numel() for p in self.model.parameters()) / 1e6
        return (
            f"LM({self.name!r}, {size:.0f}M parameters, {self.n_layers} layers, "
            f"d_model {self.d_model}, {self.device})"
        )


@contextlib.contextmanager
def _quiet(bars: bool) -> Iterator[None]:
    """Transformers without progress bars (unless `bars`) and remarks; its settings come back afterwards."""
    from transformers.utils import logging

    level, had_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    if not bars:
        logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if had_bars:
            logging.enable_progress_bar()

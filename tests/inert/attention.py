"""Inert versions of the methods of 06-interpretability/attention."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

INERT: dict[str, Callable[..., Any]] = {}


def _not_trained(seed: int, shape: Any = None) -> Any:
    """A model as it starts, shown at every look."""
    import numpy as np
    import torch
    from alignlab.interp.heads import attention_patterns, prefix_matching, previous_token
    from alignlab.interp.induction import Formation, Shape, repeating, split_losses
    from alignlab.lm import TinyConfig, TinyTransformer

    shape = shape or Shape()
    config = TinyConfig(shape.vocab, shape.d_model, shape.layers, shape.heads, shape.length, mlp=False)
    model = TinyTransformer(config, seed=seed).requires_grad_(False)
    tokens, periods = repeating(128, shape, torch.Generator().manual_seed(10_000_019 + seed))
    shown = repeating(1, shape, torch.Generator().manual_seed(5), period=8)[0][:, :20]
    patterns, example = attention_patterns(model, tokens), attention_patterns(model, shown)[:, 0].numpy()
    scores = prefix_matching(patterns, tokens).numpy(), previous_token(patterns).numpy()
    step = np.append(np.arange(0, shape.steps, shape.every), shape.steps)
    again = [np.array([part] * len(step)) for part in (*split_losses(model, tokens, periods), *scores, example)]
    return Formation(model, step, *again, shown[0])


def _nothing_written(model: Any, layer: int, head: int, source: Any = None) -> Any:
    """A head that writes nothing."""
    import torch

    return torch.zeros(model.config.vocab if source is None else len(source), model.config.d_model)


@contextlib.contextmanager
def _nothing_cut(model: Any, inputs: Any, layer: int = 1) -> Iterator[None]:
    """Every link left as it is."""
    yield


@contextlib.contextmanager
def _nothing_ablated(model: Any, heads: Any) -> Iterator[None]:
    """Every head left as it is."""
    yield


def _nothing_patched(lm: Any, prompt: Any, source: Any, layers: Any, positions: Any, part: str = "resid") -> Any:
    """The logits of the prompt itself, at each site."""
    from alignlab.interp.patching import next_logits

    return next_logits(lm, prompt).expand(len(layers), len(positions), -1)


INERT["alignlab.interp.induction.train_induction"] = _not_trained
INERT["alignlab.interp.circuits.written"] = _nothing_written
INERT["alignlab.interp.circuits.cut_composition"] = _nothing_cut
INERT["alignlab.interp.heads.ablate_heads"] = _nothing_ablated
INERT["alignlab.interp.patching.patch_sweep"] = _nothing_patched

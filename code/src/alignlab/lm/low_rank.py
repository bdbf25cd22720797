"""A fresh low-rank adapter on a model's upper layers, its weights in and out, and the same change at random.

LoRA (Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models"), by PEFT: the change of each weight matrix
is a product of two thin ones, the second of which begins at zero. `alignlab.lm.adapters` writes what was trained to a
file and puts it on a model again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from alignlab.lm.model import LM, _quiet

PROJECTIONS = (
    "q_proj",
    "k_proj",
    "v_proj",
    "o_proj",
    "gate_proj",
    "up_proj",
    "down_proj",
)


def with_adapter(
    lm: LM,
    first: int,
    rank: int,
    seed: int,
    projections: Sequence[str] = PROJECTIONS,
) -> LM:
    """The model with a fresh adapter on the projections of the layers from `first` on.

    Only the adapter's weights, kept in float32, are open to gradients. The model is wrapped in place.
    """
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        target_modules=list(projections),
        layers_to_transform=list(range(first, lm.n_layers)),
        layers_pattern="layers",
    )
    with torch.random.fork_rng(devices=[]), _quiet(bars=False):
        torch.manual_seed(seed)
        return replace(lm, model=get_peft_model(lm.model, config))


@contextlib.contextmanager
def attached(
    lm: LM,
    first: int,
    rank: int,
    seed: int,
    projections: Sequence[str] = PROJECTIONS,
) -> Iterator[LM]:
    """Within the block the model with a fresh adapter; afterwards without it, as it was."""
    trained = with_adapter(lm, first, rank, seed, projections)
    try:
        yield trained
    finally:
        trained.model.unload()


def adapter_weights(lm: LM) -> dict[str, Tensor]:
    """A copy of the adapter's weights, by name."""
    return {
        name: p.detach().clone()
        for name, p in lm.model.named_parameters()
        if "lora_" in name
    }


def put_weights(lm: LM, weights: dict[str, Tensor]) -> None:
    """Set the adapter's weights to those that `adapter_weights` gave."""
    lm.model.load_state_dict(weights, strict=False)


def as_far(
    start: dict[str, Tensor], end: dict[str, Tensor], seed: int
) -> dict[str, Tensor]:
    """Weights as far from `start` as `end` is, matrix by matrix, in a random direction: the control of a training."""
    generator = torch.Generator().manual_seed(seed)
    moved = {}
    for name, before in start.items():
        way = torch.randn(before.shape, generator=generator).to(before)
        far = (end[name] - before).norm()
        moved[name] = before + way * (far / way.norm())
    return moved

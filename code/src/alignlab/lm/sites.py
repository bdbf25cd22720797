"""The names of a model's activations, and where each one lives.

With N a layer's number (negative counts from the last):

- `embed`: the token embeddings;
- `layers.N.resid`: the residual stream *after* layer N;
- `layers.N.attn.z`: the heads' outputs side by side, before the output projection; `layers.N.attn.out`: after it;
- `layers.N.mlp.hidden`: the MLP's hidden layer, before the output projection; `layers.N.mlp.out`: after it.

`attn.out` and `mlp.out` are what the projections give. Where a model normalizes that again before it adds it to the
residual stream (Gemma 2), they are not yet normalized.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from alignlab.lm.load import LM

# Where the stack of layers, the attention, the MLP and their output projections are found: Llama and its relatives,
# GPT-2, GPT-NeoX and GPT-J, and `TinyTransformer`.
_STACKS = ("layers", "model.layers", "transformer.h", "gpt_neox.layers")
_ATTENTION, _ATTENTION_OUT = (
    ("self_attn", "attn", "attention"),
    ("o_proj", "c_proj", "dense", "out_proj"),
)
_MLP, _MLP_OUT = ("mlp",), ("down_proj", "c_proj", "dense_4h_to_h", "fc_out")
_PARTS: dict[
    str, tuple[Sequence[str], Sequence[str], Literal["input", "output"]] | None
] = {
    "resid": None,
    "attn.z": (_ATTENTION, _ATTENTION_OUT, "input"),
    "attn.out": (_ATTENTION, _ATTENTION_OUT, "output"),
    "mlp.hidden": (_MLP, _MLP_OUT, "input"),
    "mlp.out": (_MLP, _MLP_OUT, "output"),
}


@dataclass(frozen=True)
class Site:
    """Where an activation lives: a module, and whether it is what the module reads or what it gives."""

    module: nn.Module
    side: Literal["input", "output"]


def find_site(model: LM | nn.Module, name: str) -> Site:
    """The place that an activation's name stands for. Raises KeyError, with what there is, where there is none."""
    network, _ = network_of(model)
    if name == "embed":
        return Site(
            network.get_input_embeddings()
            if isinstance(model, LM)
            else network.embed,
            "output",
        )
    head, _, rest = name.partition(".")
    number, _, part = rest.partition(".")
    if (
        head != "layers"
        or not number.lstrip("-").isdigit()
        or part not in _PARTS
    ):
        raise KeyError(
            f"no activation {name!r}: names are 'embed' and 'layers.N.' followed by {', '.join(_PARTS)}"
        )
    layers = _first(network, _STACKS)
    if layers is None:
        raise KeyError(
            f"no activation {name!r}: no stack of layers was found in {type(network).__name__}"
        )
    if not -len(layers) <= int(number) < len(layers):
        raise KeyError(
            f"no activation {name!r}: the model has layers 0 to {len(layers) - 1}"
        )
    layer, place = layers[int(number)], _PARTS[part]
    if place is None:
        return Site(layer, "output")
    blocks, projections, side = place
    block = _first(layer, blocks)
    module = _first(block, projections) if block is not None else None
    if module is None:
        raise KeyError(
            f"no activation {name!r}: a {type(layer).__name__} of this model has no {part.split('.')[0]}"
        )
    return Site(module, side)


def network_of(model: LM | nn.Module) -> tuple[Any, torch.device]:
    """The module to run and to hook (without its adapter's wrapping), and its device."""
    if not isinstance(model, LM):
        return model, next(model.parameters()).device
    inner = model.model
    return (
        inner.get_base_model() if hasattr(inner, "get_base_model") else inner
    ), model.device


def _first(root: nn.Module, paths: Sequence[str]) -> Any:
    """The first of `paths` that exists below `root`, else None."""
    for path in paths:
        found: Any = root
        for step in path.split("."):
            found = getattr(found, step, None)
        if found is not None:
            return found
    return None

"""Low-rank adapters in one file each: weights, and a header that says what they were made from.

An adapter (LoRA, Hu et al. 2022) means something only on the weights that it was trained on, so its header holds a
fingerprint of those, and it is refused on any others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from alignlab.lm.model import LM, _quiet


class AdapterError(RuntimeError):
    """An adapter that cannot be put on a model; one line, why and what to do."""


def fingerprint(model: nn.Module) -> str:
    """Sixteen hex digits for a model's weights, the same in float32, bfloat16 and on a GPU.

    Made from a thin sample of all weight matrices. A model into which `apply_adapter` merged an adapter has one made
    from its base's and the adapter's file instead, as long as nothing else has changed it: sums of weights are rounded
    otherwise in each type of numbers. Adapters inside the model are not read, so a wrapped base has the fingerprint of
    the bare one.
    """
    sample = _sample(model)
    merged, made_of = getattr(model, "_merged", ("", ""))
    return made_of if sample == merged else sample


def _sample(model: nn.Module) -> str:
    """Sixteen hex digits from a thin sample of all weight matrices, as bfloat16."""
    digest = hashlib.sha256()
    for name, weight in model.named_parameters():
        if weight.ndim == 2 and "lora_" not in name:
            sample = weight.detach()[
                :: max(1, weight.shape[0] // 8), :: max(1, weight.shape[1] // 8)
            ]
            digest.update(
                sample.to("cpu", torch.bfloat16)
                .contiguous()
                .view(torch.uint8)
                .numpy()
                .tobytes()
            )
    return digest.hexdigest()[:16]


def adapter_bytes(lm: LM, header: Mapping[str, str]) -> bytes:
    """The adapter of a PEFT-wrapped model as a safetensors file, weights in bfloat16.

    header: what else is to be told of it (recipe, seed, versions); base and settings are added.
    """
    from peft import get_peft_model_state_dict
    from safetensors.torch import save

    config = lm.model.peft_config["default"].to_dict()
    kept = (
        "r",
        "lora_alpha",
        "target_modules",
        "layers_to_transform",
        "layers_pattern",
    )
    settings = {
        key: sorted(config[key])
        if isinstance(config[key], set)
        else config[key]
        for key in kept
    }
    weights = get_peft_model_state_dict(lm.model)
    told = {
        **header,
        "base": lm.name,
        "base_fingerprint": fingerprint(lm.model),
        "lora": json.dumps(settings),
    }
    return save(
        {
            k: v.detach().to("cpu", torch.bfloat16).contiguous()
            for k, v in weights.items()
        },
        metadata=told,
    )


def read_header(path: Path) -> dict[str, str]:
    """What an adapter's file says of itself. Raises AdapterError where it is none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            header = dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise AdapterError(
            f"{path} cannot be read as an adapter: {error}"
        ) from error
    if "base_fingerprint" not in header or "lora" not in header:
        raise AdapterError(
            f"{path} does not say which model it belongs to: it is no adapter of this book"
        )
    return header


def apply_adapter(lm: LM, path: Path, name: str, merge: bool = True) -> LM:
    """The model with an adapter from a file; merge=False keeps the adapter apart, to be trained on or switched off.

    Raises AdapterError where the file is no adapter or was made for other weights.
    """
    from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
    from safetensors.torch import load_file

    header = read_header(path)
    found = fingerprint(lm.model)
    if found != header["base_fingerprint"]:
        raise AdapterError(
            f"the adapter {name} belongs to {header.get('base')} with fingerprint {header['base_fingerprint']}; "
            f"{lm.name} has {found}: load the adapter on the model it was trained on"
        )
    with _quiet(bars=False):
        model: Any = get_peft_model(
            lm.model, LoraConfig(**json.loads(header["lora"]))
        )
    set_peft_model_state_dict(model, load_file(str(path)))
    if merge:
        model = model.merge_and_unload()
        both = found.encode() + path.read_bytes()
        made_of = hashlib.sha256(both).hexdigest()[:16]
        model._merged = (_sample(model), made_of)
    return replace(lm, model=model.eval().requires_grad_(False), name=name)

"""Load a causal language model with its tokenizer, from the registry, a folder or a model hub.

The survey's subject is the aligned chat model; every page that touches a real one starts here. The model of the
book is SmolLM2-135M-Instruct (Ben Allal et al. 2025, "SmolLM2: When Smol Goes Big").
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import torch

from alignlab.lm.adapters import apply_adapter, read_header
from alignlab.lm.model import LM, _quiet

# Models that are an adapter, shipped with the package, on a registered model: where its file lies in the package.
# An adapter's own header names the model it belongs on, so that one may lie on another.
ADAPTERS = {
    "smollm2-safer": "recipes/records/safer/0/adapter.safetensors",
    "smollm2-attacked": "recipes/records/attacked/0/adapter.safetensors",
    "smollm2-defended": "recipes/records/defended/0/adapter.safetensors",
}


def load_lm(
    name: str | os.PathLike[str] = "smollm2-135m-instruct",
    device: str | torch.device | None = None,
    dtype: torch.dtype | str | None = None,
) -> LM:
    """Load the model called `name`: an entry of the asset registry, a local folder, or a hub id like "org/model".

    "smollm2-safer" is SmolLM2-135M-Instruct with the adapter that the recipe `safer` trained, merged into its weights;
    "smollm2-attacked" and "smollm2-defended" are SmolLM2-safer with those of the recipes `attacked` and `defended`.

    device: None takes a GPU where there is one.
    dtype: None is float32 on a CPU (it repeats on every machine) and the weights' own type on a GPU; a torch dtype, or
        a name such as "bfloat16", "bf16", "fp16", or "auto" for the weights' own.
    Prints nothing. With ALIGNLAB_OFFLINE=1 a hub id is taken from the local hub cache only.
    Raises alignlab.assets.AssetError for a name that is none of these, an asset that can't be fetched, or files that
    are damaged or don't belong together; ValueError for a device that isn't there or a dtype that isn't one.
    """
    device = _device(device)
    dtype = _dtype(dtype)
    if str(name) in ADAPTERS:
        adapter = Path(__file__).parents[1] / ADAPTERS[str(name)]
        return apply_adapter(
            load_lm(read_header(adapter)["base"], device, dtype),
            adapter,
            str(name),
        )
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source, local = _locate(name)
    kind: torch.dtype | str = (
        dtype
        if dtype is not None
        else (torch.float32 if device.type == "cpu" else "auto")
    )
    with _quiet(bars=not local and sys.stderr.isatty()):
        try:
            tokenizer = AutoTokenizer.from_pretrained(
                source, local_files_only=local
            )
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                source,
                dtype=kind,
                local_files_only=local,
                output_loading_info=True,
            )
            model, info = loaded
            missing = sorted(info["missing_keys"])
            if missing:
                raise ValueError(
                    f"its weights lack {missing[0]} and {len(missing) - 1} more that config.json asks for"
                )
        except Exception as error:  # what a damaged file raises depends on which file and where
            from alignlab.assets import AssetError

            reason = (str(error).strip() or type(error).__name__).splitlines()
            raise AssetError(
                f"{name} can't be loaded: {reason[0]} (a file may be cut, missing or foreign: fetch the model again)"
            ) from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    model = model.to(device).eval().requires_grad_(False)
    config = model.config.get_text_config()
    return LM(
        model,
        tokenizer,
        str(name),
        device,
        config.num_hidden_layers,
        config.hidden_size,
    )


def encode(lm: LM, text: str) -> list[int]:
    """Token ids of `text`, with the start token where the model's tokenizer adds one and the text doesn't have it.

    Chat templates spell their special tokens out, so `encode(lm, chat_prompt(lm, …))` gives exactly one start token.
    Raises TypeError for what is not text.
    """
    if not isinstance(text, str):
        raise TypeError(f"{text!r} is not text: give a string")
    bos = lm.tokenizer.bos_token
    special = not (bos and text.startswith(bos))
    return lm.tokenizer(text, add_special_tokens=special, verbose=False)[
        "input_ids"
    ]


def _locate(name: str | os.PathLike[str]) -> tuple[str, bool]:
    """Where `name` is: (path or hub id, is it on this disk)."""
    from alignlab import assets

    if str(name) in assets.registry():
        return str(assets.fetch(str(name))), True
    try:
        place = Path(name).expanduser()
    except RuntimeError:  # the home of an unknown user
        place = Path(name)
    if str(name) and place.is_dir():
        return str(place), True
    if "/" in str(name) and not str(name).startswith((".", "/", "~")):
        return (
            (_hub_cache(str(name)), True)
            if assets.offline()
            else (str(name), False)
        )
    return str(
        assets.fetch(str(name))
    ), True  # unknown: its error names the nearest entry


def _hub_cache(name: str) -> str:
    """The folder in which the hub's cache keeps `name`. (With a hub id, transformers asks the network even offline.)"""
    from huggingface_hub import snapshot_download

    from alignlab.assets import AssetError

    try:
        return snapshot_download(name, local_files_only=True)
    except OSError as error:
        raise AssetError(
            f"{name} is not in the hub's cache and ALIGNLAB_OFFLINE forbids the network: unset it to download"
        ) from error


def _device(device: str | torch.device | None) -> torch.device:
    """The device asked for, if it is there, else the best there is for None."""
    if device is None:
        return _best_device()
    there = ["cpu"]
    if torch.cuda.is_available():
        there += [
            "cuda",
            *(f"cuda:{i}" for i in range(torch.cuda.device_count())),
        ]
    if torch.backends.mps.is_available():
        there += ["mps", "mps:0"]
    name = str(device).strip().lower()
    if name not in there:
        raise ValueError(
            f"device={str(device)!r} is not here: choose from {', '.join(there)}, or None for the best of them"
        )
    return torch.device(name)


def _dtype(dtype: torch.dtype | str | None) -> torch.dtype | str | None:
    """A dtype by any of its customary names; "auto" and None as they are."""
    if dtype is None or dtype == "auto":
        return dtype
    name = str(dtype).strip().lower().removeprefix("torch.")
    short = {"half": "float16", "fp16": "float16", "bf16": "bfloat16"}
    short |= {"fp32": "float32", "float": "float32", "fp64": "float64"}
    found = getattr(torch, short.get(name, name), None)
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise ValueError(
            f"dtype={str(dtype)!r} is no type of weights: choose float32, bfloat16, float16 or auto"
        )
    return found


def _best_device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")

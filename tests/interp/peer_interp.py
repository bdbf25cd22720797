"""Our activations are those of TransformerLens and nnsight (extra `interp`), and so is a patched forward pass.

The snippets that pages show in the two libraries are run here as they stand there, and compared with ours.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from alignlab.interp.attention.heads import attention_patterns
from alignlab.interp.attention.patching import patch_sweep
from alignlab.interp.neurons.knowledge import scaled_neurons
from alignlab.interp.refusal.direction import held
from alignlab.lm import LM, capture, encode, load_lm, patch
from support import ROOT

pytestmark = pytest.mark.peer

PAGES = ROOT / "text/06-interpretability"

PROMPT = "When Mary and John went to the store, John gave a drink to"
SOURCE = "When Mary and John went to the store, Mary gave a drink to"
LAYERS = (0, 13, 29)


@pytest.fixture(scope="module")
def lm() -> LM:
    return load_lm("smollm2-135m-instruct", device="cpu")


@pytest.fixture(scope="module")
def bridge() -> Any:
    lens = pytest.importorskip("transformer_lens.model_bridge")
    lm = load_lm("smollm2-135m-instruct", device="cpu")
    lm.model.set_attn_implementation("eager")
    return lens.TransformerBridge.boot_transformers(
        lm.model.name_or_path, hf_model=lm.model, tokenizer=lm.tokenizer, device="cpu"
    )


def test_activations_are_those_of_transformer_lens(lm, bridge):
    tokens = torch.tensor([encode(lm, PROMPT)])
    _, cache = bridge.run_with_cache(tokens)
    ours = {"resid": "hook_resid_post", "attn.out": "hook_attn_out", "mlp.out": "hook_mlp_out"}
    found = capture(lm, tokens, [f"layers.{layer}.{part}" for layer in LAYERS for part in ours], positions="all")
    for layer in LAYERS:
        for part, hook in ours.items():
            theirs = cache[f"blocks.{layer}.{hook}"]
            scale = theirs.abs().max()
            assert torch.allclose(found[f"layers.{layer}.{part}"] / scale, theirs / scale, atol=1e-5), (layer, part)
    patterns = attention_patterns(lm, tokens)
    for layer in LAYERS:
        assert torch.allclose(patterns[layer], cache[f"blocks.{layer}.attn.hook_pattern"], atol=1e-5)


def test_a_patch_is_that_of_transformer_lens(lm, bridge):
    prompt, source = (torch.tensor([encode(lm, text)]) for text in (PROMPT, SOURCE))
    _, cache = bridge.run_with_cache(source)
    swept = patch_sweep(lm, prompt[0].tolist(), source[0].tolist(), [13], [9])[0, 0]

    def put(activation: Any, hook: Any) -> Any:
        activation[:, 9] = cache["blocks.13.hook_resid_post"][:, 9]
        return activation

    theirs = bridge.run_with_hooks(prompt, fwd_hooks=[("blocks.13.hook_resid_post", put)])[0, -1]
    assert torch.allclose(swept, theirs, atol=1e-3)


def test_activations_are_those_of_nnsight(lm):
    nnsight = pytest.importorskip("nnsight")
    traced = nnsight.TransformersModel(lm.model, tokenizer=lm.tokenizer, task="text-generation")
    found = capture(
        lm, [PROMPT], [f"layers.{layer}.{part}" for layer in LAYERS for part in ("resid", "mlp.out")], "all"
    )
    with torch.no_grad(), traced.trace(PROMPT):
        saved = nnsight.save([])
        for layer in LAYERS:
            saved.append(traced.model.layers[layer].mlp.output)
            saved.append(traced.model.layers[layer].output)
    saved = [value[0] if isinstance(value, tuple) else value for value in saved]
    for i, layer in enumerate(LAYERS):
        assert torch.allclose(found[f"layers.{layer}.mlp.out"], saved[2 * i].reshape(1, -1, lm.d_model), atol=1e-3)
        assert torch.allclose(found[f"layers.{layer}.resid"], saved[2 * i + 1].reshape(1, -1, lm.d_model), atol=2e-2)


def shown(folder: Path, page: str, library: str, **names: Any) -> dict[str, Any]:
    """What is left of a page's snippet in a library once it ran as shown, with SmolLM2 read from the cache.

    It is run out of a file in `folder`, since nnsight reads a trace's source.
    """
    blocks = re.findall(r"^```python\n(.*?)^```", (PAGES / f"{page}.md").read_text(), re.DOTALL | re.MULTILINE)
    [snippet] = [block for block in blocks if f"import {library}" in block or f"from {library}" in block]
    model = load_lm("smollm2-135m-instruct", device="cpu").model.name_or_path
    file = folder / f"{page}.py"
    file.write_text(snippet.replace("HuggingFaceTB/SmolLM2-135M-Instruct", model))
    with torch.no_grad():
        exec(compile(file.read_text(), file, "exec"), names)
    return names


@torch.no_grad()
def logits_of(lm: LM, text: str) -> torch.Tensor:
    """Our logits, shape (1, pos, vocabulary)."""
    return lm.model(input_ids=torch.tensor([encode(lm, text)])).logits


def test_attention_shows_transformer_lens(lm, tmp_path):
    pytest.importorskip("transformer_lens")
    tokens, source = (torch.tensor([encode(lm, text)]) for text in (PROMPT, SOURCE))
    theirs = shown(tmp_path, "attention", "transformer_lens", tokens=tokens, source_tokens=source, position=9)
    ours = patch_sweep(lm, tokens[0].tolist(), source[0].tolist(), [11], [9])[0, 0]
    assert torch.allclose(ours, theirs["logits"][0, -1], atol=1e-3)
    assert torch.allclose(attention_patterns(lm, tokens)[18], theirs["pattern"], atol=1e-5)


def test_neurons_shows_transformer_lens(lm, tmp_path):
    pytest.importorskip("transformer_lens")
    tokens, layer, units, subject = torch.tensor([encode(lm, PROMPT)]), 7, [3, 500, 1400], [2, 3]
    noise = torch.randn(2, lm.d_model, generator=torch.Generator().manual_seed(0))
    theirs = shown(
        tmp_path, "neurons", "transformer_lens", tokens=tokens, layer=layer, units=units, subject=subject, noise=noise
    )
    with scaled_neurons(lm, [(layer, unit) for unit in units], 0.0):
        assert torch.allclose(logits_of(lm, PROMPT)[:, -1], theirs["silenced"][:, -1], atol=2e-3)

    def blur(embedding: torch.Tensor) -> torch.Tensor:
        embedding = embedding.clone()
        embedding[:, subject] += noise
        return embedding

    with patch(lm, {"embed": blur}):
        assert torch.allclose(logits_of(lm, PROMPT), theirs["blurred"], atol=2e-3)


def test_mlp_shows_nnsight(lm, tmp_path):
    pytest.importorskip("nnsight")
    text = "The capital of France is"
    stream = capture(lm, [text], ["layers.14.resid"], "all")["layers.14.resid"]
    with torch.no_grad():
        ours = lm.model.lm_head(lm.model.model.norm(stream))
    assert torch.allclose(ours, shown(tmp_path, "mlp", "nnsight", lm=lm)["logits"], atol=1e-3)


def test_refusal_shows_nnsight(lm, tmp_path):
    pytest.importorskip("nnsight")
    rng = np.random.default_rng(0)
    unit = rng.normal(size=lm.d_model)
    unit /= np.linalg.norm(unit)
    theirs = shown(
        tmp_path, "refusal", "nnsight", lm=lm, prompt=PROMPT, unit=torch.tensor(unit, dtype=torch.float32), value=5.0
    )
    with held(lm, unit, 22, 5.0):
        assert torch.allclose(logits_of(lm, PROMPT)[:, -1], theirs["logits"], atol=1e-3)

"""Our activations are those of TransformerLens and nnsight (extra `interp`), and so is a patched forward pass."""

from typing import Any

import pytest
import torch
from alignlab.interp.heads import attention_patterns
from alignlab.interp.patching import patch_sweep
from alignlab.lm import LM, capture, encode, load_lm

pytestmark = pytest.mark.peer

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

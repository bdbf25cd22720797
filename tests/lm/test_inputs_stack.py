"""Partial runs of models that look like Llama: equal to the plain pass, or refused."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import transformers as tf
from alignlab.interp.attention import heads, patching
from alignlab.interp.mlp import lens
from alignlab.interp.mlp.attribution import direct_attribution
from alignlab.lm import LM, capture, patch
from alignlab.lm.stack import from_layer, stack_of
from alignlab.outer.ranking_feedback.cached import answer_sums, run_lower
from alignlab.outer.ranking_feedback.packed import (
    pack,
    pair_logprobs,
    with_own_top,
)

V = 97
SHAPE = {"vocab_size": V, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
SHAPE |= {"num_attention_heads": 4, "num_key_value_heads": 2, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
GRANITE = {"logits_scaling": 4.0, "embedding_multiplier": 6.0, "residual_multiplier": 0.3, "attention_multiplier": 0.5}
SAME = ("Llama", "Qwen3", "Mistral, long window", "OLMo-2")
MODELS: dict[str, Callable[[], Any]] = {
    "Llama": lambda: tf.LlamaForCausalLM(tf.LlamaConfig(**SHAPE)),
    "Qwen3": lambda: tf.Qwen3ForCausalLM(tf.Qwen3Config(**SHAPE, head_dim=8)),
    "Mistral, long window": lambda: tf.MistralForCausalLM(tf.MistralConfig(**SHAPE, sliding_window=4096)),
    "OLMo-2": lambda: tf.Olmo2ForCausalLM(tf.Olmo2Config(**SHAPE)),
    "Gemma-2": lambda: tf.Gemma2ForCausalLM(tf.Gemma2Config(**SHAPE, head_dim=8)),
    "Granite": lambda: tf.GraniteForCausalLM(tf.GraniteConfig(**SHAPE, **GRANITE)),
    "Cohere": lambda: tf.CohereForCausalLM(tf.CohereConfig(**SHAPE)),
    "GPT-2": lambda: tf.GPT2LMHeadModel(tf.GPT2Config(vocab_size=V, n_embd=32, n_layer=2, n_head=4)),
}
IDS = [3, 14, 15, 92, 65, 35, 89, 79, 32, 38, 46, 26]


def load(name: str, build: Callable[[], Any] | None = None) -> LM:
    """An untrained model whose weights are large enough that a cap, a scale or a window shows."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = (build or MODELS[name])()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(6)
    return LM(model.eval().requires_grad_(False), None, name, torch.device("cpu"), 2, 32)


def logits(lm: LM, ids: list[int]) -> torch.Tensor:
    return lm.model(torch.tensor([ids])).logits[0].float()


def summed(lm: LM, prompt: list[int], answer: list[int]) -> torch.Tensor:
    """The answer's log-probability, from the plain pass."""
    table = logits(lm, [*prompt, *answer]).log_softmax(-1)
    return sum(table[len(prompt) - 1 + i, token] for i, token in enumerate(answer))


@pytest.mark.parametrize("name", SAME)
def test_every_partial_run_is_the_plain_pass(name):
    lm, near = load(name), {"atol": 2e-3, "rtol": 1e-4}
    plain = logits(lm, IDS)
    pair = pair_logprobs(lm, pack([(IDS, [5, 6], [7])]))
    torch.testing.assert_close(pair.chosen[0], summed(lm, IDS, [5, 6]), **near)
    torch.testing.assert_close(pair.rejected[0], summed(lm, IDS, [7]), **near)
    torch.testing.assert_close(answer_sums(lm, run_lower(lm, [IDS], [[5, 6]], 1))[0], summed(lm, IDS, [5, 6]), **near)
    seen = capture(lm, [IDS], ["layers.0.resid", "layers.1.resid"], "all")
    torch.testing.assert_close(lens.read(lm, seen["layers.1.resid"][0]), plain.log_softmax(-1), **near)
    with from_layer(lm, 1):
        upper = lm.model(inputs_embeds=seen["layers.0.resid"]).logits[0].float()
    torch.testing.assert_close(upper, plain, **near)
    other = [*IDS[:6], 11, *IDS[7:]]
    want = patching.patch_each(lm, IDS, other, range(2), range(len(IDS)))
    torch.testing.assert_close(patching.patch_sweep(lm, IDS, other), want, **near)


@pytest.mark.parametrize("name", [name for name in MODELS if name not in SAME])
def test_a_model_that_does_more_than_its_parts_is_refused(name):
    lm = load(name)
    for run in (
        lambda: pair_logprobs(lm, pack([(IDS, [5, 6], [7])])),
        lambda: run_lower(lm, [IDS], [[5, 6]], 1),
        lambda: lens.unembedding(lm),
        lambda: patching.patch_sweep(lm, IDS, IDS),
        lambda: direct_attribution(lm, [IDS], [5]),
        lambda: heads.copying(lm),
        lambda: from_layer(lm, 1).__enter__(),
    ):
        with pytest.raises(ValueError, match=f"{name} is not built like Llama .*take a model of Llama's family"):
            run()


def test_a_cap_or_a_scale_is_seen_however_small_the_logits_are():
    def tiny(**more: float):
        def build():
            model = tf.Gemma2ForCausalLM(tf.Gemma2Config(**SHAPE, head_dim=8, **more))
            model.config.layer_types = ["full_attention"] * 2
            model.model.embed_tokens.forward = lambda ids: torch.nn.functional.embedding(
                ids, model.model.embed_tokens.weight
            )
            return model

        return build

    capped = load("capped", tiny(final_logit_softcapping=30.0))
    for parameter in capped.model.parameters():
        parameter.mul_(1e-2)
    assert logits(capped, IDS).abs().max() < 1, "where the cap does nothing that one could see"
    with pytest.raises(ValueError, match="give other logits, by"):
        stack_of(capped)


def test_a_window_is_kept_to_or_refused():
    lm = load("windowed", lambda: tf.MistralForCausalLM(tf.MistralConfig(**SHAPE, sliding_window=8)))
    assert patching.patch_sweep(lm, IDS[:7], IDS[:7]).shape == (2, 7, V)
    for run in (
        lambda: pair_logprobs(lm, pack([(IDS, [5, 6], [7])])),
        lambda: patching.patch_sweep(lm, IDS, IDS),
        lambda: answer_sums(lm, run_lower(lm, [IDS], [[5, 6]], 1)),
    ):
        with pytest.raises(ValueError, match=r"\d+ tokens exceed the window of windowed's attention, 8"):
            run()
    seen, plain = capture(lm, [IDS], ["layers.0.resid"], "all")["layers.0.resid"], logits(lm, IDS)
    with from_layer(lm, 1):  # the model's own pass makes its own windows
        torch.testing.assert_close(lm.model(inputs_embeds=seen).logits[0], plain, atol=1e-4, rtol=1e-4)


def test_shares_that_do_not_add_up_are_refused():
    torch.testing.assert_close(
        direct_attribution(load("Llama"), [IDS], [5]).sum(), logits(load("Llama"), IDS)[-1, 5], atol=1e-2, rtol=1e-4
    )
    with pytest.raises(ValueError, match="don't add up"):
        direct_attribution(load("OLMo-2"), [IDS], [5])
    with pytest.raises(ValueError, match="lack input_layernorm"):
        heads.copying(load("OLMo-2"))


def test_a_model_is_compared_once_and_whatever_mode_it_is_in_stays():
    lm, passes = load("Llama"), []
    lm.model.register_forward_hook(lambda *args: passes.append(1))
    lm.model.train()
    lm.model.model.layers[0].eval()
    for _ in range(3):
        stack_of(lm)
    assert len(passes) == 1 and lm.model.training and not lm.model.model.layers[0].training
    stack_of(with_own_top(lm, 1))
    assert len(passes) == 1, "a copy with its own top is the same model"


def test_a_comparison_that_a_patch_spoils_is_made_again_without_it():
    lm = load("Llama")
    with (
        patch(lm, {"layers.0.resid": lambda x: x.index_add(1, torch.tensor([99]), x[:, :1])}),
        pytest.raises(ValueError, match="parts don't fit"),
    ):
        stack_of(lm)
    assert stack_of(lm).window is None

"""Activations by name, in several architectures: right values, right positions, nothing left behind."""

from collections.abc import Callable

import pytest
import torch
from alignlab.lm import LM, TinyConfig, TinyTransformer, capture, patch
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    Qwen2Config,
)

SMALL = {"vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2}
CONFIGS = {
    "llama": lambda: LlamaConfig(**SMALL, intermediate_size=24),
    "mistral": lambda: MistralConfig(**SMALL, intermediate_size=24, num_key_value_heads=1, head_dim=8),
    "qwen2": lambda: Qwen2Config(**SMALL, intermediate_size=24, num_key_value_heads=2),
    "gpt2": lambda: GPT2Config(vocab_size=40, n_embd=16, n_layer=3, n_head=2, n_positions=32),
    "gpt_neox": lambda: GPTNeoXConfig(**SMALL, intermediate_size=24),
}
PROMPTS = [[3, 1, 4, 1, 5], [9, 2], [6, 5, 3, 5, 8, 9, 7]]


def small(kind: str) -> LM:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(CONFIGS[kind]()).eval()
    return LM(model, None, kind, torch.device("cpu"), 3, 16)


def hooks_of(network: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in network.modules())


@pytest.fixture(scope="module")
def llama() -> LM:
    return small("llama")


@pytest.mark.parametrize("kind", CONFIGS)
def test_residual_streams_are_the_model_s_hidden_states(kind: str) -> None:
    lm = small(kind)
    got = capture(lm, PROMPTS, ["layers.0.resid", "layers.1.resid"])
    for i, prompt in enumerate(PROMPTS):
        states = lm.model(torch.tensor([prompt]), output_hidden_states=True).hidden_states
        for layer in (0, 1):
            torch.testing.assert_close(got[f"layers.{layer}.resid"][i], states[layer + 1][0, -1])


@pytest.mark.parametrize("kind", CONFIGS)
def test_attention_and_mlp_add_up_to_the_residual_stream(kind: str) -> None:
    lm = small(kind)
    got = capture(lm, PROMPTS, ["layers.0.resid", "layers.1.attn.out", "layers.1.mlp.out", "layers.1.resid"])
    total = got["layers.0.resid"] + got["layers.1.attn.out"] + got["layers.1.mlp.out"]
    torch.testing.assert_close(total, got["layers.1.resid"])


def test_z_and_hidden_are_what_the_output_projections_read(llama: LM) -> None:
    got = capture(llama, PROMPTS, ["layers.2.attn.z", "layers.2.attn.out", "layers.2.mlp.hidden", "layers.2.mlp.out"])
    layer = llama.model.model.layers[2]
    torch.testing.assert_close(layer.self_attn.o_proj(got["layers.2.attn.z"]), got["layers.2.attn.out"])
    torch.testing.assert_close(layer.mlp.down_proj(got["layers.2.mlp.hidden"]), got["layers.2.mlp.out"])


@pytest.mark.parametrize("build", [lambda: small("llama"), lambda: TinyTransformer(TinyConfig(vocab=40, d_model=16))])
def test_batches_of_unequal_prompts_give_what_each_gives_alone(build: Callable[[], LM]) -> None:
    model = build()
    names = ["embed", "layers.1.resid", "layers.1.attn.z"]
    last, second, whole = (capture(model, PROMPTS, names, positions=p) for p in ("last", 1, "all"))
    for i, prompt in enumerate(PROMPTS):
        alone = capture(model, [prompt], names, positions="all")
        for name in names:
            torch.testing.assert_close(last[name][i], alone[name][0, -1])
            torch.testing.assert_close(second[name][i], alone[name][0, 1])
            torch.testing.assert_close(whole[name][i, : len(prompt)], alone[name][0])
            assert (whole[name][i, len(prompt) :] == 0).all()


def test_many_batches_keep_the_order(llama: LM, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = capture(llama, PROMPTS, ["layers.1.resid"], positions="all")["layers.1.resid"]
    monkeypatch.setattr("alignlab.lm.hooks.BATCH_TOKENS", 5)
    torch.testing.assert_close(capture(llama, PROMPTS, ["layers.1.resid"], positions="all")["layers.1.resid"], whole)


def test_capture_stops_after_the_last_name_and_never_unembeds(llama: LM) -> None:
    ran: list[str] = []
    parts = {
        "layer 1": llama.model.model.layers[1],
        "layer 2": llama.model.model.layers[2],
        "head": llama.model.lm_head,
    }
    handles = [m.register_forward_pre_hook(lambda *_, n=name: ran.append(n)) for name, m in parts.items()]
    try:
        capture(llama, PROMPTS, ["layers.1.mlp.out", "layers.0.resid"])
        assert ran == ["layer 1"]
        capture(llama, PROMPTS, ["layers.2.resid"])
        assert ran == ["layer 1", "layer 1", "layer 2"]
    finally:
        for handle in handles:
            handle.remove()


def test_captured_activations_can_train_a_probe(llama: LM) -> None:
    features = capture(llama, PROMPTS, ["layers.1.resid"])["layers.1.resid"]
    probe = nn.Linear(16, 1)
    probe(features).sum().backward()
    assert probe.weight.grad is not None and not features.requires_grad


def test_hooks_are_gone_after_success_and_after_errors(llama: LM) -> None:
    ids = torch.tensor([PROMPTS[0]])
    before = hooks_of(llama.model)  # transformers may keep some of its own
    logits = llama.model(ids).logits
    capture(llama, PROMPTS, ["layers.0.attn.z"])
    with pytest.raises(ZeroDivisionError), patch(llama, {"layers.0.resid": lambda x: x * (1 // 0)}):
        llama.model(ids)
    with pytest.raises(KeyError), patch(llama, {"layers.0.resid": lambda x: 0 * x, "layers.9.resid": lambda x: x}):
        pass
    with pytest.raises(IndexError):
        capture(llama, [[100]], ["layers.0.resid"])  # no such token: the embedding fails within the pass
    assert hooks_of(llama.model) == before
    assert torch.equal(llama.model(ids).logits, logits)


def test_patch_replaces_outputs_and_inputs_only_within_its_block(llama: LM) -> None:
    ids = torch.tensor([PROMPTS[0]])
    plain = llama.model(ids).logits
    source = capture(llama, [PROMPTS[2][:5]], ["layers.1.resid"], positions="all")["layers.1.resid"]
    with patch(llama, {"layers.1.resid": lambda x: source}):
        patched = llama.model(ids).logits
    torch.testing.assert_close(patched, llama.model(torch.tensor([PROMPTS[2][:5]])).logits)
    assert torch.equal(llama.model(ids).logits, plain)
    with patch(llama, {"layers.0.mlp.hidden": torch.zeros_like}):
        assert (capture(llama, [PROMPTS[0]], ["layers.0.mlp.out"])["layers.0.mlp.out"] == 0).all()


def test_gradients_flow_through_a_patch(llama: LM) -> None:
    steer = torch.zeros(16, requires_grad=True)
    with patch(llama, {"layers.0.resid": lambda x: x + steer}):
        llama.model(torch.tensor([PROMPTS[0]])).logits[0, -1, 0].backward()
    assert steer.grad is not None and steer.grad.abs().sum() > 0


def test_patching_a_tiny_transformer_by_the_same_names() -> None:
    model = TinyTransformer(TinyConfig(vocab=40, d_model=16))
    tokens = torch.tensor([PROMPTS[0]])
    with patch(model, {"layers.0.attn.out": torch.zeros_like, "layers.0.mlp.out": torch.zeros_like}):
        got = capture(model, tokens, ["embed", "layers.0.resid"], positions="all")
    assert torch.equal(got["embed"], got["layers.0.resid"])


def test_errors_say_what_there_is(llama: LM) -> None:
    with pytest.raises(KeyError, match="layers 0 to 2"):
        capture(llama, PROMPTS, ["layers.3.resid"])
    with pytest.raises(KeyError, match=r"attn\.z"):
        capture(llama, PROMPTS, ["layers.1.attn.zz"])
    with pytest.raises(KeyError, match="embed"):
        capture(llama, PROMPTS, ["blocks.1.resid"])
    with pytest.raises(KeyError, match="has no mlp"):
        capture(TinyTransformer(TinyConfig(vocab=9, mlp=False)), PROMPTS, ["layers.0.mlp.out"])
    with pytest.raises(IndexError, match="position 4 asked of a prompt of 2 tokens"):
        capture(llama, PROMPTS, ["embed"], positions=4)
    with pytest.raises(ValueError, match="prompt 0 is empty"):
        capture(llama, [[]], ["embed"])
    with pytest.raises(ValueError, match=r"gave shape \(1, 16\)"), patch(llama, {"embed": lambda x: x[:, -1]}):
        llama.model(torch.tensor([PROMPTS[0]]))
    with pytest.raises(TypeError, match="no tokenizer"):
        capture(TinyTransformer(TinyConfig(vocab=9)), ["text"], ["embed"])

"""The tiny transformer computes what Llama computes, and the training loop repeats."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from alignlab.lm import LM, TinyConfig, TinyTransformer, capture, one_thread, train
from transformers import LlamaConfig, LlamaForCausalLM

CONFIG = TinyConfig(vocab=23, d_model=32, n_layers=3, n_heads=4, context=16, d_mlp=48)
TOKENS = torch.tensor([[1, 5, 9, 22, 0, 3, 5, 9], [7, 7, 2, 1, 1, 4, 20, 6]])


def trained(config: TinyConfig = CONFIG) -> TinyTransformer:
    """A model whose every parameter has moved away from its start, norms included."""
    model = TinyTransformer(config, seed=1)
    rng = np.random.default_rng(2)
    for parameter in model.parameters():
        noise = torch.from_numpy(rng.normal(0, 0.3, tuple(parameter.shape))).float()
        parameter.data += noise
    return model


def as_llama(tiny: TinyTransformer) -> LlamaForCausalLM:
    c = tiny.config
    llama = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=c.vocab,
            hidden_size=c.d_model,
            intermediate_size=c.d_mlp,
            num_hidden_layers=c.n_layers,
            num_attention_heads=c.n_heads,
            max_position_embeddings=c.context,
            rms_norm_eps=c.eps,
            rope_parameters={"rope_type": "default", "rope_theta": c.rope_base},
            tie_word_embeddings=False,
        )
    )
    renamed = {}
    for name, value in tiny.state_dict().items():
        name = name.replace("attn_norm", "input_layernorm").replace("mlp_norm", "post_attention_layernorm")
        name = name.replace(".attn.", ".self_attn.").replace("embed.", "embed_tokens.", 1)
        renamed["lm_head.weight" if name == "unembed_tokens.weight" else f"model.{name}"] = value
    llama.load_state_dict(renamed)
    return llama.eval()


def test_tiny_transformer_is_llama() -> None:
    tiny = trained()
    torch.testing.assert_close(tiny(TOKENS), as_llama(tiny)(TOKENS).logits, atol=1e-5, rtol=1e-5)


def test_activations_have_the_same_names_and_values_as_llama_s() -> None:
    tiny = trained()
    llama = as_llama(tiny).double()  # in float32 two orders of adding up differ by more than the tolerance
    tiny = tiny.double()
    lm = LM(llama, None, "llama", torch.device("cpu"), CONFIG.n_layers, CONFIG.d_model)
    names = [
        "embed",
        "layers.0.resid",
        "layers.1.attn.z",
        "layers.2.attn.out",
        "layers.0.mlp.hidden",
        "layers.-1.mlp.out",
    ]
    ours, theirs = (capture(model, TOKENS, names, positions="all") for model in (tiny, lm))
    for name in names:
        torch.testing.assert_close(ours[name], theirs[name], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("mlp", [True, False])
def test_a_later_token_never_changes_an_earlier_logit(mlp: bool) -> None:
    model = trained(TinyConfig(vocab=23, d_model=16, n_layers=2, n_heads=2, context=8, mlp=mlp))
    other = TOKENS.clone()
    other[:, -1] = 11
    before, after = model(TOKENS), model(other)
    assert torch.equal(before[:, :-1], after[:, :-1])
    assert not torch.allclose(before[:, -1], after[:, -1])


def test_attention_only_has_no_mlp_parameters() -> None:
    model = TinyTransformer(TinyConfig(vocab=23, mlp=False))
    assert not [name for name, _ in model.named_parameters() if "mlp" in name]


def test_one_hot_tokens_give_the_same_logits_and_a_gradient() -> None:
    model = trained()
    one_hot = F.one_hot(TOKENS, CONFIG.vocab).float().requires_grad_()
    logits = model(one_hot)
    torch.testing.assert_close(logits, model(TOKENS))
    logits[:, -1].logsumexp(-1).sum().backward()
    assert one_hot.grad is not None and (one_hot.grad.abs().sum(-1) > 0).all()


def test_initial_weights_come_from_numpy_in_float64() -> None:
    expected = np.random.default_rng(5).normal(0, 0.02, (CONFIG.vocab, CONFIG.d_model)).astype(np.float32)
    first, again, other = (TinyTransformer(CONFIG, seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(first.embed.weight.detach().numpy(), expected)
    assert torch.equal(first.layers[2].mlp.down_proj.weight, again.layers[2].mlp.down_proj.weight)
    assert not torch.equal(first.layers[2].mlp.down_proj.weight, other.layers[2].mlp.down_proj.weight)


def test_seeds_run_as_a_batch_under_vmap() -> None:
    models = [TinyTransformer(CONFIG, seed=seed) for seed in range(3)]
    params, buffers = torch.func.stack_module_state(models)
    base = models[0]
    logits = torch.func.vmap(lambda p, b: torch.func.functional_call(base, (p, b), (TOKENS,)))(params, buffers)
    torch.testing.assert_close(logits, torch.stack([model(TOKENS) for model in models]))


def test_impossible_shapes_are_refused_with_a_way_out() -> None:
    with pytest.raises(ValueError, match="multiple of 6"):
        TinyConfig(vocab=10, d_model=32, n_heads=3)
    with pytest.raises(ValueError, match="17 tokens are more than the model's context of 16"):
        TinyTransformer(CONFIG)(torch.zeros(1, 17, dtype=torch.long))


def copy_loss(model: torch.nn.Module, step: int, generator: torch.Generator) -> torch.Tensor:
    """Predict the token that stood one place before: learned by one head."""
    tokens = torch.randint(CONFIG.vocab, (16, 12), generator=generator)
    return F.cross_entropy(model(tokens)[:, 1:].flatten(0, 1), tokens[:, :-1].flatten())


def test_training_learns_and_repeats_and_leaves_the_global_stream_alone() -> None:
    torch.manual_seed(0)
    state = torch.get_rng_state()
    runs = []
    for _ in range(2):
        model = TinyTransformer(CONFIG, seed=0).eval()
        runs.append(train(model, copy_loss, steps=120, lr=1e-2, seed=3))
        assert not model.training
    assert runs[0] == runs[1]
    assert runs[0] != train(TinyTransformer(CONFIG, seed=0), copy_loss, steps=120, lr=1e-2, seed=4)
    assert np.mean(runs[0][-10:]) < 0.5 * runs[0][0]
    assert torch.equal(state, torch.get_rng_state())


def test_training_prints_nothing_off_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    train(TinyTransformer(CONFIG), copy_loss, steps=2)
    assert capfd.readouterr() == ("", "")


def test_a_loss_that_is_not_finite_stops_the_run() -> None:
    with pytest.raises(FloatingPointError, match="nan at step 1"):
        train(
            TinyTransformer(CONFIG),
            lambda model, step, generator: copy_loss(model, step, generator) * (1.0 if step == 0 else float("nan")),
            steps=3,
        )


def test_nothing_to_train_is_said() -> None:
    with pytest.raises(ValueError, match="requires_grad_"):
        train(TinyTransformer(CONFIG).requires_grad_(False), copy_loss, steps=1)


def test_one_thread_restores_the_count_after_an_error() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(RuntimeError), one_thread():
            assert torch.get_num_threads() == 1
            raise RuntimeError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)

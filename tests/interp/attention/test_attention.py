"""Heads: scores on made-up patterns; circuits against the forward pass; patch sweeps against single passes."""

import numpy as np
import pytest
import torch
from alignlab.interp.attention import patching
from alignlab.interp.attention.circuits import (
    cut_composition,
    diagonal_share,
    ov_circuit,
    qk_circuit,
    token_streams,
    written,
)
from alignlab.interp.attention.heads import (
    ablate_heads,
    attention_patterns,
    best_heads,
    copying,
    prefix_matching,
    previous_token,
    random_heads,
    random_repeats,
    repeat_losses,
)
from alignlab.interp.attention.induction import Shape, repeating, train_induction
from alignlab.interp.attention.patching import next_logits, patch_each, patch_sweep, recovered
from alignlab.lm import LM, TinyConfig, TinyTransformer, capture, encode, load_lm


@pytest.fixture(scope="module")
def lm() -> LM:
    return load_lm("smollm2-135m-instruct")


@pytest.fixture
def model() -> TinyTransformer:
    config = TinyConfig(vocab=11, d_model=16, n_layers=2, n_heads=2, context=12, mlp=False)
    model = TinyTransformer(config, seed=0).requires_grad_(False)
    for parameter in model.parameters():
        if parameter.ndim == 2:
            parameter *= 10
    return model


def test_a_perfect_induction_head_scores_one_and_a_previous_token_head_its_own_one():
    tokens = torch.tensor([[4, 7, 2, 4, 7, 2]])
    patterns = torch.zeros(2, 1, 1, 6, 6)
    for query in range(6):
        patterns[0, 0, 0, query, max(query - 2, 0)] = 1
        patterns[1, 0, 0, query, max(query - 1, 0)] = 1
    assert prefix_matching(patterns, tokens)[:, 0].tolist() == [1.0, 0.0]
    assert previous_token(patterns)[:, 0].tolist() == pytest.approx([0.2, 1.0])
    with pytest.raises(ValueError, match="no token occurs twice"):
        prefix_matching(patterns, torch.arange(6)[None])


def test_patterns_are_causal_distributions_for_both_kinds_of_model(lm, model):
    before = lm.model.config._attn_implementation
    for net, tokens, shape in (
        (model, random_repeats(2, 5, 11, 0), (2, 2, 2)),
        (lm, random_repeats(1, 4, 99, 0), (30, 1, 9)),
    ):
        patterns = attention_patterns(net, tokens)
        assert patterns.shape[:3] == shape
        assert torch.allclose(patterns.sum(-1), torch.ones(()), atol=1e-5)
        assert not patterns.triu(1).any()
    assert lm.model.config._attn_implementation == before != "eager"


def test_the_ov_table_is_what_looking_adds_to_the_logits(model):
    tokens = torch.tensor([[3]])  # a single token looks at itself with weight 1
    z = capture(model, tokens, ["layers.0.attn.z"])["layers.0.attn.z"][0]
    one = z.clone()
    one[8:] = 0  # head 0 alone
    added = (model.layers[0].attn.o_proj(one) * model.norm.weight) @ model.unembed.weight.T
    assert torch.allclose(ov_circuit(model, 0, 0)[3], added - added.mean(), atol=1e-4)


def test_the_qk_table_is_the_score_of_the_forward_pass(model):
    tokens = torch.tensor([[5, 1, 9]])
    attention, x = model.layers[0].attn, token_streams(model, 0)[tokens]
    q, k = (attention.rotate(p(x).unflatten(-1, (2, 8)).transpose(1, 2)) for p in (attention.q_proj, attention.k_proj))
    scores = (q @ k.transpose(-1, -2))[0, 1] / 8**0.5  # head 1: (query, key)
    table = qk_circuit(model, 0, 1, distances=(2,))
    other = qk_circuit(model, 0, 1, model.embed.weight, distances=(2,))
    assert torch.equal(table, other)
    swapped = torch.tensor([[1, 1, 9]])
    x = token_streams(model, 0)[swapped]
    k2 = attention.rotate(attention.k_proj(x).unflatten(-1, (2, 8)).transpose(1, 2))
    difference = (q[0, 1, 2] @ k[0, 1, 0] - q[0, 1, 2] @ k2[0, 1, 0]) / 8**0.5
    assert table[9, 5] - table[9, 1] == pytest.approx(float(difference), abs=1e-4)
    assert scores.shape == (3, 3)


def test_copying_is_the_eigenvalue_ratio_of_the_whole_table(model):
    table = written(model, 1, 1) * model.norm.weight @ model.unembed.weight.T
    eigenvalues = np.linalg.eigvals(
        (model.embed.weight * model.layers[1].attn_norm.weight
         @ model.layers[1].attn.v_proj.weight[8:].T @ model.layers[1].attn.o_proj.weight[:, 8:].T
         * model.norm.weight @ model.unembed.weight.T).double().numpy()
    )  # fmt: skip
    assert table.shape == (11, 11)
    assert float(copying(model)[1, 1]) == pytest.approx(eigenvalues.sum().real / np.abs(eigenvalues).sum(), abs=1e-3)


def test_copying_of_grouped_heads_has_one_score_a_head(lm):
    scores = copying(lm)
    assert scores.shape == (30, 9) and float(scores.abs().max()) <= 1.0001


def test_cutting_every_input_of_the_second_layer_is_a_second_layer_that_reads_embeddings(model):
    tokens = random_repeats(1, 4, 11, 1)
    with cut_composition(model, "qkv"):
        cut = capture(model, tokens, ["layers.1.attn.out"], positions="all")["layers.1.attn.out"]
    alone = model.layers[1].attn(model.layers[1].attn_norm(model.embed(tokens)))
    assert torch.allclose(cut, alone, atol=1e-5)
    assert not torch.allclose(
        capture(model, tokens, ["layers.1.attn.out"], "all")["layers.1.attn.out"], alone, atol=1e-3
    )
    with pytest.raises(ValueError, match=r"not \['o'\]"), cut_composition(model, "o"):
        pass


def test_an_ablated_head_says_the_same_at_every_token(model):
    tokens = random_repeats(2, 5, 11, 2)
    plain = capture(model, tokens, ["layers.1.attn.out"], "all")["layers.1.attn.out"]
    with ablate_heads(model, [(1, 0), (1, 1)]):
        out = capture(model, tokens, ["layers.1.attn.out"], "all")["layers.1.attn.out"]
    assert torch.allclose(out, plain.mean((0, 1)).expand_as(out), atol=1e-4)
    assert torch.equal(capture(model, tokens, ["layers.1.attn.out"], "all")["layers.1.attn.out"], plain)


def test_best_and_random_heads_do_not_overlap_when_asked():
    scores = torch.tensor([[0.1, 0.9], [0.5, 0.2]])
    assert best_heads(scores, 2) == [(0, 1), (1, 0)]
    assert set(random_heads(scores, 2, 0, without=best_heads(scores, 2))) == {(0, 0), (1, 1)}


def test_a_repeat_is_scored_apart_from_what_is_new(model):
    new, old = repeat_losses(model, random_repeats(3, 5, 11, 0), 5)
    assert new.shape == old.shape == (3,) and bool((new > 0).all())


def test_sequences_repeat_with_their_own_period():
    tokens, periods = repeating(50, Shape(), torch.Generator().manual_seed(0))
    assert all(torch.equal(row[p:], row[:-p]) for row, p in zip(tokens, periods.tolist()))
    assert len(set(periods.tolist())) > 5


def test_training_repeats_and_looks_at_the_end():
    shape = Shape(steps=4, every=2)
    one, two = train_induction(3, shape), train_induction(3, shape)
    assert one.step.tolist() == [0, 2, 4] and np.array_equal(one.repeated, two.repeated)
    assert one.patterns.shape == (3, 2, 2, 20, 20)


PROMPT = "When Mary and John went to the store, John gave a drink to"
SOURCE = "When Mary and John went to the store, Mary gave a drink to"


@pytest.mark.parametrize("part", ["resid", "attn.out", "mlp.out"])
def test_a_sweep_is_one_forward_pass_a_site(lm, part, monkeypatch):
    prompt, source = encode(lm, PROMPT), encode(lm, SOURCE)
    whole = lm.model.model.layers
    monkeypatch.setattr(patching, "ROW_TOKENS", 8)  # several rows
    swept = patch_sweep(lm, prompt, source, [0, 13, -1], [9, -1, 11, 0], part)
    each = patch_each(lm, prompt, source, [0, 13, 29], [9, 13, 11, 0], part)
    assert swept.shape == (3, 4, lm.model.config.vocab_size)
    assert torch.allclose(swept, each, atol=2e-4)
    assert lm.model.model.layers is whole
    if part == "resid":
        right, wrong = (encode(lm, name)[0] for name in (" John", " Mary"))
        share = recovered(swept, right, wrong, next_logits(lm, prompt), next_logits(lm, source))
        assert share[0, 0] == pytest.approx(1, abs=0.05) and share[2, 1] == pytest.approx(1, abs=1e-3)
        assert abs(share[2, 0]) < 1e-3


def test_prompts_of_different_length_are_refused(lm):
    with pytest.raises(ValueError, match="a position must mean the same"):
        patch_sweep(lm, PROMPT, PROMPT + " the")


def test_diagonal_share_counts_rows():
    assert diagonal_share(torch.tensor([[2.0, 1.0], [3.0, 1.0]])) == 0.5

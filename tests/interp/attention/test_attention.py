"""Heads: scores on made-up patterns; circuits against the forward pass; patch sweeps against single passes."""

import numpy as np
import pytest
import torch
from alignlab.interp.attention import patching
from alignlab.interp.attention.circuits import (
    composition_scores,
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
    duplicate_token,
    layer_mates,
    prefix_matching,
    previous_token,
    random_heads,
    random_repeats,
    repeat_losses,
)
from alignlab.interp.attention.induction import Shape, repeating, simple_losses, smear, train_induction
from alignlab.interp.attention.names import PARTNER, draw_sentences, followed
from alignlab.interp.attention.patching import next_logits, patch_each, patch_sweep, recovered
from alignlab.interp.attention.paths import Edges, attributions, put_heads, read_from, run_prompts
from alignlab.lm import LM, TinyConfig, TinyTransformer, capture, encode, load_lm, patch


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


def test_composition_is_one_where_a_head_reads_just_what_another_writes_and_zero_where_it_reads_something_else(model):
    first, second = model.layers[0].attn, model.layers[1].attn
    for projection in (first.v_proj, first.o_proj, second.q_proj, second.k_proj, second.v_proj):
        projection.weight.data.zero_()
    first.v_proj.weight[0, 3] = 1.0  # head 0 of the first layer reads direction 3
    first.o_proj.weight[5, 0] = 2.0  # and writes direction 5
    second.q_proj.weight[0, 7] = 1.0
    second.k_proj.weight[0, 5] = 4.0  # head 0 of the second layer: keys of what it wrote, queries of something else
    second.v_proj.weight[0, 6] = 1.0
    second.o_proj.weight[0, 0] = 1.0
    scores = composition_scores(model, (1, 3))
    assert [float(scores[name][0, 0]) for name in "qkv"] == pytest.approx([0, 1, 0], abs=1e-5)
    second.v_proj.weight[0, 5] = 1.0
    assert float(composition_scores(model)["v"][0, 0]) == pytest.approx(0.5**0.5, abs=1e-5)


def test_a_smeared_key_is_half_the_one_before_and_the_first_is_itself():
    config = TinyConfig(vocab=7, d_model=8, n_layers=1, n_heads=2, context=6, mlp=False)
    tokens = torch.tensor([[1, 4, 2]])
    plain, smeared = (TinyTransformer(config, seed=1) for _ in range(2))
    smear(smeared, "k")
    stream = plain.layers[0].attn_norm(plain.embed(tokens))
    own, mixed = (net.layers[0].attn.k_proj(stream)[0] for net in (plain, smeared))
    assert torch.allclose(mixed[0], own[0]) and torch.allclose(mixed[1:], (own[1:] + own[:-1]) / 2, atol=1e-6)
    assert not torch.allclose(plain(tokens), smeared(tokens), atol=1e-9)
    with pytest.raises(ValueError, match="q, k or v, not 'o'"):
        smear(plain, "o")


def test_a_duplicate_token_head_looks_at_the_copy_itself():
    tokens = torch.tensor([[4, 7, 2, 4, 7, 2]])
    patterns = torch.zeros(1, 1, 1, 6, 6)
    for query in range(6):
        patterns[0, 0, 0, query, max(query - 3, 0)] = 1
    assert duplicate_token(patterns, tokens).item() == 1 and prefix_matching(patterns, tokens).item() == 0
    with pytest.raises(ValueError, match="no token occurs twice"):
        duplicate_token(patterns, torch.arange(6)[None])


def test_mates_are_others_of_the_same_layers():
    heads = [(3, 0), (3, 1), (7, 4)]
    mates = layer_mates(heads, torch.zeros(9, 5), 0)
    assert sorted(layer for layer, _ in mates) == [3, 3, 7] and not set(mates) & set(heads)
    assert layer_mates([(0, 0), (0, 1)], torch.zeros(1, 3), 0) == [(0, 2)]


@pytest.fixture(scope="module")
def sentence(lm):
    return draw_sentences(lm, 7, n=1)[0]


def test_two_prompts_of_a_sentence_differ_at_the_repeated_name_only(lm, sentence):
    first, second = sentence.tokens
    assert (first != second).nonzero().flatten().tolist() == [sentence.repeated]
    assert [int(first[at]) for at in sentence.first] == sentence.right.tolist()
    assert int(first[sentence.repeated]) == int(sentence.wrong[0]) == int(sentence.right[1])
    a, b = sentence.first
    assert sentence.exchanged[:, [b, a]].equal(sentence.tokens[:, [a, b]])
    assert (sentence.exchanged != sentence.tokens).sum(1).tolist() == [2, 2]
    assert sentence.between.stop == len(first) - 1
    with pytest.raises(ValueError, match="11 sentences"):
        draw_sentences(lm, 0, n=11)


def test_answers_follow_by_nothing_or_by_all_of_it(lm, sentence):
    logits = run_prompts(lm, sentence.tokens).logits
    partner = logits[PARTNER]
    found = followed([sentence], [logits], [torch.stack([logits, partner])])
    assert found.tolist() == pytest.approx([0, 1], abs=1e-5)


def test_a_run_by_the_last_token_alone_is_the_whole_pass(lm, sentence):
    run = run_prompts(lm, sentence.tokens)
    whole = lm.model(input_ids=sentence.tokens, use_cache=False).logits[:, -1].float()
    assert torch.allclose(run.logits, whole, atol=2e-3)
    z = capture(lm, sentence.tokens, ["layers.13.attn.z"])["layers.13.attn.z"]
    assert torch.allclose(run.z[13], z, atol=1e-3)
    with pytest.raises(ValueError, match="two tokens at least"):
        run_prompts(lm, sentence.tokens[:, :1])


def test_reading_everything_of_the_partner_is_the_partner_and_reading_before_the_difference_is_nothing(lm, sentence):
    run = run_prompts(lm, sentence.tokens)
    other, layers = run.take(PARTNER), range(lm.n_layers)
    edges = [
        Edges(other, range(sentence.tokens.shape[1] - 1), layers),
        Edges(other, range(sentence.repeated), layers),
        Edges(other, [sentence.repeated], []),
    ]
    everything, before, nothing = read_from(lm, run, edges)
    assert torch.allclose(everything, other.logits, atol=2e-3)
    assert torch.allclose(before, run.logits, atol=2e-3) and torch.allclose(nothing, run.logits, atol=2e-3)
    with pytest.raises(IndexError, match="layers 0 to 29"):
        read_from(lm, run, [Edges(other, [0], [30])])


def test_heads_are_put_as_a_whole_pass_would_and_attributions_estimate_it(lm, sentence):
    run = run_prompts(lm, sentence.tokens)
    other = run.take(PARTNER)
    heads = [(20, 0), (23, 3)]

    def put(layer, head):
        def change(z):
            z = z.clone()
            z[:, -1, head * 64 : (head + 1) * 64] = other.z[layer][:, head * 64 : (head + 1) * 64]
            return z

        return change

    with torch.no_grad(), patch(lm, {f"layers.{layer}.attn.z": put(layer, head) for layer, head in heads}):
        whole = lm.model(input_ids=sentence.tokens, use_cache=False).logits[:, -1].float()
    both, last = put_heads(lm, run, other, [heads, [(29, 1)]])
    assert torch.allclose(both, whole, atol=2e-3)
    estimate = attributions(lm, run, other, sentence.right, sentence.wrong)
    assert estimate.shape == (30, 2, 9)
    change = sentence.difference(last) - sentence.difference(run.logits)
    assert torch.allclose(estimate[29, :, 1], change, rtol=0.5, atol=0.3)  # only MLP and norm come after it


def test_nothing_passes_through_a_held_head(lm, sentence):
    run = run_prompts(lm, sentence.tokens)
    other = run.take(PARTNER)
    late = [(layer, head) for layer in range(21, 30) for head in range(9)]
    heads = [[(20, 0)], [(20, 0)], [(20, 0)]]
    free, held, itself = put_heads(lm, run, other, heads, [[], late, [(20, 0)]])
    assert torch.equal(free, itself) and not torch.allclose(free, held, atol=0.1)

    def put(z):
        z = z.clone()
        z[:, -1, :64] = other.z[20][:, :64]
        return z

    def hold(layer):
        def kept(z):
            z = z.clone()
            z[:, -1] = run.z[layer]
            return z

        return kept

    patches = {f"layers.{layer}.attn.z": hold(layer) for layer in range(21, 30)} | {"layers.20.attn.z": put}
    with torch.no_grad(), patch(lm, patches):
        whole = lm.model(input_ids=sentence.tokens, use_cache=False).logits[:, -1].float()
    assert torch.allclose(held, whole, atol=2e-3)
    with pytest.raises(ValueError, match="1 sets of heads, 2 to be held"):
        put_heads(lm, run, other, [[(20, 0)]], [[], []])


@pytest.mark.parametrize(
    "call, error, complaint",
    [
        (lambda lm, two, one: put_heads(lm, two, one, [[(0, 0)]]), ValueError, "2 prompts, and 1 in the run"),
        (lambda lm, two, one: put_heads(lm, two, two, []), ValueError, "no sets of heads"),
        (lambda lm, two, one: put_heads(lm, two, two, [[(0, -1)]]), IndexError, r"head \(0, -1\) isn't there"),
        (lambda lm, two, one: put_heads(lm, two, two, [[(-1, 0)]]), IndexError, r"head \(-1, 0\) isn't there"),
        (lambda lm, two, one: put_heads(lm, two, two, [[]], [[(0, 99)]]), IndexError, r"head \(0, 99\) isn't there"),
        (lambda lm, two, one: read_from(lm, two, [Edges(one, [1], [0])]), ValueError, "2 prompts, and 1 in the run"),
        (lambda lm, two, one: read_from(lm, two, []), ValueError, "no edges"),
        (lambda lm, two, one: attributions(lm, two, one, ANY, ANY), ValueError, "2 prompts, and 1 in the run"),
        (lambda lm, two, one: attributions(lm, two, two, ANY[:1], ANY), ValueError, r"right has shape \(1,\)"),
    ],
)
def test_what_no_run_can_give_is_refused(lm, call, error, complaint):
    two = run_prompts(lm, torch.tensor([[5, 6, 7], [8, 9, 10]]))
    with pytest.raises(error, match=complaint):
        call(lm, two, two.take([0]))


ANY = torch.tensor([5, 6])


def test_two_simple_programs_on_a_sequence_counted_by_hand():
    tokens = torch.tensor([[4, 7, 4, 7, 4]])  # the repeat starts at place 2; places 3 and 4 count
    by_count, by_follower = simple_losses(tokens, torch.tensor([2]))
    assert by_count == pytest.approx(-(np.log(1 / 3) + np.log(2 / 4)) / 2)
    assert by_follower == pytest.approx(0)
    twice = torch.tensor([[4, 4, 7, 4, 4]])  # period 3; at place 4 the 4 was followed by 4 and by 7
    assert simple_losses(twice, torch.tensor([3]))[1] == pytest.approx(np.log(2))

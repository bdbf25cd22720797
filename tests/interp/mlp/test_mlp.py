"""Feed-forward layers: triggers and values on made-up numbers, lenses, and shares that sum to the logit."""

import numpy as np
import pytest
import torch
from alignlab.interp.mlp.attribution import direct_attribution
from alignlab.interp.mlp.effect import pushed
from alignlab.interp.mlp.lens import distance, divergence, fit_translator, read
from alignlab.interp.mlp.memories import (
    agreement,
    alike,
    directions,
    keys_of,
    matched_keys,
    memorize,
    mixed_keys,
    promotion,
    random_facts,
    readout,
    recall,
    recall_without,
    triggers,
    value_logits,
    values_of,
)
from alignlab.interp.mlp.recall import (
    answer_logprobs,
    capitals,
    last_token_of,
    noise_as_large,
    one_cycle,
    outputs_at,
    repetitions,
)
from alignlab.lm import LM, TinyConfig, TinyTransformer, capture, encode, load_lm, logprobs


@pytest.fixture(scope="module")
def lm() -> LM:
    return load_lm("smollm2-135m-instruct")


def test_shares_sum_to_the_logit_exactly(lm):
    prompts, tokens = ["The capital of France is", "Two and two"], [1000, 2000]
    shares = direct_attribution(lm, prompts, tokens)
    assert shares.shape == (2, 61)
    with torch.no_grad():
        for prompt, token, row in zip(prompts, tokens, shares):
            logit = lm.model(input_ids=torch.tensor([encode(lm, prompt)])).logits[0, -1, token]
            assert float(row.sum()) == pytest.approx(float(logit), abs=2e-3)
    difference = direct_attribution(lm, prompts, tokens, minus=[5, 6])
    assert torch.allclose(difference, shares - direct_attribution(lm, prompts, [5, 6]), atol=1e-3)
    with pytest.raises(ValueError, match="one token a prompt"):
        direct_attribution(lm, prompts, [1])


def test_the_lens_at_the_last_layer_is_the_prediction(lm):
    prompt = "The capital of France is"
    stream = capture(lm, [prompt], ["layers.29.resid"])["layers.29.resid"]
    with torch.no_grad():
        logits = lm.model(input_ids=torch.tensor([encode(lm, prompt)])).logits[:, -1]
    assert torch.allclose(read(lm, stream), logits.log_softmax(-1), atol=1e-4)
    assert abs(float(divergence(read(lm, stream), read(lm, stream)))) < 1e-5


def test_the_distance_of_a_lens_is_the_divergence_of_what_it_reads(lm):
    ends = capture(lm, ["The capital of France is", "One, two,"], ["layers.20.resid", "layers.29.resid"])
    early, end = ends["layers.20.resid"], read(lm, ends["layers.29.resid"])
    shifted = fit_translator(early + 1, early, penalty=1.0)
    for translator in (None, shifted):
        want = divergence(end, read(lm, early, translator))
        assert torch.allclose(distance(lm, end, early, translator), want, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="it must be"):
        distance(lm, end[:, :5], early)


def test_a_translator_finds_an_affine_map_and_is_the_identity_where_it_knows_nothing():
    rng = np.random.default_rng(0)
    x, matrix = rng.normal(size=(200, 5)), rng.normal(size=(5, 5))
    fitted = fit_translator(x, x @ matrix + 3, penalty=1e-8)
    assert torch.allclose(fitted(torch.from_numpy(x).float()), torch.from_numpy(x @ matrix + 3).float(), atol=1e-3)
    strong = fit_translator(x, x @ matrix, penalty=1e9)
    assert torch.allclose(strong.matrix, torch.eye(5), atol=1e-4)
    with pytest.raises(ValueError, match="equal shape"):
        fit_translator(x, x[:, :3])


def test_the_divergence_is_that_of_two_distributions():
    p, q = torch.tensor([[0.5, 0.5]]).log(), torch.tensor([[0.25, 0.75]]).log()
    assert float(divergence(p, q)) == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(2 / 3), abs=1e-6)


def test_a_value_is_what_its_neuron_adds_to_the_logits():
    model = TinyTransformer(TinyConfig(vocab=7, d_model=8, n_layers=1, n_heads=2, context=4), seed=0)
    model.requires_grad_(False)
    one = torch.zeros(32)
    one[5] = 1
    logits = (model.layers[0].mlp.down_proj(one) * model.norm.weight) @ model.unembed.weight.T
    assert torch.allclose(value_logits(model, 0, [5])[0], logits - logits.mean(), atol=1e-6)


def test_triggers_are_by_size_and_keep_their_sign():
    best, signs = triggers(torch.tensor([[1.0, 0.0], [-3.0, 2.0], [2.0, -1.0]]), 2)
    assert best.tolist() == [[1, 2], [1, 2]] and signs.tolist() == [[-1, 1], [1, -1]]
    values = torch.tensor([[1.0, 5.0, -9.0], [1.0, 5.0, -9.0]])
    assert agreement(values, signs[:, 0], torch.tensor([2, 1]), top=1).tolist() == [True, True]
    assert agreement(values, -signs[:, 0], torch.tensor([2, 1]), top=1).tolist() == [False, False]


def test_random_directions_compute_what_the_neurons_compute():
    model = TinyTransformer(TinyConfig(vocab=7, d_model=8, n_layers=1, n_heads=2, context=4), seed=0)
    model.requires_grad_(False)
    units, hidden = directions(32, 32, seed=1), torch.randn(5, 32, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(units @ units.T, torch.eye(32), atol=1e-5)
    together = (hidden @ units.T) @ values_of(model, 0, units)
    assert torch.allclose(together, model.layers[0].mlp.down_proj(hidden), atol=1e-5)
    assert torch.allclose(value_logits(model, 0, torch.eye(32)), value_logits(model, 0, range(32)), atol=1e-6)
    assert not torch.equal(units, directions(32, 32, seed=2))


def test_promotion_counts_in_standard_deviations_over_the_vocabulary():
    model = TinyTransformer(TinyConfig(vocab=50, d_model=8, n_layers=1, n_heads=2, context=4), seed=0)
    model.requires_grad_(False)
    model.norm.weight.copy_(torch.linspace(0.5, 2, 8))
    logits = value_logits(model, 0, [3, 4])
    scores = logits / logits.std(1, correction=0, keepdim=True)
    tokens, signs = torch.tensor([[7, 8], [9, 10]]), torch.tensor([[1.0, -1.0], [1.0, 1.0]])
    found = promotion(values_of(model, 0, [3, 4]), signs, tokens, readout(model))
    assert torch.allclose(found, signs * scores.gather(1, tokens), atol=1e-4)


def test_pairs_of_triggers_are_counted_across_passages_only():
    best = torch.tensor([[0, 1, 2], [3, 4, 5]])
    labels, passages = np.array([7, 7, 7, 1, 2, 2]), np.array([0, 0, 1, 2, 3, 4])
    # pairs across passages: 0-2 and 1-2 of the first key (both alike), all three of the second (one alike)
    assert alike(best, labels, passages) == pytest.approx(3 / 5)
    assert alike(best, np.arange(6), passages) == 0
    with pytest.raises(ValueError, match="no pair is left"):
        alike(best, labels, np.zeros(6, dtype=int))


def test_mixed_keys_keep_each_coordinate_and_mix_the_keys(lm):
    before = torch.randn(3, lm.d_model, generator=torch.Generator().manual_seed(0))
    block = lm.model.model.layers[4]
    mixed = mixed_keys(lm, 4, before, seed=0)
    assert mixed.shape == (3, 1536) and torch.equal(mixed, mixed_keys(lm, 4, before, seed=0))
    with torch.no_grad():
        normed = block.post_attention_layernorm(before)
        learned = torch.nn.functional.silu(block.mlp.gate_proj(normed)) * block.mlp.up_proj(normed)
        # along one coordinate alone, the mixed keys are the learned ones in another order
        only = torch.zeros(1, lm.d_model)
        only[0, 17] = 1
        normed = block.post_attention_layernorm(only)
        one = torch.nn.functional.silu(block.mlp.gate_proj(normed)) * block.mlp.up_proj(normed)
    assert torch.allclose(mixed_keys(lm, 4, only, seed=0).sort().values, one.sort().values, atol=1e-5)
    assert not torch.allclose(mixed.sort().values, learned.sort().values, atol=1e-3)


def test_matched_keys_have_the_mean_and_the_covariance_of_the_learned_ones(lm):
    block = lm.model.model.layers[4]
    # a stream along one coordinate: what a key answers is known from its own two numbers there
    only = torch.zeros(2, lm.d_model)
    only[0, 17], only[1, 17] = 1, -1
    with torch.no_grad():
        x = float(block.post_attention_layernorm(only)[0, 17])
        learned = torch.cat([block.mlp.gate_proj.weight[:, [17]], block.mlp.up_proj.weight[:, [17]]], 1) * x
    plus, minus = matched_keys(lm, 4, only, seed=0)
    # silu(g) u and silu(-g)(-u) sum to g u
    product = learned.prod(1)
    assert float((plus + minus).mean()) == pytest.approx(
        float(product.mean()), abs=4 * float(product.std()) / 1536**0.5
    )
    assert 0.6 < float((plus + minus).std() / product.std()) < 1.6
    assert not torch.allclose(plus, matched_keys(lm, 4, only, seed=1)[0])
    few = matched_keys(lm, 4, only, seed=0, number=5)
    assert torch.allclose(few[0], plus[:5], atol=1e-5) and len(few[0]) == 5
    assert mixed_keys(lm, 4, only, seed=0, number=5).shape == (2, 5)


def test_a_layers_own_keys_on_its_own_stream_are_its_coefficients(lm):
    ids = torch.tensor([encode(lm, "The capital of France is")])
    found = capture(lm, ids, ["layers.3.resid", "layers.4.attn.out", "layers.4.mlp.hidden"], positions="all")
    before = (found["layers.3.resid"] + found["layers.4.attn.out"])[0]
    assert torch.allclose(keys_of(lm, 4, before), found["layers.4.mlp.hidden"][0], atol=1e-3)
    assert not torch.allclose(keys_of(lm, 5, before), found["layers.4.mlp.hidden"][0], atol=0.1)


def test_what_is_pushed_at_the_end_is_read_at_once_and_below_runs_through_the_layers(lm):
    ids = torch.tensor([encode(lm, "The capital of France is")])
    found = capture(lm, ids, ["layers.10.resid", "layers.29.resid"], positions="all")
    nothing = torch.zeros(1, lm.d_model)
    with torch.no_grad():
        logits = lm.model(input_ids=ids).logits[:, -1]
    assert torch.allclose(pushed(lm, found["layers.10.resid"], 10, nothing), logits, atol=1e-3)
    push = torch.randn(1, lm.d_model, generator=torch.Generator().manual_seed(0))
    ends = read(lm, found["layers.29.resid"][:, -1] + push)
    assert torch.allclose(pushed(lm, found["layers.29.resid"], 29, push).log_softmax(-1), ends, atol=1e-3)


def test_a_table_is_remembered():
    facts = random_facts(0)
    assert len(facts.objects) == 192 and int(facts.objects.max()) < facts.vocab
    assert float(recall(memorize(facts, 0, steps=300), facts).float().mean()) > 0.95
    assert float(recall(memorize(facts, 0, steps=0), facts).float().mean()) < 0.2


def test_taking_neurons_out_is_zeroing_their_values():
    facts = random_facts(1, subjects=6, relations=3, objects=5)
    model = memorize(facts, 1, steps=100, width=16)
    gone = torch.tensor([[0, 3, 5], [1, 2, 4]])
    found, weight = recall_without(model, facts, gone), model.layers[0].mlp.down_proj.weight
    whole = weight.clone()
    for row, right in zip(gone, found):
        weight[:, row] = 0
        assert torch.equal(right, recall(model, facts))
        weight.copy_(whole)


def test_a_name_is_asked_for_without_knowledge():
    prompt, subject, answer = repetitions()[0]
    assert prompt.count(subject) == 1 and answer == f" {subject}"
    assert capitals("{} has the capital")[0] == ("France has the capital", "France", " Paris")


def test_frozen_keys_stay_as_they_were_drawn():
    facts = random_facts(1, subjects=6, relations=3, objects=5)
    start, frozen = (memorize(facts, 1, steps=n, width=16, learn_keys=False) for n in (0, 60))
    free = memorize(facts, 1, steps=60, width=16)
    for name in ("gate_proj", "up_proj"):
        first, kept, moved = (getattr(m.layers[0].mlp, name).weight for m in (start, frozen, free))
        assert torch.equal(first, kept) and not torch.allclose(first, moved, atol=1e-3)
    assert not torch.allclose(start.layers[0].mlp.down_proj.weight, frozen.layers[0].mlp.down_proj.weight, atol=1e-3)


def test_answers_are_scored_as_by_themselves_and_blurred_where_asked(lm):
    facts = capitals()[:4]
    prompts, answers = [f[0] for f in facts], [f[2] for f in facts]
    every = answer_logprobs(lm, prompts, answers)
    plain = every.diagonal()
    assert torch.allclose(every[0, 1], answer_logprobs(lm, prompts[:1], answers[1:2])[0, 0], atol=1e-3)
    alone = [float(scores[0]) for scores in logprobs(lm, prompts, [[answer] for answer in answers])]
    single = [i for i, answer in enumerate(answers) if len(encode(lm, answer)) == 1]
    assert torch.allclose(plain[single], torch.tensor(alone)[single], atol=1e-3) and single
    places = [last_token_of(lm, prompt, subject) for prompt, subject, _ in facts]
    assert lm.tokenizer.decode(encode(lm, prompts[0])[places[0]]) == " France"
    blurred = answer_logprobs(lm, prompts, answers, places, range(10)).diagonal()
    assert float((plain - blurred).mean()) > 1
    one = answer_logprobs(lm, prompts[:1], answers[:1], places[:1], range(10))[0]
    assert torch.allclose(one, plain[:1], atol=1e-4)  # the mean over one fact is that fact's own


def test_what_is_put_at_the_word_is_written_there(lm):
    facts = capitals()[:3]
    prompts, answers = [f[0] for f in facts], [f[2] for f in facts]
    places = [last_token_of(lm, prompt, subject) for prompt, subject, _ in facts]
    plain, written = answer_logprobs(lm, prompts, answers), outputs_at(lm, prompts, places, range(4))
    assert written.shape == (4, 3, lm.d_model)
    same = answer_logprobs(lm, prompts, answers, places, range(4), put=written)
    assert torch.allclose(same, plain, atol=1e-3)
    # all that is written from layer 0 on, and the other country's name with it
    swapped = answer_logprobs(lm, prompts, answers, places, range(4), put=written.roll(1, 1))
    assert torch.equal(swapped.argmax(1), torch.tensor([2, 0, 1])) and torch.equal(plain.argmax(1), torch.arange(3))
    with pytest.raises(ValueError, match="one vector for each"):
        answer_logprobs(lm, prompts, answers, places, range(4), put=written[:2])


def test_prompts_that_are_equal_are_changed_each_by_itself(lm):
    fact = capitals()[0]
    place = last_token_of(lm, fact[0], fact[1])
    put = outputs_at(lm, [fact[0]], [place], range(4))
    both = torch.cat([put, torch.zeros_like(put)], dim=1)
    asked = [fact[0]] * 2, [fact[2]] * 2, [place] * 2
    found = answer_logprobs(lm, *asked, range(4), put=both)
    assert torch.allclose(found[0], answer_logprobs(lm, asked[0][:1], asked[1][:1])[0], atol=1e-3)
    assert not torch.allclose(found[0], found[1], atol=0.1)


def test_another_fact_is_one_of_a_single_cycle():
    other = one_cycle(7, seed=3)
    seen, at = [0], int(other[0])
    while at:
        seen.append(at)
        at = int(other[at])
    assert sorted(seen) == list(range(7)) and not torch.equal(other, one_cycle(7, seed=4))


def test_noise_is_as_long_as_the_way_to_the_other():
    written = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    other = written.roll(1, 1)
    noisy = noise_as_large(written, other, seed=0)
    assert torch.allclose((noisy - written).norm(dim=-1), (other - written).norm(dim=-1), atol=1e-5)
    assert not torch.allclose(noisy, noise_as_large(written, other, seed=1))

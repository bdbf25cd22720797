"""Feed-forward layers: triggers and values on made-up numbers, lenses, and shares that sum to the logit."""

import numpy as np
import pytest
import torch
from alignlab.interp.mlp.attribution import direct_attribution
from alignlab.interp.mlp.lens import divergence, fit_translator, read
from alignlab.interp.mlp.memories import agreement, explained, memorize, random_facts, recall, triggers, value_logits
from alignlab.interp.mlp.recall import answer_logprobs, capitals, last_token_of
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


def test_explained_variance_is_one_for_a_function_of_the_label_and_zero_for_noise():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 40, 400)
    hidden = np.stack([labels * 2.0, rng.normal(size=400)], axis=1)
    many = np.concatenate([explained(rng.normal(size=(400, 50)), labels), explained(hidden, labels)[1:]])
    assert explained(hidden, labels)[0] == pytest.approx(1)
    assert abs(many.mean()) < 0.02
    with pytest.raises(ValueError, match="every label occurs once"):
        explained(hidden[:5], np.arange(5))


def test_a_table_is_remembered():
    facts = random_facts(0)
    assert len(facts.objects) == 192 and int(facts.objects.max()) < facts.vocab
    assert float(recall(memorize(facts, 0, steps=300), facts).float().mean()) > 0.95
    assert float(recall(memorize(facts, 0, steps=0), facts).float().mean()) < 0.2


def test_answers_are_scored_as_by_themselves_and_blurred_where_asked(lm):
    facts = capitals()[:4]
    prompts, answers = [f[0] for f in facts], [f[2] for f in facts]
    plain = answer_logprobs(lm, prompts, answers)
    alone = [float(scores[0]) for scores in logprobs(lm, prompts, [[answer] for answer in answers])]
    single = [i for i, answer in enumerate(answers) if len(encode(lm, answer)) == 1]
    assert torch.allclose(plain[single], torch.tensor(alone)[single], atol=1e-3) and single
    places = [last_token_of(lm, prompt, subject) for prompt, subject, _ in facts]
    assert lm.tokenizer.decode(encode(lm, prompts[0])[places[0]]) == " France"
    blurred = answer_logprobs(lm, prompts, answers, places, range(10))
    assert float((plain - blurred).mean()) > 1
    one = answer_logprobs(lm, prompts[:1], answers[:1], places[:1], range(10))
    assert torch.allclose(one, plain[:1], atol=1e-4)  # the mean over one fact is that fact's own
    with pytest.raises(ValueError, match="does not stand in"):
        last_token_of(lm, "The capital", "Peru")

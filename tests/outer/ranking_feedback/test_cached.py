"""Upper layers on cached hidden states give what the whole model gives, values and gradients."""

import pytest
import torch
from alignlab.lm import encode, load_lm, logprobs
from alignlab.outer.ranking_feedback.cached import answer_sums, run_lower

PROMPTS = ["The capital of France is", "One, two, three, four,"]
ANSWERS = [" Paris, of course.", " five"]


@pytest.fixture(scope="module")
def lm():
    return load_lm("smollm2-135m-instruct", device="cpu")


def cached(lm, first):
    plain = [lm.tokenizer(text, add_special_tokens=False)["input_ids"] for text in ANSWERS]
    return run_lower(lm, [encode(lm, prompt) for prompt in PROMPTS], plain, first)


def test_summed_log_probabilities_are_those_of_the_whole_model(lm):
    expected = torch.tensor([float(logprobs(lm, [p], [[a]])[0][0]) for p, a in zip(PROMPTS, ANSWERS)])
    for first in (1, 18, 29):
        assert torch.allclose(answer_sums(lm, cached(lm, first)), expected, atol=2e-3)


def test_a_selection_is_cut_to_its_longest_text(lm):
    texts = cached(lm, 20)
    assert texts[[1]].ids.shape[1] < texts.ids.shape[1]
    assert torch.allclose(answer_sums(lm, texts[[1]]), answer_sums(lm, texts)[1:], atol=1e-3)


def test_gradients_are_those_of_the_whole_model(lm):
    weight = lm.model.model.layers[29].mlp.up_proj.weight
    texts = cached(lm, 24)
    weight.requires_grad_(True)
    try:
        answer_sums(lm, texts).sum().backward()
        fast, weight.grad = weight.grad, None
        whole = lm.model(input_ids=texts.ids, attention_mask=(texts.ids > 0).long()).logits.log_softmax(-1)
        targets = texts.ids.roll(-1, 1)
        picked = whole.gather(-1, targets[..., None])[..., 0]
        picked[texts.answer.roll(-1, 1)].sum().backward()
        assert torch.allclose(fast, weight.grad, atol=1e-3 * float(weight.grad.abs().max()))
    finally:
        weight.requires_grad_(False)
        weight.grad = None


def test_what_leaves_no_layer_or_no_answer_is_refused(lm):
    with pytest.raises(ValueError, match="between 1 and 29"):
        run_lower(lm, [[1]], [[2]], 30)
    with pytest.raises(ValueError, match="answer 1 is empty"):
        run_lower(lm, [[1], [1]], [[2], []], 5)

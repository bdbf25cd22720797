"""The refusal direction: nothing is left along an ablated direction, an added one is there, openings add up."""

import numpy as np
import pytest
import torch
from alignlab.interp.refusal.begun import begin, declines, holding, starts
from alignlab.interp.refusal.direction import ablated, added, answer_starts, held, refusal_direction
from alignlab.lm import TinyConfig, TinyTransformer, capture, chat_prompt, load_lm, logprobs
from alignlab.lm.declining import declining

REQUESTS = ["How do I bake bread?", "Name a color."]


@pytest.fixture(scope="module")
def lm():
    return load_lm("smollm2-135m-instruct")


def test_the_difference_of_means_needs_equal_widths():
    found = refusal_direction(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.0, 1.0]]))
    assert found.tolist() == [2.0, 2.0]
    with pytest.raises(ValueError, match="compared"):
        refusal_direction(np.ones((2, 3)), np.ones((2, 4)))


def test_an_ablated_direction_is_nowhere_in_the_stream_and_back_afterwards(lm):
    direction = np.random.default_rng(0).normal(size=lm.d_model)
    unit = direction / np.linalg.norm(direction)
    before = answer_starts(lm, REQUESTS, [3, 29])
    with ablated(lm, direction):
        inside = answer_starts(lm, REQUESTS, [3, 29])
    assert np.abs(inside @ unit).max() < 1e-3 * np.abs(before @ unit).max() + 1e-4
    assert np.array_equal(answer_starts(lm, REQUESTS, [3, 29]), before)


def test_an_added_direction_is_added_at_every_position(lm):
    direction = np.zeros(lm.d_model)
    direction[5] = 3.0
    name = "layers.7.resid"
    plain = capture(lm, REQUESTS[:1], [name], positions="all")[name]
    with added(lm, direction, 7, strength=2.0):
        moved = capture(lm, REQUESTS[:1], [name], positions="all")[name]
    assert np.allclose((moved - plain)[0, :, 5], 6.0, atol=1e-4)


def test_declining_adds_the_openings_up_and_none_twice(lm):
    openings = ["I can't", "Sorry"]
    expected = [
        float(scores.double().exp().sum())
        for scores in logprobs(lm, [chat_prompt(lm, r) for r in REQUESTS], [openings] * 2)
    ]
    assert declining(lm, REQUESTS, openings) == pytest.approx(expected)
    with pytest.raises(ValueError, match="begins another"):
        declining(lm, REQUESTS, ["I can't", "I can't help"])


def test_layers_below_a_change_run_once_with_the_same_result(lm):
    direction = np.random.default_rng(0).normal(size=lm.d_model)
    begun = begin(lm, REQUESTS, 17)
    assert declines(lm, begun) == pytest.approx(declining(lm, REQUESTS), rel=1e-3, abs=1e-7)
    with held(lm, direction, 17, 20.0):
        expected = declining(lm, REQUESTS)
    assert declines(lm, begun, holding(direction, 20.0)) == pytest.approx(expected, rel=1e-3, abs=1e-7)
    assert abs(expected - declines(lm, begun)).max() > 1e-4
    before, apart = answer_starts(lm, REQUESTS, [17])[0], starts(lm, REQUESTS, 17, row=1)
    assert np.allclose(starts(lm, REQUESTS, 17), before, atol=1e-3) and np.allclose(apart, before, atol=1e-3)
    with pytest.raises(ValueError, match="layer=30 is not in the model"):
        begin(lm, REQUESTS, 30)


def test_a_tiny_transformer_can_be_changed_too():
    model = TinyTransformer(TinyConfig(vocab=11, d_model=8, n_layers=2, n_heads=2, context=6), seed=0)
    tokens, direction = torch.arange(5)[None], np.random.default_rng(0).normal(size=8)
    unit = torch.from_numpy(direction / np.linalg.norm(direction)).float()
    before = model(tokens)
    with ablated(model, direction):
        assert capture(model, tokens, ["layers.1.resid"])["layers.1.resid"] @ unit == pytest.approx(0.0, abs=1e-6)
    with added(model, direction, 0, strength=2.0):
        moved = capture(model, tokens, ["layers.0.resid"])["layers.0.resid"]
    plain = capture(model, tokens, ["layers.0.resid"])["layers.0.resid"]
    assert np.allclose(moved - plain, 2 * direction, atol=1e-5)
    assert torch.equal(model(tokens), before)


def test_a_held_component_has_that_value_and_the_rest_stays():
    model = TinyTransformer(TinyConfig(vocab=11, d_model=8, n_layers=2, n_heads=2, context=6), seed=0)
    tokens, direction = torch.arange(5)[None], np.random.default_rng(1).normal(size=8)
    unit = torch.from_numpy(direction / np.linalg.norm(direction)).float()
    name = "layers.0.resid"
    plain = capture(model, tokens, [name], positions="all")[name]
    with held(model, direction, 0, 3.5):
        changed = capture(model, tokens, [name], positions="all")[name]
    assert torch.allclose(changed @ unit, torch.full((1, 5), 3.5), atol=1e-5)
    assert torch.allclose(
        changed - (changed @ unit)[..., None] * unit, plain - (plain @ unit)[..., None] * unit, atol=1e-5
    )

"""The start, sharpened: the same order of words, the entropy that was asked for."""

import pytest
import torch
from alignlab.outer.rlhf.sharpening import match_entropy, match_kl, sharpened
from alignlab.toys.storyland import entropy, kl_to, sample, task


def test_a_sharpened_model_draws_as_the_start_does_at_that_temperature():
    world, g = task(0), torch.Generator()
    cold = sample(sharpened(world.sft, 0.5), 64, g.manual_seed(0))
    told = sample(world.sft, 64, g.manual_seed(0), temperature=0.5)
    assert (cold.tokens == told.tokens).float().mean() > 0.98
    with pytest.raises(ValueError, match="above 0, not 0"):
        sharpened(world.sft, 0.0)


def test_the_entropy_asked_for_is_found():
    world = task(0)
    before = world.sft.unembed.weight.clone()
    model = match_entropy(world.sft, 0.8, seed=3)
    assert entropy(model, 1000, torch.Generator().manual_seed(4)) == pytest.approx(0.8, abs=0.05)
    assert torch.equal(world.sft.unembed.weight, before)


def test_the_divergence_asked_for_is_found():
    world, g = task(0), torch.Generator()
    model = match_kl(world.sft, 1.0, seed=3)
    assert kl_to(model, world.sft, 1000, g.manual_seed(4)) == pytest.approx(1.0, abs=0.1)
    assert entropy(model, 1000, g.manual_seed(4)) < entropy(world.sft, 1000, g.manual_seed(4))


def test_more_divergence_than_there_is_gives_the_sharpest_model():
    world, g = task(0), torch.Generator()
    model = match_kl(world.sft, 100.0, seed=3)
    assert torch.allclose(model.unembed.weight, world.sft.unembed.weight / 0.02, rtol=0.02)
    assert kl_to(model, world.sft, 400, g.manual_seed(3)) < 100

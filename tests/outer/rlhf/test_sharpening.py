"""The start, sharpened: the same order of words, the entropy that was asked for."""

import pytest
import torch
from alignlab.outer.rlhf.sharpening import match_entropy, sharpened
from alignlab.toys.storyland import entropy, sample, task


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

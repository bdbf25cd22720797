"""Every method trains on the same comparisons: it moves, repeats, and KTO's baseline is made of other answers."""

import pytest
import torch
from alignlab.outer.ranking_feedback import frontier
from alignlab.outer.ranking_feedback.frontier import fit_pairs, methods, outcome, story_logprobs
from alignlab.toys import storyland


@pytest.fixture(scope="module")
def few():
    """A world and 100 of its comparisons."""
    world = storyland.task(0)
    return world, *world.pairs(100, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", [*methods()])
def test_each_method_moves_the_policy_and_not_the_reference(name, few, monkeypatch):
    world, chosen, rejected = few
    monkeypatch.setattr(frontier, "BATCH", 16)
    method = methods()[name]
    before = [p.clone() for p in world.sft.parameters()]
    settings = {"rounds": 1} if name == "RAFT" else {}
    policy = method.fit(world, chosen, rejected, method.dials[0], 0, steps=2, **settings)
    assert all(torch.equal(p, q) for p, q in zip(world.sft.parameters(), before))
    with torch.no_grad():
        moved = story_logprobs(policy, chosen) - story_logprobs(world.sft, chosen)
    assert 0 < moved.abs().mean() < 2


def test_runs_repeat_and_their_outcome_starts_at_the_reference(few):
    world, chosen, rejected = few
    seen = []

    def loss(batch, dial):
        seen.append((batch, dial))
        return -batch.policy.chosen

    one, two = (fit_pairs(world, chosen, rejected, 0.5, 3, loss=loss, mismatched=True, steps=2) for _ in range(2))
    assert all(torch.equal(p, q) for p, q in zip(one.parameters(), two.parameters()))
    batch, dial = seen[0]
    assert dial == 0.5 and batch.policy.chosen.shape == batch.mismatched.chosen.shape
    assert torch.allclose(batch.policy.chosen, batch.reference.chosen, atol=1e-4)  # the first step starts there
    assert not torch.allclose(batch.mismatched.rejected, batch.reference.chosen)
    gold, kl, words = outcome(world, storyland.clone(world.sft), 0, n=400)
    assert abs(gold) < 0.2 and kl == 0 and 3 < words < 7

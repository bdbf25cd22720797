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


def test_reinforcement_learning_raises_what_it_is_rewarded_for_and_a_higher_beta_holds_it_back(few):
    world, chosen, rejected = few
    kls = [
        outcome(world, methods()["RL"].fit(world, chosen, rejected, beta, 0, steps=20), 0, n=400)[1]
        for beta in (10, 0.1)
    ]
    assert 0 <= kls[0] < kls[1]


def test_two_rounds_ask_again_about_stories_of_the_policy(few, monkeypatch):
    world, chosen, rejected = few
    starts = []
    plain = frontier.fit_pairs

    def watched(world, chosen, rejected, *args, start=None, **more):
        starts.append((len(chosen.tokens), start))
        return plain(world, chosen, rejected, *args, start=start, **more)

    monkeypatch.setattr(frontier, "fit_pairs", watched)
    frontier.fit_rounds(world, chosen, rejected, 1.0, 0, steps=4)
    assert [n for n, _ in starts] == [50, 100] and starts[0][1] is None and starts[1][1] is not None


def test_states_of_a_story_are_summed_over_its_words(few):
    world, chosen, _ = few
    some = type(chosen)(chosen.tokens[:3], chosen.mask[:3])
    states = frontier.story_states(world.sft, some)
    assert states.shape == (3, world.sft.config.d_model)
    logits = world.sft.unembed(states)
    want = (world.sft(some.tokens[:, :-1]) * some.mask[:, 1:, None]).sum(1)
    bias = world.sft.unembed(torch.zeros_like(states))
    assert torch.allclose(logits - bias, want - bias * some.mask[:, 1:].sum(1, keepdim=True), atol=1e-3)

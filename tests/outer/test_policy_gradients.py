"""RLOO, GRPO and A-LoL against small exact cases, and on stories."""

import pytest
import torch
from alignlab.outer.policy_gradients import (
    alol_weights,
    grpo_advantages,
    grpo_loss,
    learn_offline,
    optimize,
    rloo_advantages,
)
from alignlab.toys.storyland import sample, task

REWARDS = torch.tensor([[1.0, 2.0, 6.0], [4.0, 4.0, 4.0]])


def test_leave_one_out_compares_with_the_others():
    assert rloo_advantages(REWARDS).tolist() == [[-3.0, -1.5, 4.5], [0.0, 0.0, 0.0]]
    assert torch.allclose(rloo_advantages(REWARDS), (REWARDS - REWARDS.mean(1, keepdim=True)) * 3 / 2)
    assert torch.allclose(rloo_advantages(REWARDS + 7), rloo_advantages(REWARDS))
    with pytest.raises(ValueError, match="at least 2"):
        rloo_advantages(torch.ones(3, 1))


def test_leave_one_out_gradient_is_unbiased_and_less_noisy():
    """Over all pairs of draws from three arms: the same expected gradient as REINFORCE, with less variance."""
    logits = torch.tensor([0.3, -0.2, 0.5], dtype=torch.float64)
    p, reward = logits.softmax(-1), torch.tensor([3.0, 4.0, 5.0], dtype=torch.float64)
    score = torch.eye(3, dtype=torch.float64) - p  # gradient of log p(arm)
    exact = (p * reward) @ score
    draws = [(i, j, p[i] * p[j]) for i in range(3) for j in range(3)]

    def moments(advantage):
        gradients = torch.stack([(advantage(i, j) * score[i] + advantage(j, i) * score[j]) / 2 for i, j, _ in draws])
        weights = torch.stack([w for *_, w in draws])
        mean = weights @ gradients
        return mean, float(weights @ (gradients - mean).square().sum(1))

    plain, others = moments(lambda i, j: reward[i]), moments(lambda i, j: reward[i] - reward[j])
    assert torch.allclose(plain[0], exact) and torch.allclose(others[0], exact)
    assert others[1] < 0.2 * plain[1]


def test_group_advantages_are_whitened_and_equal_rewards_give_none():
    a = grpo_advantages(REWARDS)
    assert a[0].mean().abs() < 1e-6 and a[0].std() == pytest.approx(1, abs=1e-3) and not a[1].any()
    assert grpo_advantages(REWARDS, scale=False).tolist() == [[-2.0, -1.0, 3.0], [0.0, 0.0, 0.0]]


def test_the_three_ways_to_count_tokens():
    mask = torch.tensor([[True, True, True, True], [True, False, False, False]])
    logp, advantages = torch.zeros(2, 4), torch.tensor([1.0, -1.0])

    def loss(count):
        return float(grpo_loss(logp, logp, advantages, mask, count=count))

    assert loss("text") == 0  # each text weighs the same, whatever its length
    assert loss("token") == pytest.approx(-3 / 5)
    assert loss("constant") == pytest.approx(-3 / 8)


def test_loss_has_ppos_clip_an_upper_bound_of_its_own_and_the_k3_penalty():
    mask, up = torch.ones(1, 1, dtype=torch.bool), torch.tensor([1.0])
    logp = torch.tensor([[1.5]]).log()
    assert grpo_loss(logp, torch.zeros(1, 1), up, mask) == pytest.approx(-1.2)
    assert grpo_loss(logp, torch.zeros(1, 1), up, mask, clip_high=0.28) == pytest.approx(-1.28)
    reference = torch.zeros(1, 1)
    k3 = 1 / 1.5 - 1 + float(logp)
    assert grpo_loss(logp, logp, 0 * up, mask, reference=reference, beta=0.5) == pytest.approx(0.5 * k3, abs=1e-6)


@pytest.mark.parametrize("method", ["reinforce", "mean", "rloo", "grpo"])
def test_each_method_earns_reward(method):
    world = task(0)
    run = optimize(world.sft, world.gold, 0, method, steps=20, lr=1e-2)
    assert run.history["reward"][-4:].mean() > run.history["reward"][:2].mean() + 0.4
    assert set(run.history) == {"reward", "gold", "kl", "entropy"}


def test_offline_weights_are_advantage_times_a_clipped_ratio():
    weights = alol_weights(torch.tensor([2.0, 2.0, 0.5]), torch.tensor([1.0, 1.0, 1.0]), torch.tensor([0.0, 9.0, 0.0]))
    assert weights.tolist() == pytest.approx([1.0, 1.9, 0.0])


def test_offline_learning_reads_only_what_has_an_advantage():
    world = task(0)
    stories = sample(world.base, 400, torch.Generator().manual_seed(0))
    rewards, values = world.gold(*stories), torch.zeros(400)
    learned = learn_offline(world.base, stories, rewards, values, seed=0, steps=10)
    broken = stories.tokens.clone()
    broken[rewards <= 0] = 5  # must never be read
    again = learn_offline(world.base, stories._replace(tokens=broken), rewards, values, seed=0, steps=10)
    assert torch.equal(learned.unembed.weight, again.unembed.weight)
    with pytest.raises(ValueError, match="nothing to learn"):
        learn_offline(world.base, stories, rewards, values + 99, seed=0)


def test_weights_are_left_out_where_asked():
    world = task(0)
    stories = sample(world.base, 200, torch.Generator().manual_seed(0))
    rewards, values = world.gold(*stories), torch.zeros(200)
    plain, scaled = (
        learn_offline(world.base, stories, factor * rewards, values, seed=0, steps=5, weighted=False)
        for factor in (1, 9)
    )
    weighted = learn_offline(world.base, stories, rewards, values, seed=0, steps=5)
    assert torch.equal(plain.unembed.weight, scaled.unembed.weight)
    assert not torch.equal(plain.unembed.weight, weighted.unembed.weight)

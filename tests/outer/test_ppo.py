"""PPO's details one by one, each against a number that can be worked out by hand, and the whole on stories."""

import inspect
from dataclasses import replace

import pytest
import torch
from alignlab.lm import TinyConfig, TinyTransformer
from alignlab.outer import ppo as module
from alignlab.outer.ppo import (
    Settings,
    gae,
    kl_estimate,
    masked_mean,
    policy_loss,
    positions,
    ppo,
    response_mask,
    token_rewards,
    value_loss,
    whiten,
)
from alignlab.toys.storyland import task

MASK = torch.tensor([[False, True, True, True, False], [False, True, False, False, False]])


def normal(*shape, seed=0):
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_response_mask_keeps_the_stop_token_and_drops_what_follows():
    tokens = torch.tensor([[7, 2, 5, 2, 6, 2], [7, 7, 5, 6, 5, 6]])
    expected = [[False, False, True, True, False, False], [False, False, True, True, True, True]]
    assert response_mask(tokens, 2, 2).tolist() == expected  # a stop token in the prompt doesn't end the answer


def test_left_padded_rows_count_from_their_first_real_token():
    assert positions(torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1]])).tolist() == [[0, 0, 0, 1], [0, 1, 2, 3]]


def test_left_padding_without_positions_changes_log_probabilities():
    from transformers import GPT2Config, GPT2LMHeadModel

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = GPT2LMHeadModel(GPT2Config(vocab_size=20, n_positions=16, n_embd=16, n_layer=1, n_head=2)).eval()
    alone, padded = torch.tensor([[4, 5, 6]]), torch.tensor([[0, 0, 4, 5, 6]])
    attention = torch.tensor([[0, 0, 1, 1, 1]])
    right = model(padded, attention_mask=attention, position_ids=positions(attention)).logits[:, -1]
    wrong = model(padded, attention_mask=attention, position_ids=torch.arange(5)[None]).logits[:, -1]
    reference = model(alone).logits[:, -1]
    assert torch.allclose(right, reference, atol=1e-6) and not torch.allclose(wrong, reference, atol=1e-3)


def test_masked_mean_counts_tokens_not_texts():
    x = torch.tensor([[9.0, 1, 2, 3, 9], [9, 10, 9, 9, 9]])
    assert masked_mean(x, MASK) == 4


def test_whitening_sees_only_the_mask():
    x = normal(2, 5) * 3 + 5
    white = whiten(x, MASK)
    assert white[MASK].mean().abs() < 1e-9 and (white[MASK].var(unbiased=False) - 1).abs() < 1e-6
    assert not white[~MASK].any()
    other = x.clone()
    other[~MASK] = 1e6
    assert torch.equal(whiten(other, MASK), white)
    assert whiten(x, MASK, shift_mean=False)[MASK].mean() == pytest.approx(float(x[MASK].mean()))


def test_estimators_agree_in_expectation_as_far_as_they_should():
    p, q = normal(30, seed=1).softmax(-1), (normal(30, seed=1) + 0.2 * normal(30, seed=2)).softmax(-1)
    ratio = (p / q).log()
    exact = (p * ratio).sum()
    k1, k2, k3 = (kl_estimate(ratio, kind) for kind in ("k1", "k2", "k3"))
    assert (p * k1).sum() == pytest.approx(float(exact), abs=1e-12)
    assert (p * k3).sum() == pytest.approx(float(exact), abs=1e-12)
    assert abs((p * k2).sum() - exact) > 1e-5
    assert (k1 < 0).any() and (k2 >= 0).all() and (k3 >= 0).all()
    assert kl_estimate(torch.zeros(3), "k3").tolist() == [0, 0, 0]

    def variance(k):
        return (p * (k - (p * k).sum()) ** 2).sum()

    assert variance(k3) < 0.1 * variance(k1)


def test_the_score_stands_at_the_last_token_and_every_token_pays_for_its_kl():
    kl = torch.full((2, 5), 0.5)
    rewards = token_rewards(torch.tensor([2.0, -1.0]), kl, MASK, beta=0.1)
    assert torch.allclose(rewards, torch.tensor([[0, -0.05, -0.05, 1.95, 0], [0, -1.05, 0, 0, 0]]))


def test_gae_with_lambda_one_is_return_minus_value():
    rewards, values = normal(2, 5, seed=3) * MASK, normal(2, 5, seed=4)
    advantages, returns = gae(rewards, values, MASK, gamma=0.9, lam=1.0)
    discounted = torch.zeros(2, 5, dtype=torch.float64)
    for t in range(5):
        discounted[:, t] = sum(0.9 ** (s - t) * rewards[:, s] for s in range(t, 5))
    assert torch.allclose(advantages, (discounted - values) * MASK)
    assert torch.allclose(returns, discounted * MASK)


def test_gae_with_lambda_zero_is_the_one_step_error_and_between_them_the_sum():
    rewards, values = normal(1, 5, seed=5) * MASK[:1], normal(1, 5, seed=6)
    v = torch.where(MASK[0], values[0], 0)
    error = (rewards[0] + 0.9 * torch.cat([v[1:], torch.zeros(1)]) - v) * MASK[0]
    advantages, _ = gae(rewards, values, MASK[:1], gamma=0.9, lam=0.0)
    assert torch.allclose(advantages[0], error)
    advantages, _ = gae(rewards, values, MASK[:1], gamma=0.9, lam=0.8)
    assert advantages[0, 1] == pytest.approx(float(error[1] + 0.72 * error[2] + 0.72**2 * error[3]))


def test_what_stands_outside_the_mask_moves_no_advantage():
    rewards, values = normal(2, 5, seed=7) * MASK, normal(2, 5, seed=8)
    wild = torch.where(MASK, values, 1e6)
    assert torch.allclose(gae(rewards, values, MASK, 1.0, 0.95)[0], gae(rewards, wild, MASK, 1.0, 0.95)[0])


@pytest.mark.parametrize(
    ("ratio", "advantage", "has_gradient"),
    [(1.5, 1.0, False), (1.5, -1.0, True), (0.5, -1.0, False), (0.5, 1.0, True), (1.1, 1.0, True)],
)
def test_the_clip_stops_a_token_only_in_its_advantages_favor(ratio, advantage, has_gradient):
    logp = torch.tensor([[ratio]]).log().requires_grad_()
    every = torch.ones(1, 1, dtype=torch.bool)
    loss, share = policy_loss(logp, torch.zeros(1, 1), torch.tensor([[advantage]]), every, clip=0.2)
    loss.backward()
    assert bool(logp.grad.any()) == has_gradient and share == float(not has_gradient)


def test_the_first_pass_over_a_batch_is_the_plain_policy_gradient():
    logp = normal(2, 5, seed=9).requires_grad_()
    advantages = normal(2, 5, seed=10)
    policy_loss(logp, logp.detach(), advantages, MASK, clip=0.2)[0].backward()
    assert torch.allclose(logp.grad, -advantages * MASK / MASK.sum())


def test_value_clipping_takes_the_worse_error():
    every = torch.ones(1, 1, dtype=torch.bool)
    value, old, target = (torch.tensor([[x]]) for x in (1.0, 0.0, 1.0))
    assert value_loss(value, old, target, every, clip=0.2) == pytest.approx(0.5 * 0.8**2)
    assert value_loss(value, old, target, every, clip=float("inf")) == 0


def test_adams_epsilon_shrinks_the_step_of_a_small_gradient():
    steps = []
    for eps in (Settings().eps, 1e-8):
        weight = torch.nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.Adam([weight], lr=1.0, eps=eps)
        weight.grad = torch.tensor([1e-6])
        optimizer.step()
        steps.append(abs(float(weight.detach())))
    assert Settings().eps == 1e-5
    assert steps[0] == pytest.approx(1 / 11, rel=1e-3) and steps[1] == pytest.approx(1, rel=0.02)
    assert "eps=s.eps" in inspect.getsource(module.ppo)


@pytest.fixture(scope="module")
def world():
    return task(0)


def test_ppo_earns_reward_and_pays_for_divergence(world):
    short = Settings(steps=15)
    run = ppo(world.sft, world.gold, 0, short)
    assert run.history["reward"][-3:].mean() > run.history["reward"][0] + 0.4
    assert run.history["kl"][0] == pytest.approx(0, abs=1e-4) and run.history["kl"][-1] > 0.3
    dear = ppo(world.sft, world.gold, 0, replace(short, kl=5.0))
    assert dear.history["kl"][-1] < 0.3 * run.history["kl"][-1]
    assert all(len(column) == 15 for column in run.history.values())


def test_ppo_repeats_and_leaves_the_start_alone(world):
    before = world.sft.unembed.weight.clone()
    a, b = (ppo(world.sft, world.gold, 3, Settings(steps=3)) for _ in range(2))
    assert torch.equal(a.policy.unembed.weight, b.policy.unembed.weight)
    assert torch.equal(world.sft.unembed.weight, before) and not a.policy.unembed.weight.requires_grad


def test_unfinished_texts_get_the_penalty_instead_of_their_score():
    tiny = TinyTransformer(TinyConfig(vocab=24, d_model=8, n_layers=1, n_heads=2, context=13), seed=0)
    loud = Settings(steps=12, lr=3e-2, unfinished=-20.0, kl=0.0)
    run = ppo(tiny, lambda tokens, mask: torch.zeros(len(tokens)), 0, loud)
    from alignlab.toys.storyland import END, sample

    finished = [
        float((sample(m, 500, torch.Generator().manual_seed(0)).tokens == END).any(1).float().mean())
        for m in (tiny, run.policy)
    ]
    assert finished[1] > finished[0] + 0.1


def test_k3_as_a_loss_has_the_gradient_of_the_other_divergence():
    """With the drawn tokens held fixed, the expected gradient of k3 is that of KL(reference || policy)."""
    reference, logits = normal(8, seed=5).log_softmax(-1), normal(8, seed=6).requires_grad_()
    logp = logits.log_softmax(-1)
    drawn = logp.detach().exp()
    (of_k3,) = torch.autograd.grad((drawn * kl_estimate(logp - reference, "k3")).sum(), logits, retain_graph=True)
    (other,) = torch.autograd.grad((reference.exp() * (reference - logp)).sum(), logits, retain_graph=True)
    (own,) = torch.autograd.grad((logp.exp() * (logp - reference)).sum(), logits)
    assert torch.allclose(of_k3, other) and not torch.allclose(of_k3, own, atol=1e-3)


def test_mixing_pretraining_text_keeps_its_likelihood():
    from alignlab.toys.storyland import logprobs, sample

    world = task(0)
    told = sample(world.base, 400, torch.Generator().manual_seed(0))
    settings = Settings(steps=6, texts=32)

    def likelihood(run):
        return float(masked_mean(logprobs(run.policy, *told), told.mask))

    plain = ppo(world.sft, world.gold, 0, settings)
    mixed = ppo(world.sft, world.gold, 0, replace(settings, ptx=1.0), pretraining=told)
    assert likelihood(mixed) > likelihood(plain)
    with pytest.raises(ValueError, match="no pretraining text"):
        ppo(world.sft, world.gold, 0, replace(settings, ptx=1.0))

"""Reward modeling: exact values, and what the simulated annotators promise."""

import math

import numpy as np
import pytest
import torch
from alignlab.outer import preferences, reward


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_loss_of_equal_rewards_is_ln_2():
    zero = torch.zeros(3)
    assert torch.allclose(reward.bradley_terry_loss(zero, zero), torch.full((3,), math.log(2)))


def test_plackett_luce_with_two_answers_is_bradley_terry():
    rewards = torch.randn(5, 2, generator=generator())
    assert torch.allclose(reward.plackett_luce_loss(rewards), reward.bradley_terry_loss(rewards[:, 0], rewards[:, 1]))


def test_plackett_luce_of_equal_rewards_is_ln_k_factorial():
    assert torch.allclose(reward.plackett_luce_loss(torch.zeros(1, 4)), torch.tensor([math.log(24)]))


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\(2,\).*\(3,\)"):
        reward.bradley_terry_loss(torch.zeros(2), torch.zeros(3))


def test_picks_follow_the_bradley_terry_probability():
    answers = torch.zeros(20000, 2, 2, dtype=torch.float64)
    answers[:, 0, 1] = 1.0  # reward 1.2 against 0
    ranked = preferences.rank(answers, torch.tensor([0.0, 1.2], dtype=torch.float64), generator())
    share = (ranked[:, 0, 1] == 1).double().mean()
    assert abs(share - torch.sigmoid(torch.tensor(1.2))) < 0.01


def test_the_fit_stands_where_the_losss_gradient_vanishes():
    g = generator(3)
    rankings = preferences.rank(
        torch.randn(60, 4, 3, dtype=torch.float64, generator=g), preferences.true_reward(3, 1.0, g), g
    )
    weights = reward.fit_reward(rankings, ridge=0.1).requires_grad_()
    (reward.plackett_luce_loss(rankings @ weights).sum() + 0.05 * weights.square().sum()).backward()
    assert weights.grad.abs().max() < 1e-8


def test_a_ranking_of_four_gives_six_pairs_better_first():
    rankings = torch.arange(4.0).flip(0).reshape(1, 4, 1)
    pairs = preferences.split_into_pairs(rankings)
    assert pairs.shape == (6, 2, 1)
    assert (pairs[:, 0] > pairs[:, 1]).all()


def test_agreement_counts_ties_as_half():
    assert reward.agreement(torch.zeros(2, dtype=torch.float64), torch.ones(4, 2), torch.zeros(4, 2)) == 0.5


def test_contrast_answers_are_whole():
    rows = preferences.contrast_answers()
    assert len(rows) == 48
    assert all(set(row.flawed) == {"rude", "evasive", "wrong", "off-topic"} and row.good for row in rows)
    assert len({row.prompt for row in rows}) == 48


def test_twins_lend_each_other_their_off_topic_answers_and_share_no_text_with_others():
    rows = preferences.contrast_answers()
    for first, second in zip(rows[::2], rows[1::2]):
        assert (first.flawed["off-topic"], second.flawed["off-topic"]) == (second.good, first.good)
    texts = [
        {text for row in twins for text in (row.good, *row.flawed.values())} for twins in zip(rows[::2], rows[1::2])
    ]
    assert sum(map(len, texts)) == len(set().union(*texts))


def test_calibration_error_is_the_gap_where_all_claims_are_alike_and_zero_where_they_come_true():
    claimed = np.full(100, 0.9)
    assert reward.calibration_error(claimed, np.r_[np.ones(60), np.zeros(40)]) == pytest.approx(0.3)
    assert reward.calibration_error(claimed, np.r_[np.ones(90), np.zeros(10)]) == pytest.approx(0)
    two = np.r_[np.full(50, 0.55), np.full(50, 1.0)]  # errors of opposite sign don't cancel between groups
    assert reward.calibration_error(two, np.r_[np.ones(50), np.full(50, 0.55)]) == pytest.approx(0.45)


@pytest.mark.parametrize("groups", [0, -1, 1.5])
def test_claims_are_grouped_into_one_group_at_least(groups):
    with pytest.raises(ValueError, match=f"groups={groups}: a whole number"):
        reward.calibration_error(np.array([0.6, 0.9]), np.array([1, 0]), groups)

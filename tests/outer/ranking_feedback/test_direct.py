"""Losses of preference learning: exact values, slopes, special cases, and what is refused."""

import math

import pytest
import torch
from alignlab.outer.ranking_feedback.direct import (
    Pair,
    dpo_loss,
    hinge_loss,
    ipo_loss,
    kto_loss,
    log_ratio_margin,
    mismatched_kl,
    orpo_loss,
    simpo_loss,
    slic_loss,
)
from alignlab.outer.ranking_feedback.ranked import best_of, cringe_loss, pro_loss, rrhf_loss
from alignlab.outer.reward import bradley_terry_loss


def draw(seed: int = 0, n: int = 5) -> tuple[Pair, Pair, Pair]:
    """Log-probabilities of policy and reference, and lengths."""
    g = torch.Generator().manual_seed(seed)
    policy, reference = (Pair(*(-20 * torch.rand(2, n, dtype=torch.float64, generator=g) - 1)) for _ in range(2))
    return policy, reference, Pair(*torch.randint(2, 9, (2, n), generator=g))


START = draw(1)[0]


@pytest.mark.parametrize(
    ("loss", "value"), [(dpo_loss, math.log(2)), (hinge_loss, 1.0), (ipo_loss, 25.0)], ids=["dpo", "hinge", "ipo"]
)
def test_value_at_the_start(loss, value):
    assert loss(START, START, beta=0.1).tolist() == pytest.approx([value] * 5)


def test_other_values_at_the_start():
    desirable = torch.tensor([True, False, True, False, True])
    assert kto_loss(START.chosen, START.chosen, desirable).tolist() == pytest.approx([0.5] * 5)
    assert bradley_terry_loss(START.chosen, START.chosen).tolist() == pytest.approx([math.log(2)] * 5)
    same, lengths = Pair(START.chosen, START.chosen), Pair(*torch.full((2, 5), 4))
    assert simpo_loss(same, lengths, gamma=0.0).tolist() == pytest.approx([math.log(2)] * 5)
    assert (orpo_loss(same, lengths, 1.0) + same.chosen / 4).tolist() == pytest.approx([math.log(2)] * 5)
    assert slic_loss(same, torch.zeros(5), delta=1.5).tolist() == pytest.approx([1.5] * 5)


def test_dpo_is_bradley_terry_on_implicit_rewards():
    policy, reference, _ = draw(2)
    chosen, rejected = (0.3 * (p - r) for p, r in zip(policy, reference))
    assert torch.allclose(dpo_loss(policy, reference, 0.3), bradley_terry_loss(chosen, rejected))


def test_dpo_slope_is_the_probability_of_the_wrong_order():
    policy, reference, _ = draw(3)
    policy = Pair(*(p.requires_grad_() for p in policy))
    chosen, rejected = torch.autograd.grad(dpo_loss(policy, reference, 0.2).sum(), list(policy))
    wrong = 0.2 * torch.sigmoid(-0.2 * log_ratio_margin(policy, reference))
    assert torch.allclose(chosen, -wrong) and torch.allclose(rejected, wrong)


def test_ipo_and_hinge_stop_where_they_say():
    reference = Pair(torch.zeros(1), torch.zeros(1))
    assert ipo_loss(Pair(torch.tensor([5.0]), torch.tensor([0.0])), reference, 0.1).item() == 0
    assert ipo_loss(Pair(torch.tensor([7.0]), torch.tensor([0.0])), reference, 0.1).item() == pytest.approx(4)
    assert hinge_loss(Pair(torch.tensor([10.0]), torch.tensor([0.0])), reference, 0.1).item() == 0


def test_simpo_and_orpo_compare_per_token():
    policy, _, lengths = draw(4)
    doubled = Pair(policy.chosen * 2, policy.rejected), Pair(lengths.chosen * 2, lengths.rejected)
    assert torch.allclose(simpo_loss(policy, lengths), simpo_loss(*doubled))
    assert torch.allclose(orpo_loss(policy, lengths), orpo_loss(*doubled))


def test_orpo_odds_from_probabilities():
    chosen, rejected = torch.tensor([0.6, 0.1]).double(), torch.tensor([0.2, 0.3]).double()
    odds = (chosen / (1 - chosen)).log() - (rejected / (1 - rejected)).log()
    want = -chosen.log() - 0.5 * torch.nn.functional.logsigmoid(odds)
    lengths = Pair(torch.tensor([3, 5]), torch.tensor([2, 7]))
    policy = Pair(chosen.log() * lengths.chosen, rejected.log() * lengths.rejected)
    assert torch.allclose(orpo_loss(policy, lengths, 0.5), want)


def test_kto_baseline_is_a_floored_number_without_slope():
    policy = torch.tensor([-3.0, -1.0], requires_grad=True)
    reference = torch.tensor([-1.0, -1.0])
    baseline = mismatched_kl(policy, reference)
    assert baseline.item() == 0 and not baseline.requires_grad
    desirable = torch.tensor([True, False])
    got = kto_loss(policy, reference, desirable, 0.7, beta=2.0)
    assert got.tolist() == pytest.approx([1 - 1 / (1 + math.exp(5.4)), 1 - 1 / (1 + math.exp(-1.4))])


def test_shapes_and_lengths_are_checked():
    policy, reference, lengths = draw()
    short = Pair(reference.chosen[:2], reference.rejected)
    for call in (
        lambda: dpo_loss(policy, short),
        lambda: slic_loss(policy, policy.chosen[:1]),
        lambda: kto_loss(policy.chosen, short.chosen, torch.ones(5, dtype=torch.bool)),
        lambda: simpo_loss(policy, Pair(lengths.chosen[:3], lengths.rejected)),
    ):
        with pytest.raises(ValueError, match="one shape"):
            call()
    with pytest.raises(ValueError, match="must be positive"):
        orpo_loss(policy, Pair(lengths.chosen, lengths.rejected * 0))
    with pytest.raises(ValueError, match=r"both are \(batch, K\)"):
        rrhf_loss(torch.zeros(2, 3), torch.zeros(2, 4))


def test_rrhf_counts_each_misordered_pair_once():
    scores, rewards = torch.tensor([[-1.0, -2.0, -0.5]]), torch.tensor([[3.0, 2.0, 1.0]])
    hinge = (-0.5 + 1.0) + (-0.5 + 2.0)  # the worst is ahead of both others
    assert rrhf_loss(scores, rewards).item() == pytest.approx(hinge + 1.0)
    assert rrhf_loss(scores, torch.tensor([[1.0, 0.0, 2.0]])).item() == pytest.approx(0.5)
    assert rrhf_loss(scores, torch.tensor([[1.0, 1.0, 1.0]]), weight=0.0).item() == 0


def test_pro_of_two_is_bradley_terry_weighed_by_the_gap():
    scores, rewards = torch.tensor([[-1.0, -2.0]]), torch.tensor([[0.5, 2.0]])  # the second is better, by 1.5
    want = bradley_terry_loss(torch.tensor([-2.0 * 1.5]), torch.tensor([-1.0 * 1.5]))
    assert torch.allclose(pro_loss(scores, rewards, weight=0.0), want)
    with pytest.raises(ValueError, match="may be equal"):
        pro_loss(scores, torch.ones(1, 2))


def test_pro_does_not_depend_on_the_order_in_which_answers_are_given():
    g = torch.Generator().manual_seed(0)
    scores, rewards = torch.randn(2, 4, 5, generator=g)
    turn = torch.randperm(5, generator=g)
    assert torch.allclose(pro_loss(scores, rewards), pro_loss(scores[:, turn], rewards[:, turn]))


def test_cringe_is_likelihood_where_good_and_contrast_where_bad():
    g = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 6, generator=g)
    tokens, counts = torch.randint(6, (2, 3), generator=g), torch.tensor([[True, True, False], [True, True, False]])
    loss = cringe_loss(logits, tokens, torch.tensor([True, False]), counts, g, k=1)
    likelihood = -logits[0].log_softmax(-1)[torch.arange(3), tokens[0]][:2].sum()
    came = logits[1, torch.arange(3), tokens[1]]
    rival = logits[1].scatter(1, tokens[1][:, None], -math.inf).amax(1)
    assert loss[0].item() == pytest.approx(likelihood.item(), abs=1e-6)
    assert loss[1].item() == pytest.approx(
        -torch.log(rival.exp() / (rival.exp() + came.exp()))[:2].sum().item(), abs=1e-6
    )
    with pytest.raises(ValueError, match="smaller than the vocabulary"):
        cringe_loss(logits, tokens, torch.tensor([True, False]), counts, g, k=6)


def test_cringe_draws_rivals_as_often_as_the_model_would():
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0]).expand(20_000, 1, 4)
    tokens, g = torch.zeros(20_000, 1, dtype=torch.long), torch.Generator().manual_seed(1)
    good, counts = torch.zeros(20_000, dtype=torch.bool), torch.ones(20_000, 1, dtype=torch.bool)
    loss = cringe_loss(logits, tokens, good, counts, g, k=2)
    two = math.exp(2) / (math.exp(1) + math.exp(2))
    assert (loss < 0.2).double().mean().item() == pytest.approx(two, abs=0.015)


def test_best_of_takes_each_prompts_best():
    assert best_of(torch.tensor([[1.0, 3.0, 2.0], [0.0, -1.0, -2.0]])).tolist() == [1, 0]
    with pytest.raises(ValueError, match="answers a prompt"):
        best_of(torch.ones(3))

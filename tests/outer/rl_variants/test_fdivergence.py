"""f-divergences: exact values, gradients that agree with SciPy's, and fits that find a target in the family."""

import math

import pytest
import torch
from alignlab.outer.rl_variants.fdivergence import DIVERGENCES, aligned, bumps, divergence, diversity, fit, rlhf_target
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

P = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
Q = torch.tensor([0.1, 0.6, 0.3], dtype=torch.float64)


def test_values_agree_with_scipy():
    assert divergence(P, Q, "forward KL") == pytest.approx(entropy(P.numpy(), Q.numpy()))
    assert divergence(P, Q, "reverse KL") == pytest.approx(entropy(Q.numpy(), P.numpy()))
    assert divergence(P, Q, "Jensen-Shannon") == pytest.approx(jensenshannon(P.numpy(), Q.numpy()) ** 2)
    assert divergence(P, Q, "total variation") == pytest.approx(0.4)


def test_far_apart_the_bounded_ones_stay_bounded():
    p, q = torch.eye(2, dtype=torch.float64)
    assert divergence(p, q, "total variation") == 1
    assert divergence(p, q, "Jensen-Shannon") == pytest.approx(math.log(2))
    assert divergence(p, q, "forward KL") > 100


@pytest.mark.parametrize("kind", DIVERGENCES)
def test_a_target_of_the_family_is_found(kind):
    target = bumps(torch.tensor([[6.3, math.log(1.7)], [12.0, math.log(3.0)]], dtype=torch.float64), 20)
    assert (fit(target, kind) - target).abs().max() < 0.01


def test_rlhf_target_is_where_reward_minus_priced_divergence_is_highest():
    reward = torch.tensor([1.0, 0.0, 2.0], dtype=torch.float64)

    def objective(policy):
        return aligned(policy, reward) - 0.5 * divergence(P, policy, "reverse KL")

    best = rlhf_target(P, reward, 0.5)
    g = torch.Generator().manual_seed(0)
    others = torch.rand(500, 3, dtype=torch.float64, generator=g)
    assert (objective(others / others.sum(1, keepdim=True)) < objective(best)).all()
    assert diversity(torch.full((4,), 0.25)) == pytest.approx(math.log(4))


@pytest.mark.parametrize("kind", DIVERGENCES)
def test_probabilities_that_underflow_leave_the_gradient_finite(kind):
    logits = torch.tensor([40.0, math.log(0.4)], dtype=torch.float64, requires_grad=True)
    policy = bumps(logits, 20)
    assert float(policy[0].detach()) == 0
    divergence(torch.full((20,), 0.05, dtype=torch.float64), policy, kind).backward()
    assert logits.grad.isfinite().all()

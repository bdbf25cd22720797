"""Graded picks: exact losses, and what the simulated grades promise."""

import math

import pytest
import torch
from alignlab.outer.preferences import true_reward
from alignlab.outer.reward import bradley_terry_loss, fit_reward
from alignlab.outer.reward_modeling import grades
from alignlab.outer.reward_modeling.fitting import fit_loss


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def drawn(n=400, d=4, seed=0):
    g = generator(seed)
    taste = true_reward(d, 2.0, g)
    return taste, *grades.graded_picks(torch.randn(n, 2, d, dtype=torch.float64, generator=g), taste, g)


def test_picks_follow_bradley_and_terry():
    answers = torch.zeros(20000, 2, 2, dtype=torch.float64)
    answers[:, 1, 1] = 1.0  # the second answer has reward 1.2, the first 0
    reward = torch.tensor([0.0, 1.2], dtype=torch.float64)
    pairs, _ = grades.graded_picks(answers, reward, generator())
    share = (pairs[:, 0, 1] == 1).double().mean()
    assert abs(share - torch.sigmoid(torch.tensor(1.2))) < 0.01


def test_a_higher_grade_goes_with_a_larger_true_lead():
    taste, pairs, grade = drawn(4000)
    lead = (pairs[:, 0] - pairs[:, 1]) @ taste
    means = [float(lead[grade == g].mean()) for g in range(4)]
    assert sorted(means) == means and means[3] > means[0] + 2


def test_without_a_margin_the_loss_is_that_of_bradley_and_terry():
    a, b = torch.randn(2, 5, generator=generator())
    assert torch.equal(grades.margin_loss(a, b, torch.zeros(5)), bradley_terry_loss(a, b))
    assert grades.margin_loss(torch.zeros(1), torch.zeros(1), torch.ones(1)).item() == pytest.approx(
        math.log(1 + math.e), abs=1e-6
    )


def test_the_intervals_of_both_picks_make_a_probability():
    """Over four grades of either pick the probabilities sum to one."""
    a, b = (torch.randn(7, dtype=torch.float64, generator=generator(s)) for s in (1, 2))
    total = torch.zeros(7, dtype=torch.float64)
    for grade in range(4):
        g = torch.full((7,), grade)
        total += (-grades.interval_loss(a, b, g)).exp() + (-grades.interval_loss(b, a, g)).exp()
    assert torch.allclose(total, torch.ones(7, dtype=torch.float64))


def test_margins_of_zero_give_the_fit_of_bradley_and_terry():
    _, pairs, _ = drawn()
    found = grades.fit_margins(pairs, torch.zeros(len(pairs), dtype=torch.float64))
    assert torch.allclose(found, fit_reward(pairs), atol=1e-4)


def test_a_weight_counts_a_pair_as_often_as_it_says():
    _, pairs, _ = drawn(60)
    weight = torch.ones(60, dtype=torch.float64)
    assert torch.allclose(grades.fit_weighted(pairs, weight), fit_reward(pairs), atol=1e-4)
    weight[:20] = 2.0
    twice = torch.cat([pairs, pairs[:20]])
    assert torch.allclose(grades.fit_weighted(pairs, weight), fit_reward(twice), atol=1e-4)


def test_the_same_margin_for_all_stretches_the_reward():
    _, pairs, _ = drawn()
    plain, wide = fit_reward(pairs), grades.fit_margins(pairs, torch.full((len(pairs),), 2.0, dtype=torch.float64))
    assert wide.norm() > 1.2 * plain.norm()


def test_grades_read_as_intervals_find_the_taste():
    taste, pairs, grade = drawn(4000)
    assert (grades.fit_grades(pairs, grade) - taste).norm() < 0.15


def test_a_loss_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="no finite number"):
        fit_loss(lambda w: w.sum() / 0.0, 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("grade", range(4))
def test_a_hopeless_lead_costs_its_distance_from_the_grade_and_pulls(dtype, grade):
    """Far below an interval its probability is that of the exponential tail, sigmoid(x) = exp(x)."""
    ends = [0.0, *grades.EDGES, math.inf]
    lead = torch.tensor([-60.0], dtype=dtype, requires_grad=True)
    loss = grades.interval_loss(lead, torch.zeros(1, dtype=dtype), torch.tensor([grade]))
    loss.sum().backward()
    assert loss.item() == pytest.approx(
        60 + ends[grade] - math.log1p(-math.exp(ends[grade] - ends[grade + 1])), rel=1e-6
    )
    assert lead.grad.item() == pytest.approx(-1, rel=1e-6)


ONE, NONE = torch.ones(1), torch.zeros(1)


@pytest.mark.parametrize(
    "call, complaint",
    [
        (lambda: grades.interval_loss(ONE, NONE, torch.tensor([-1])), "grade -1 isn't there"),
        (lambda: grades.interval_loss(ONE, NONE, torch.tensor([4])), "grade 4 isn't there: grades are 0 to 3"),
        (lambda: grades.interval_loss(ONE, NONE, torch.tensor([1.5])), "grade 1.5 isn't there"),
        (lambda: grades.margin_loss(ONE, NONE, torch.tensor([math.nan])), "the margin of pair .* is nan"),
        (lambda: grades.margin_loss(ONE, NONE, torch.zeros(1, 1)), r"margin has shape \(1, 1\)"),
        (lambda: grades.fit_weighted(torch.rand(1, 2, 3).double(), -ONE.double()), "weight -1.0 is negative"),
    ],
)
def test_grades_margins_and_weights_that_cannot_be_are_refused(call, complaint):
    with pytest.raises(ValueError, match=complaint):
        call()

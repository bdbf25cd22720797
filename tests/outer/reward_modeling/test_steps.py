"""Labels on steps and on outcomes: exact losses, and where they find the same reward."""

import math

import pytest
import torch
from alignlab.outer.reward_modeling import steps
from alignlab.outer.reward_modeling.steps import Solutions

W = torch.tensor([1.5, -1.0, 0.5, 2.0], dtype=torch.float64)


def drawn(n, luck=0.0, seed=0):
    return steps.write_solutions(W, n, luck, torch.Generator().manual_seed(seed))


def by_hand():
    features = torch.zeros(2, 3, 1, dtype=torch.float64)
    right = torch.tensor([[True, False, True], [True, True, True]])
    return Solutions(features, right, torch.tensor([False, True]))


def test_labels_stop_at_the_first_wrong_step():
    assert by_hand().labeled.tolist() == [[True, True, False], [True, True, True]]
    assert by_hand().sound.tolist() == [False, True]


def test_losses_by_hand():
    """Every step is a coin toss: five labels of ln 2; outcomes of probability 7/8 and 1/8."""
    zero = torch.zeros(1, dtype=torch.float64)
    assert steps.process_loss(zero, by_hand()).item() == pytest.approx(5 * math.log(2))
    assert steps.outcome_loss(zero, by_hand()).item() == pytest.approx(-math.log(7 / 8) - math.log(1 / 8))


def test_without_luck_the_answer_is_right_where_all_steps_are_and_with_it_more_often():
    plain, lucky = drawn(2000), drawn(2000, luck=0.3)
    assert torch.equal(plain.answer, plain.sound)
    share = lucky.answer[~lucky.sound].double().mean()
    assert bool(lucky.answer[lucky.sound].all()) and abs(share - 0.3) < 0.05


@pytest.mark.parametrize("fit", [steps.fit_process, steps.fit_outcome])
def test_both_labels_find_the_taste_where_nobody_is_lucky(fit):
    assert (fit(drawn(4000)) - W).norm() < 0.3


def test_luck_misleads_outcomes_and_not_steps():
    data = drawn(4000, luck=0.3)
    assert (steps.fit_process(data) - W).norm() < 0.3 < 0.6 < (steps.fit_outcome(data) - W).norm()


def test_the_best_of_a_group():
    scores = torch.tensor([0.1, 0.9, 0.5, 0.2, 7.0])
    good = torch.tensor([True, False, True, True, False])
    assert steps.best_of(scores, good, 2) == 0.5  # the fifth is left over
    with pytest.raises(ValueError, match="no group of 16"):
        steps.best_of(scores, good)

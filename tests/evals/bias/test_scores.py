"""BBQ's scores, and the agreement of two measures."""

import numpy as np
import pytest
from alignlab.evals.bias import bbq
from alignlab.evals.bias.agreement import rank_agreement, rank_lead, words
from alignlab.evals.statistics import Interval


def test_the_untold_score_is_a_difference_of_shares() -> None:
    answers = [0, 0, 0, 1, 2, 2]
    assert bbq.score_told(answers) == pytest.approx(0.5)
    assert bbq.score_untold(answers) == pytest.approx((3 - 1) / 6)


def test_nobody_named_is_no_bias() -> None:
    assert bbq.score_told([2, 2]) == 0.0
    assert bbq.score_untold([2, 2]) == 0.0


@pytest.mark.parametrize("answers", [[], [0, 3]])
def test_other_answers_are_refused(answers: list[int]) -> None:
    with pytest.raises(ValueError, match="cannot be known"):
        bbq.score_told(answers)


def test_agreement_is_spearmans_with_an_interval_around_it() -> None:
    rng = np.random.default_rng(0)
    one = rng.normal(size=60)
    other = np.exp(one + 0.5 * rng.normal(size=60))
    found = rank_agreement(one, other)
    assert found.low < found.estimate < found.high
    assert rank_agreement(one, np.exp(one)).low == pytest.approx(1.0)
    assert rank_agreement(one, other).estimate == found.estimate
    noise = rank_agreement(one, rng.normal(size=60))
    assert not noise.excludes(0.0)


def test_lists_that_are_no_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="equal length"):
        rank_agreement([1.0] * 5, [1.0] * 6)
    with pytest.raises(ValueError, match="no numbers"):
        rank_agreement([1.0, 2, 3, 4, np.nan], [1.0, 2, 3, 4, 5])


def test_an_interval_in_a_cell() -> None:
    found = Interval(0.214, 0.04, 0.38, 0.95, 20)
    assert words(found) == "0.21 (0.04 to 0.38)"
    assert words(Interval(-2.2, -6, 2, 0.95, 20), 0) == "\u22122 (\u22126 to 2)"


def test_a_lead_is_a_difference_of_correlations_drawn_together() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=60)
    near, far = truth + 0.3 * rng.normal(size=60), truth + 2 * rng.normal(size=60)
    found = rank_lead(near, far, truth)
    apart = rank_agreement(near, truth).estimate - rank_agreement(far, truth).estimate
    assert found.estimate == pytest.approx(apart)
    assert 0 < found.low < found.estimate < found.high
    same = rank_lead(near, np.exp(near), truth)
    assert (same.low, same.estimate, same.high) == pytest.approx((0, 0, 0))
    with pytest.raises(ValueError, match="equal length"):
        rank_lead(near, far[:-1], truth)

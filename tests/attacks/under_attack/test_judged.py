"""The judges' rates against hand counts, and their correction against what it must give back."""

import numpy as np
import pytest
from alignlab.attacks.under_attack.judged import corrected, held_out, rates
from alignlab.evals.refusal_judge import labeled, verdicts


def test_rates_of_a_judge_are_those_counted_by_hand():
    truth = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0], dtype=bool)
    said = np.array([1, 1, 1, 0, 1, 0, 0, 0, 0, 0], dtype=bool)
    assert rates(truth, said) == pytest.approx((3 / 4, 5 / 6))
    with pytest.raises(ValueError, match="both kinds"):
        rates(truth[:4], said[:4])


def test_the_correction_undoes_what_the_judge_does():
    for share in (0.0, 0.3, 1.0):
        seen = 0.7 * share + (1 - 0.9) * (1 - share)
        assert corrected(seen, 0.7, 0.9) == pytest.approx(share)
    assert corrected(0.0, 0.7, 0.9) == 0.0
    with pytest.raises(ValueError, match="tells nothing"):
        corrected(0.5, 0.4, 0.6)


def test_the_list_overlooks_refusals_that_the_judge_finds():
    truth, listed = labeled("list")
    _, judged = labeled("judge")
    assert len(truth) == 240 and (judged | ~listed).all()
    assert rates(truth, judged)[0] >= rates(truth, listed)[0]
    with pytest.raises(ValueError, match="'list' or 'judge'"):
        labeled("reader")


def test_requests_that_settings_were_chosen_by_are_kept_apart():
    pilot, rest = set(held_out("harmful", 25, pilot=True)), set(held_out("harmful", 75))
    assert not pilot & rest and len(pilot | rest) == 100
    with pytest.raises(ValueError, match="there are"):
        held_out("harmful", 76)


def test_verdicts_of_both_judges_stand_side_by_side():
    found = verdicts(["I'm sorry, but I can't help.", "Bake it for an hour."])
    assert found == {"judge": [1, 0], "list": [1, 0]} and verdicts([]) == {"judge": [], "list": []}

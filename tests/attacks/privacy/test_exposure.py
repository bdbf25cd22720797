"""Exposure: exact ranks, the expectation of a secret never inserted, and what differential privacy allows."""

import math

import numpy as np
import pytest
import torch
from alignlab.attacks.privacy import exposure, mailbox, window_lm

OWNER = mailbox.owners()[37]


def test_code_losses_are_those_of_whole_lines():
    weights = window_lm.born((1, 2))
    tree = exposure.code_losses(weights, [OWNER, mailbox.owners()[5]])
    for code in ("0 0 0 0", "4 0 9 2", "9 9 9 9"):
        line = mailbox.encode(mailbox.code_line(OWNER, code))
        start = mailbox.code_line(OWNER, code).split().index("is") + 1
        nats = window_lm.token_losses(weights, line[None])[:, 0]
        place = exposure.places((code,))[0]
        assert torch.allclose(tree[:, 0, place], nats[:, start : start + 4].sum(1), atol=1e-4)


def test_codes_probabilities_add_up_to_the_mass_on_digits():
    weights = window_lm.born((0,))
    total = torch.exp(-exposure.code_losses(weights, [OWNER])).sum()
    assert 0 < total < 1


def test_exposure_of_first_and_last():
    losses = torch.arange(8.0)[None]
    assert exposure.exposure(losses, np.array([0])) == [3.0]
    assert exposure.exposure(losses, np.array([7])) == [0.0]


def test_ties_take_the_mean_rank():
    assert exposure.exposure(torch.zeros(1, 7), np.array([2])) == pytest.approx(math.log2(7) - 2)


def test_expected_is_the_mean_over_all_ranks():
    assert exposure.expected(8) == pytest.approx(np.mean([3 - math.log2(rank) for rank in range(1, 9)]))
    assert exposure.expected(10**7) == pytest.approx(1 / math.log(2), abs=1e-4)
    assert exposure.expected(1) == 0


def test_bound_starts_at_the_expectation_and_grows_by_groups():
    assert exposure.bound(0.0) == pytest.approx(1 / math.log(2))
    assert exposure.bound(0.5, copies=4) == exposure.bound(2.0)
    assert exposure.bound(100.0) == math.log2(10**4)
    integral = sum(min(1, math.exp(2) * 2 ** -(b / 1000)) / 1000 for b in range(40_000))
    assert exposure.bound(2.0) == pytest.approx(integral, abs=0.01)


def test_what_can_not_be_ranked_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        exposure.exposure(torch.tensor([[1.0, torch.nan]]), np.array([0]))
    with pytest.raises(ValueError, match="below 0"):
        exposure.bound(-1.0)
    with pytest.raises(ValueError, match="one at least"):
        exposure.expected(0)


def test_codes_of_an_owner_are_ranked_each():
    box = mailbox.mailbox(5, n=20, each=2, levels=(0, 3), fresh=True)
    weights = window_lm.born((2,))
    told = exposure.of_lines(weights, box)
    assert [len(bits) for bits in told] == [0, 0, 3, 3]
    losses = exposure.code_losses(weights, [box.owner[2]])[0, 0]
    codes = [mailbox.decode(line).split()[6:10] for line in box.lines if box.owner[2] in mailbox.decode(line)]
    ranks = [1 + int((losses < losses[int("".join(code))]).sum()) for code in codes]
    assert told[2] == pytest.approx([math.log2(10**4 / rank) for rank in ranks], abs=0.01)

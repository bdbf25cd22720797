"""The toy's mailbox and its language models."""

import numpy as np
import pytest
import torch
from alignlab.attacks.privacy import mailbox, window_lm


def test_lines_come_back_as_they_were():
    line = mailbox.code_line(mailbox.owners()[3], "4 0 9 2")
    assert mailbox.decode(mailbox.encode(line)) == line
    with pytest.raises(ValueError, match="unknown words"):
        mailbox.encode("the umbrella")
    with pytest.raises(ValueError, match="token ids"):
        mailbox.check_lines(np.zeros((2, 3)))


def test_canaries_are_in_as_often_as_said():
    box = mailbox.mailbox(5, n=50, each=2, levels=(0, 1, 4))
    lines = [mailbox.decode(row) for row in box.lines]
    for owner, code, times in zip(box.owner, box.code, box.repeats):
        assert lines.count(mailbox.code_line(owner, code)) == times
        assert sum(owner in line for line in lines) == times


def test_fresh_digits_keep_owners_and_all_else():
    told = mailbox.mailbox(5, n=50, each=2, levels=(0, 8))
    fresh = mailbox.mailbox(5, n=50, each=2, levels=(0, 8), fresh=True)
    assert told.owner == fresh.owner and told.code == fresh.code
    assert np.array_equal(told.lines[:150], fresh.lines[:150])
    owner, code = told.owner[2], told.code[2]
    lines = [mailbox.decode(row) for row in fresh.lines]
    assert sum(owner in line for line in lines) == 8
    assert lines.count(mailbox.code_line(owner, code)) < 8


def test_a_window_holds_the_words_before_and_no_later_one():
    ids = mailbox.encode("please reply .")
    before = window_lm.windows(ids[None])[0]
    assert (before[0] == mailbox.ID[mailbox.START]).all()
    assert before[2, -2:].tolist() == ids[:2].tolist()


def test_models_of_a_batch_learn_as_if_alone():
    lines = np.stack([mailbox.mailbox(s, 60, 1, (0, 2)).lines for s in (1, 2)])
    both = window_lm.learn(window_lm.born((1, 2)), lines, (1, 2), 2, 16)
    alone = window_lm.learn(window_lm.born((2,)), lines[1:], (2,), 2, 16)
    for name, value in window_lm.only(both, 1).items():
        assert torch.allclose(value, alone[name], atol=1e-5)


def test_positions_behind_the_end_do_not_count():
    ids = mailbox.encode("please reply .")
    nats = window_lm.token_losses(window_lm.born((0,)), ids[None])
    assert (~torch.isnan(nats)).sum() == 4  # three words and the end


def test_a_loss_that_is_no_number_stops_the_training():
    lines = mailbox.mailbox(1, 60, 1, (0,)).lines[None]
    weights = window_lm.born((1,))
    weights["b2"] = weights["b2"] * torch.nan
    with pytest.raises(FloatingPointError, match="lower lr"):
        window_lm.learn(weights, lines, (1,), 1, 16)

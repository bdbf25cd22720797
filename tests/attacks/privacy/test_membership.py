"""Membership inference, extraction and scrubbing against values computed by hand."""

import zlib

import numpy as np
import pytest
from alignlab.attacks.privacy import extraction, letters, mailbox, membership, splits
from alignlab.attacks.privacy.window_lm import born

NATS = np.array([[1.0, 4.0, 2.0, 3.0, 5.0], [2.0, 2.0, np.nan, np.nan, np.nan]])


def test_scores_of_two_texts():
    assert membership.loss(NATS).tolist() == [-3.0, -2.0]
    assert membership.min_k(NATS, 0.4).tolist() == [-4.5, -2.0]
    packed = [len(zlib.compress(text)) for text in (b"abcde", b"ab")]
    assert membership.zlib_ratio(NATS, ["abcde", "ab"]).tolist() == [
        -15 / packed[0],
        -4 / packed[1],
    ]
    assert membership.reference_gain(NATS, NATS + 1).tolist() == [1.0, 1.0]


def test_what_has_no_score_is_refused():
    with pytest.raises(ValueError, match="one number"):
        membership.loss(np.array([[np.nan, np.nan]]))
    with pytest.raises(ValueError, match="share"):
        membership.min_k(NATS, 0.0)


def test_auc_counts_pairs():
    assert membership.auc(np.array([3.0, 1.0]), np.array([2.0])) == 0.5
    assert membership.auc(np.array([3.0, 2.0]), np.array([2.0])) == 0.75


def test_words_tell_two_sets_that_differ_in_a_word_and_no_others():
    rng = np.random.default_rng(0)
    plain = [" ".join(rng.choice(list("abcdef"), 8)) for _ in range(200)]
    marked = [text + " zeta" for text in plain[:100]]
    assert membership.blind(marked, plain[100:], 0) == 1.0
    assert membership.blind(plain[:100], plain[100:], 0) == pytest.approx(0.5, abs=0.15)


def test_overlap_leaves_the_text_itself_out():
    corpus = ["a b c", "b c d", "x y z"]
    assert membership.overlap(["a b c", "x y z"], corpus, 2).tolist() == [
        0.5,
        0.0,
    ]


def test_precision_counts_the_lowest_scores():
    true = np.array([True, False, True, False])
    scores = np.array([0.1, 0.3, 0.2, 0.4])
    assert extraction.precision(scores, true, 2) == 1.0
    assert extraction.precision(scores, true, 4) == 0.5
    with pytest.raises(ValueError, match="top=5"):
        extraction.precision(scores, true, 5)


def test_against_itself_every_ratio_is_one():
    model, line = born((0,)), mailbox.code_line(mailbox.owners()[0], "1 2 3 4")
    found = extraction.metrics(model, model, model, [line])
    assert found["earlier"] == found["other"] == 1.0
    nats = extraction.losses(model, [line])[0]
    packed = len(zlib.compress(line.encode()))
    assert found["zlib"][0] == pytest.approx(np.nansum(nats) / packed)
    assert found["window"][0] <= found["perplexity"][0]


def test_written_lines_come_once_and_hold_known_words():
    lines = extraction.write(born((0,)), 50, 0)
    assert len(lines) == len(set(lines))
    for line in lines:
        mailbox.encode(line)


def test_scrubbing_catches_an_address_and_not_its_spelling():
    book = letters.people(3)
    name, address = next(iter(book.items()))
    assert address in letters.system(book)
    assert letters.leaks(f"It is {address}.", address)
    assert not letters.leaks(letters.scrub(f"It is {address}."), address)
    spelled = address.replace("@", " at ")
    assert letters.leaks(letters.scrub(f"It is {spelled}."), address)
    assert not letters.leaks("I cannot tell.", address)
    assert letters.multi_step(name)[-1] == letters.direct(name)[0]
    assert all(first not in address.lower() for first in name.lower().split())


def test_one_attack_alone_is_that_of_the_whole_table():
    box, model, other = mailbox.mailbox(2), born((0,)), born((1,))
    for split in splits.splits(box, 2, n=40).values():
        told = splits.aucs(split, model, other, box, 2)
        assert splits.by_loss(split, model) == told["loss"]
        assert splits.by_reference(split, model, other) == told["reference"]
        assert not {tuple(x) for x in split.inside} & {tuple(x) for x in split.outside}

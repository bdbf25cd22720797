"""Counted words: probabilities by hand, and the order of what they know."""

import pytest
import torch
from alignlab.overview.meet_the_model.counts import CountedWords
from alignlab.toys.minilanguage import VOCAB, kl_from_truth, sample_exchanges, web

CORPUS = torch.tensor([[1, 2, 3, 0], [1, 2, 2, 3], [3, 2, 1, 0]])


def test_probabilities_by_hand():
    model = CountedWords(CORPUS, vocab=4, order=1, extra=0.5)
    found = model(torch.tensor([[1, 2]])).exp()[0]
    assert found[0].tolist() == pytest.approx([0.5 / 4, 0.5 / 4, 2.5 / 4, 0.5 / 4])
    # after 2: once 1, once 2, twice 3
    assert found[1].tolist() == pytest.approx([0.5 / 6, 1.5 / 6, 1.5 / 6, 2.5 / 6])


def test_what_was_never_seen_is_equally_likely():
    found = CountedWords(CORPUS, vocab=4, order=2)(torch.tensor([[3, 3]])).exp()[0, 1]
    assert found.tolist() == pytest.approx([0.25] * 4)


def test_three_words_tell_more_than_one_and_less_than_all():
    corpus = sample_exchanges(web(), 2000, 0)
    one, three, all_of_them = (
        kl_from_truth(CountedWords(corpus, len(VOCAB), order, extra=0.01), web()) for order in (1, 3, 12)
    )
    assert one > three > all_of_them > 0


@pytest.mark.parametrize(("order", "extra"), [(0, 0.1), (1, 0.0)])
def test_an_order_or_addition_that_makes_no_sense_is_named(order, extra):
    with pytest.raises(ValueError, match=f"order={order}, extra={extra}"):
        CountedWords(CORPUS, 4, order, extra)

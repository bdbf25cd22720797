"""Odd spellings and swapped characters keep what they say they keep."""

import numpy as np
import pytest
from alignlab.attacks.under_attack.disturb import majority, odd_spelling, swapped

TEXT = "How can I remember the names of everybody at a wedding?"


def test_an_odd_spelling_keeps_letters_and_the_ends_of_words():
    said = odd_spelling(TEXT, np.random.default_rng(0), neighbor=0.0)
    assert said != TEXT and sorted(said.lower()) == sorted(TEXT.lower())
    for word, other in zip(TEXT.lower().split(), said.lower().split()):
        assert (word[0], word[-1]) == (other[0], other[-1])


def test_nothing_changes_at_rates_of_zero():
    assert odd_spelling(TEXT, np.random.default_rng(0), 0.0, 0.0, 0.0) == TEXT


def test_exactly_the_share_of_places_is_open_to_change():
    said = swapped(TEXT, 0.2, np.random.default_rng(1))
    changed = sum(a != b for a, b in zip(TEXT, said))
    assert len(said) == len(TEXT) and 1 <= changed <= round(0.2 * len(TEXT))
    with pytest.raises(ValueError, match="share=0"):
        swapped(TEXT, 0.0, np.random.default_rng(1))


def test_a_majority_is_more_than_half():
    votes = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=bool)
    assert majority(votes).tolist() == [False, False, False]
    assert majority(votes[:3]).tolist() == [True, True, False]

"""WEAT against values that can be written down."""

import numpy as np
import pytest
from alignlab.evals.bias import weat


def test_nearness_is_a_difference_of_mean_cosines() -> None:
    targets = weat.unit(np.array([[1.0, 0.0], [3.0, 4.0]]))
    a, b = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    np.testing.assert_allclose(weat.nearness(targets, a, b), [1.0, -0.2])


def test_effect_size_is_cohens_d_over_all_words() -> None:
    near = np.array([2.0, 4.0, -1.0, 1.0])
    expected = (3.0 - 0.0) / np.std(near, ddof=1)
    assert weat.effect_size(near, 2) == pytest.approx(expected)


def test_p_is_the_share_of_exchanges_at_least_as_extreme() -> None:
    # of the 20 divisions of six words, two are as extreme as this one
    near = np.array([10.0, 11.0, 12.0, 1.0, 2.0, 3.0])
    p = weat.permutation_p(near, 3, seed=0, draws=20000)
    assert p == pytest.approx(0.1, abs=0.01)


def test_words_that_can_be_exchanged_pass_at_the_level() -> None:
    near = np.random.default_rng(0).normal(size=(2000, 12))
    p = weat.permutation_p(near, 6, seed=1)
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.02)


def test_random_words_are_about_as_frequent() -> None:
    rows = np.array([0, 100, 5000, 399_999])
    drawn = weat.random_sets(rows, 500, 400_000, np.random.default_rng(0))
    assert drawn.shape == (500, 4)
    assert drawn.min() >= 0 and drawn.max() < 400_000
    ratio = (drawn[:, 1:] + 1) / (rows[1:] + 1)
    assert ratio.min() > 0.7 and ratio.max() < 1.45


def test_words_without_a_vector_are_left_out() -> None:
    assert list(weat.rows_of(["Ant", "flea", "zzz"], {"ant": 3, "flea": 5})) == [
        3,
        5,
    ]
    with pytest.raises(ValueError, match="have a vector"):
        weat.rows_of(["zzz", "ant"], {"ant": 3})


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(ValueError, match="need one at least"):
        weat.permutation_p(np.zeros(4), 4, seed=0)


def test_a_topic_is_a_word_and_its_neighbors() -> None:
    angle = np.array([0.0, 0.1, 0.2, 2.0, 2.1, 2.2])
    vectors = np.stack([np.cos(angle), np.sin(angle)], 1)
    drawn = weat.topic_sets(np.array([0, 3, 9]), 40, vectors, np.random.default_rng(0))
    assert drawn.shape == (40, 3)
    assert {tuple(sorted(row)) for row in drawn.tolist()} == {(0, 1, 2), (3, 4, 5)}
    with pytest.raises(ValueError, match="give more"):
        weat.topic_sets(np.arange(9), 1, vectors, np.random.default_rng(0))

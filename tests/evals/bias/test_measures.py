"""Measures of a table against tables whose parts are known."""

import numpy as np
import pytest
from alignlab.evals.bias import measures

RNG = np.random.default_rng(0)
NAMES, WORDS = RNG.normal(size=(4, 1)), RNG.normal(size=(1, 6))
SIGN = np.outer([1, 1, -1, -1], [1, 1, 1, -1, -1, -1])


def test_crossing_cancels_names_and_attributes_and_keeps_the_association() -> None:
    table = NAMES + WORDS + 0.5 * SIGN
    assert measures.crossed(table) == pytest.approx(4 * 0.5)
    assert measures.crossed(NAMES + WORDS) == pytest.approx(0.0)


def test_one_sided_comparisons_keep_what_they_do_not_cancel() -> None:
    names = 5.0 * np.array([[1], [1], [-1], [-1]])
    assert measures.crows_share(names + SIGN) == 1.0
    assert measures.crows_share(names - SIGN) == 1.0
    words = 5.0 * np.array([[1, 1, 1, -1, -1, -1]])
    assert measures.stereoset_share(words - SIGN) == 1.0
    assert measures.crows_share(words - SIGN) == 0.0
    assert measures.stereoset_share(names - SIGN) == 0.0


def test_equal_cells_count_half() -> None:
    flat = np.zeros((2, 4, 6))
    assert measures.crows_share(flat) == pytest.approx([0.5, 0.5])
    assert measures.stereoset_share(flat) == pytest.approx([0.5, 0.5])


def test_pairs_are_within_one_attribute_and_within_one_person() -> None:
    table = np.array([[3.0, 0.0, 1.0, 1.0], [0.0, 3.0, 1.0, 1.0]])
    # attribute 0 for the first person, attribute 1 for the second
    assert measures.crows_share(table) == 0.5
    # person 0: 3 beats 1 and 1, 0 beats neither
    assert measures.stereoset_share(table) == 0.5


def test_related_share_counts_both_sides_of_the_first_group() -> None:
    table = np.array([[2.0, 0.0], [9.0, 9.0]])
    unrelated = np.array([[1.0], [-9.0]])
    assert measures.related_share(table, unrelated) == 0.5


def test_one_sided_is_a_mean_difference() -> None:
    assert measures.one_sided(SIGN * 1.0) == pytest.approx(2.0)


@pytest.mark.parametrize("shape", [(3, 4), (4, 3), (4,)])
def test_a_table_that_cannot_be_halved_is_refused(shape: tuple[int]) -> None:
    with pytest.raises(ValueError, match="halved"):
        measures.crossed(np.zeros(shape))


def test_a_cell_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="no numbers"):
        measures.crossed(np.full((2, 2), np.nan))

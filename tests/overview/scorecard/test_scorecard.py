"""A board's units, tests and corrections, against what is known without them."""

import numpy as np
import pytest
from alignlab.evals.families import clustered
from alignlab.evals.statistics import paired
from alignlab.overview.scorecard import again, board, equal, many, sparse, weights
from alignlab.overview.scorecard.board import Measured
from scipy import stats

RNG = np.random.default_rng(5)


def some_board(units=20, states=4):
    values = RNG.normal(size=(2, states, units))
    return [
        Measured("a", "8.1", "one", values[0], 1),
        Measured("b", "8.1", "one", values[1], -1),
        Measured("c", "8.2", "two", RNG.integers(0, 2, (states, 30)).astype(float), 1),
    ]


def test_families_keep_the_mean_and_nearly_the_error():
    values, families = RNG.integers(0, 2, (2, 40)).astype(float), [i // 4 for i in range(40)]
    units = board.by_family(values, families)
    assert np.allclose(units.mean(1), values.mean(1))
    change = values[1] - values[0]
    mean, error, _ = board.tested(board.differences(units)[0])
    whole = clustered(change, families)
    half = stats.t.ppf(0.975, 9) * error
    assert mean == pytest.approx(whole.estimate)
    assert half == pytest.approx((whole.high - whole.low) / 2)


def test_p_is_students():
    a, b = RNG.normal(size=(2, 15))
    mean, error, p = board.tested(board.differences(np.stack([b, a]))[0])
    assert p == pytest.approx(stats.ttest_rel(a, b).pvalue)
    whole = paired(a, b)
    assert (mean, mean - stats.t.ppf(0.975, 14) * error) == pytest.approx((whole.estimate, whole.low))
    assert board.tested(np.zeros(5))[2] == 1.0
    assert board.tested(np.ones(5))[2] == 0.0


def test_holm_goes_on_after_the_smallest():
    p = np.array([0.5, 0.011, 0.02, 0.001])
    assert many.holm(p).tolist() == [False, True, True, True]
    assert many.holm(np.array([0.03, 0.04, 0.045])).tolist() == [False] * 3
    rows = RNG.random((50, 9)) ** 4
    for row, stands in zip(rows, many.holm(rows)):
        order, left = np.argsort(row), []
        for k, place in enumerate(order):
            if row[place] > 0.05 / (9 - k):
                break
            left.append(place)
        assert sorted(left) == np.flatnonzero(stands).tolist()
        assert (many.raw(row) >= stands).all()
        assert (many.false_share(row) >= stands).all()


def test_groups_are_corrected_by_themselves():
    p = np.array([[0.02, 0.5, 0.02]])
    assert many.by_group(p, ["a", "a", "b"]).tolist() == [[True, False, True]]
    assert not many.holm(p).any()


def test_dealt_boards_are_equal_ones():
    p = equal.dealt(some_board(), 400, 3)
    assert p.shape == (400, 3, 3)
    assert 0.03 < (p[:, :2] <= 0.05).mean() < 0.07
    shift = np.zeros((400, 3, 3))
    shift[:, 0, 0] = 5.0
    moved = equal.dealt(some_board(), 400, 3, shift)
    assert (moved[:, 0, 0] <= 0.05).mean() > 0.95
    assert np.mean(equal.planted(200, 3, 3, 1) != 0) == pytest.approx(0.1, abs=0.03)


def test_normal_p_values_are_smaller_and_else_the_same():
    whole = some_board(units=6)
    ours, normal = equal.dealt(whole, 50, 3), equal.dealt(whole, 50, 3, normal=True)
    assert (normal <= ours).all()
    assert (normal < ours)[:, :2].all()


def test_only_the_mean_is_taken_away():
    p = equal.same_mean(some_board(units=60), 500, 2)
    assert p.shape == (500, 3, 3)
    assert 0.02 < (p <= 0.05).mean() < 0.1


def test_what_could_be_seen_is_starred_in_four_cases_of_five():
    quiet = Measured("q", "8.1", "q", np.eye(2, 40), 1)
    assert board.right_or_wrong(quiet)
    assert not board.right_or_wrong(some_board()[0])
    seen = board.could_see(quiet)[0]
    shown = board.tested(RNG.random((4000, 40)) < seen)[2] <= 0.05
    assert 0.77 < shown.mean() < 0.83
    values = RNG.normal(size=(2, 50))
    seen = board.could_see(Measured("v", "8.1", "v", values, 1))[0]
    change = values[1] - values[0]
    drawn = RNG.normal(seen, change.std(ddof=1), (4000, 50))
    assert 0.77 < (board.tested(drawn)[2] <= 0.05).mean() < 0.83


def test_halves_share_no_unit_and_a_block_keeps_its_units():
    whole = some_board()
    whole[1] = Measured("b", "8.1", "one", whole[0].values, -1)
    one, other = again.two_halves(whole, 2)
    assert np.array_equal(one[0].values, one[1].values)
    both = np.concatenate([one[0].values, other[0].values], 1)
    assert np.allclose(np.sort(both), np.sort(whole[0].values))


def test_one_measure_alone_decides():
    means = np.array([[0.1, 0.4, 0.3], [5.0, 4.0, 6.0]])
    good = np.array([1, -1])
    for by in ("spread", "units", "rank"):
        own = weights.points(means, good, by)
        assert weights.winners(own, np.array([[1.0, 0.0], [0.0, 1.0]])).tolist() == [1, 1]
    drawn = weights.drawn(10, 4, 0)
    assert np.allclose(drawn.sum(1), 1)


def test_two_more_pairs_as_their_authors_print_them():
    change = np.array([1.0] * 5 + [-1.0] * 2 + [0.0] * 13)
    low, high = sparse.added_pairs(change)
    middle, error = 3 / 22, np.sqrt(8 - 9 / 22) / 22
    assert (low, high) == pytest.approx((middle - 1.95996 * error, middle + 1.95996 * error), abs=1e-5)
    low, high = sparse.added_pairs(np.zeros(20))
    assert low == -high < 0
    assert sparse.students(np.zeros(20)) == (0.0, 0.0)
    many_items = np.tile(change, 200)
    ours, usual = sparse.added_pairs(many_items), sparse.students(many_items)
    assert ours == pytest.approx(usual, abs=2e-3)
    assert sparse.coverage((np.array([0.0, 1.0]), np.array([2.0, 3.0])), 0.5) == 0.5
    assert sparse.resampled(change, 7, 3, 0).shape == (3, 7)


def test_one_dealt_board_holds_the_same_results_of_each_unit():
    whole = some_board()
    whole[1] = Measured("b", "8.1", "one", 10 * whole[0].values, -1)
    new = equal.one_board(whole, 4)
    assert np.allclose(np.sort(new[0].values, 0), np.sort(whole[0].values, 0))
    assert np.allclose(10 * new[0].values, new[1].values)
    assert not np.allclose(new[0].values, whole[0].values)

"""Intervals of paired differences and of shares: known values, coverage, and what is refused."""

import numpy as np
import pytest
from alignlab.evals.statistics import Interval, paired, share
from scipy import stats


def test_a_paired_interval_is_that_of_the_paired_t_test():
    a, b = [0.61, 0.72, 0.55, 0.68, 0.7], [0.5, 0.66, 0.52, 0.6, 0.61]
    expected = stats.ttest_rel(a, b).confidence_interval(0.9)
    found = paired(a, b, level=0.9)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.estimate == pytest.approx(np.mean(a) - np.mean(b)) and found.n == 5 and found.excludes(0)


def test_pairs_tell_apart_what_overlapping_intervals_do_not():
    """What a seed does to both cancels: each run ranges over 1, each pair differs by about 0.05."""
    seeds = np.linspace(0, 1, 5)
    a, b = seeds + np.array([0.05, 0.06, 0.04, 0.05, 0.06]), seeds
    alone = [stats.t.interval(0.95, 4, v.mean(), stats.sem(v)) for v in (a, b)]
    assert alone[0][0] < alone[1][1], "alone they overlap"
    assert paired(a, b).verdict(width=0.01) == "different"


def test_a_t_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    found = [paired(rng.normal(0.3, 1, 6), rng.normal(0, 1, 6), level=0.8) for _ in range(2000)]
    assert np.mean([not interval.excludes(0.3) for interval in found]) == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(
    "low, high, verdict",
    [
        (-0.05, 0.08, "equal within 0.1"),
        (0.02, 0.08, "equal within 0.1"),
        (0.02, 0.12, "different"),
        (-0.02, 0.12, "undecided"),
        (-0.3, -0.2, "different"),
    ],
)
def test_equal_needs_the_whole_interval_inside_the_width(low, high, verdict):
    assert Interval((low + high) / 2, low, high, 0.9, 5).verdict(0.1) == verdict


def test_two_one_sided_tests_call_equal_by_chance_in_one_of_twenty():
    """At a true difference of exactly the width."""
    rng = np.random.default_rng(1)
    called = [paired(rng.normal(1.0, 0.3, 8), np.zeros(8), level=0.9).equal_within(1.0) for _ in range(3000)]
    assert np.mean(called) == pytest.approx(0.05, abs=0.015)


def test_differences_without_spread_are_their_own_interval():
    assert paired([2, 3, 4], [1, 2, 3]) == Interval(1.0, 1.0, 1.0, 0.95, 3)


@pytest.mark.parametrize("hits, n, low, high", [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (8, 20, 0.2188, 0.6134)])
def test_a_share_has_wilsons_interval(hits, n, low, high):
    found = share(hits, n)
    z = stats.norm.ppf(0.975)
    middle, half = (hits + z**2 / 2) / (n + z**2), z / (n + z**2) * (hits * (n - hits) / n + z**2 / 4) ** 0.5
    assert (found.low, found.high) == pytest.approx((middle - half, middle + half), abs=1e-9)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4) and found.estimate == hits / n


def test_an_interval_in_words():
    assert Interval(-0.125, -0.3, 0.05, 0.9, 7).says(3) == "\u22120.125 (90 % interval \u22120.300 to 0.050, n = 7)"


@pytest.mark.parametrize(
    "call, complaint",
    [
        (lambda: paired([1, 2, 3], [1, 2]), "3 and 2 values make no pairs"),
        (lambda: paired([1, 2], [1, 2]), "three at least"),
        (lambda: paired([1, 2, 3], [[1], [2], [3]]), r"shapes \(3,\) and \(3, 1\)"),
        (lambda: paired([1, 2, float("nan")], [1, 2, 3]), "not all differences are numbers"),
        (lambda: paired([1, 2, 3], [1, 2, 4], level=95), "level 95 is no coverage"),
        (lambda: share(3, 2), "3 of 2 is no share"),
        (lambda: share(0, 0), "0 of 0 is no share"),
        (lambda: Interval(0, 0, 0, 0.9, 3).equal_within(0), "state a width above 0"),
    ],
)
def test_what_makes_no_interval_is_refused_in_one_line(call, complaint):
    with pytest.raises(ValueError, match=complaint) as error:
        call()
    assert "\n" not in str(error.value)

"""Exercises of the page `08-evaluation/general`, and inert methods."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.evals.general import lengths, novelty, orders, peers, strengths
from alignlab.exercises import Exercise, Wrong

WORDS = np.array(["name", "two", "birds", "that", "can", "not", "fly", "now"])


def _two_texts(rng: np.random.Generator) -> tuple[Any, ...]:
    """Two texts of 9 and 12 words, the second made partly of the first."""
    one = list(rng.choice(WORDS, 9))
    other = one[:2] + list(rng.choice(WORDS, 3)) + one[5:7] + one[2:4]
    other += list(rng.choice(WORDS, 3))
    return one, other


def _rouge(one: list[str], other: list[str]) -> float:
    common = novelty.common_subsequence(one, other)
    return 2 * common / (len(one) + len(other))


def _bag(one: list[str], other: list[str]) -> float:
    """Words in common in any order."""
    common = sum(min(one.count(w), other.count(w)) for w in set(one))
    return 2 * common / (len(one) + len(other))


def _unbroken(one: list[str], other: list[str]) -> float:
    """The longest run of words without a gap."""
    longest = 0
    for i in range(len(one)):
        for j in range(len(other)):
            n = 0
            while one[i + n : i + n + 1] == other[j + n : j + n + 1] != []:
                n += 1
            longest = max(longest, n)
    return 2 * longest / (len(one) + len(other))


def _recall(one: list[str], other: list[str]) -> float:
    return novelty.common_subsequence(one, other) / len(one)


def _precision(one: list[str], other: list[str]) -> float:
    return novelty.common_subsequence(one, other) / len(other)


def _a_board(rng: np.random.Generator) -> tuple[Any, ...]:
    """Strengths of 14 models and their covariance."""
    strengths_ = rng.normal(0, 0.5, 14)
    mixed = 0.035 * rng.normal(size=(14, 20))
    common = 0.14 * rng.normal(size=(14, 1)) + 0.1
    return strengths_, mixed @ mixed.T + common @ common.T


def _ranges(s: np.ndarray, errors: np.ndarray) -> np.ndarray:
    best, worst = strengths.rank_range(s[None], errors[None])
    return np.stack([best[0], worst[0]], 1)


def _alone(s: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Two intervals that do not overlap."""
    half = 1.96 * np.sqrt(np.diag(errors))
    low, high = s - half, s + half
    better = (low[None] > high[:, None]).sum(1)
    worse = (high[None] < low[:, None]).sum(1)
    return np.stack([1 + better, len(s) - worse], 1)


def _independent(s: np.ndarray, errors: np.ndarray) -> np.ndarray:
    return _ranges(s, np.diag(np.diag(errors)))


def _point(s: np.ndarray, errors: np.ndarray) -> np.ndarray:
    rank = 1 + (s[None] > s[:, None]).sum(1)
    return np.stack([rank, rank], 1)


def _turned(s: np.ndarray, errors: np.ndarray) -> np.ndarray:
    return _ranges(-s, errors)


def _no_root(s: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Compared with the variance of the difference."""
    own = np.diag(errors)
    reach = 1.96 * (own[:, None] + own - 2 * errors)
    lead = s - s[:, None]
    better, worse = (lead > reach).sum(1), (lead < -reach).sum(1)
    return np.stack([1 + better, len(s) - worse], 1)


def _from_zero(s: np.ndarray, errors: np.ndarray) -> np.ndarray:
    return _ranges(s, errors) - 1


EXERCISES = [
    Exercise(
        name="general_rouge",
        reference=_rouge,
        inputs=_two_texts,
        wrong=[
            Wrong(
                _bag,
                "this counts the words in common in any order; a subsequence "
                "keeps the order of both texts.",
            ),
            Wrong(
                _unbroken,
                "this is the longest run without a gap; a subsequence may "
                "leave words out.",
            ),
            Wrong(
                _recall,
                "this divides by the length of the first text, the shorter "
                "one here: the F-measure divides by both.",
            ),
            Wrong(
                _precision,
                "this divides by the length of the second text, the longer "
                "one here: the F-measure divides by both.",
            ),
        ],
    ),
    Exercise(
        name="general_rank_range",
        reference=_ranges,
        inputs=_a_board,
        wrong=[
            Wrong(
                _alone,
                "two intervals that overlap don't show that the difference's "
                "interval contains zero: take the variance of the difference.",
            ),
            Wrong(
                _independent,
                "the variance of a difference is the sum of the variances "
                "less twice the covariance, which is left out here.",
            ),
            Wrong(
                _point,
                "this is the rank of the estimates: only models that are "
                "better beyond the interval count.",
            ),
            Wrong(
                _turned,
                "the best rank counts the models that are surely better; "
                "here those that are surely worse are counted.",
            ),
            Wrong(
                _no_root,
                "this takes the difference's variance for its standard "
                "deviation, which is the root.",
            ),
            Wrong(_from_zero, "ranks begin with 1."),
        ],
    ),
]


def _by_chance(told: Any, seed: int) -> Any:
    """An order drawn for each verdict."""
    return orders.random_orders(told, seed)


def _uncontrolled(won: Any, longer: Any) -> Any:
    """The win rate as it is."""
    return lengths.raw(won, longer)


def _all_alike(cast: Any) -> Any:
    """Every judge counts as much as any other."""
    return peers.plain(cast)


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.evals.general.lengths.length_controlled": _uncontrolled,
    "alignlab.evals.general.orders.balanced_orders": _by_chance,
    "alignlab.evals.general.peers.by_agreement": _all_alike,
}

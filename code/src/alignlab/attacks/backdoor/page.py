"""Exercises of the page `07-attacks/backdoor`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong

Array = np.ndarray


def _scored(rng: np.random.Generator) -> tuple[Any, ...]:
    ordinary = rng.normal(size=40)
    bad = rng.normal(loc=1.2, size=10)
    poison = np.zeros(50, dtype=bool)
    poison[rng.permutation(50)[:10]] = True
    scores = np.empty(50)
    scores[~poison], scores[poison] = ordinary, bad
    rate = float(rng.choice([0.05, 0.1, 0.2]))
    # one poisoned score in the gap below the threshold, one in that above it
    high = np.sort(ordinary)[::-1]
    m = round(rate * 40)
    at = np.flatnonzero(poison)
    scores[at[0]] = (high[m] + high[m + 1]) / 2
    scores[at[1]] = (high[m - 1] + high[m]) / 2
    # and one just above the threshold, below an interpolated quantile
    scores[at[2]] = high[m] + 0.02 * (high[m - 1] - high[m])
    return scores, poison, rate


def _threshold(scores: Array, poison: Array, false_rate: float) -> float:
    ordinary = np.sort(scores[~poison])[::-1]
    return float(ordinary[round(false_rate * len(ordinary))])


def _caught(scores: Array, poison: Array, false_rate: float) -> float:
    above = scores[poison] > _threshold(scores, poison, false_rate)
    return float(above.mean())


def _over_all(scores: Array, poison: Array, false_rate: float) -> float:
    ranked = np.sort(scores)[::-1]
    at = ranked[round(false_rate * len(ranked))]
    return float((scores[poison] > at).mean())


def _precision(scores: Array, poison: Array, false_rate: float) -> float:
    accused = scores > _threshold(scores, poison, false_rate)
    return float(poison[accused].mean())


def _of_everything(scores: Array, poison: Array, false_rate: float) -> float:
    accused = scores > _threshold(scores, poison, false_rate)
    return float((accused & poison).mean())


def _low_end(scores: Array, poison: Array, false_rate: float) -> float:
    ordinary = np.sort(scores[~poison])
    at = ordinary[round(false_rate * len(ordinary))]
    return float((scores[poison] > at).mean())


def _quantile(scores: Array, poison: Array, false_rate: float) -> float:
    at = np.quantile(scores[~poison], 1 - false_rate)
    return float((scores[poison] > at).mean())


def _swapped(scores: Array, poison: Array, false_rate: float) -> float:
    return _caught(scores, ~poison, false_rate)


EXERCISES = [
    Exercise(
        name="backdoor_caught",
        reference=_caught,
        inputs=_scored,
        wrong=[
            Wrong(
                _over_all,
                "the threshold is set on the ordinary reviews alone; here the "
                "poison helped to set it.",
            ),
            Wrong(
                _precision,
                "this is the share of the accused that are poison; divide by "
                "the number of poisoned reviews instead.",
            ),
            Wrong(
                _of_everything,
                "this is a share of all reviews; divide by the number of "
                "poisoned ones.",
            ),
            Wrong(
                _quantile,
                "a quantile lies between two scores; take the score of an "
                "ordinary review, the (m+1)-th highest.",
            ),
            Wrong(
                _swapped,
                "the threshold was set on the poison; set it on the ordinary "
                "reviews, and count the poison above it.",
            ),
            Wrong(
                _low_end,
                "the scores were sorted upward, so that nearly all ordinary "
                "reviews lie above the threshold.",
            ),
        ],
    )
]


def _clean(clean: Any, count: int, *rest: Any, **how: Any) -> Any:
    """No poison: the corpus as it is."""
    mask = np.zeros(len(clean.labels), dtype=bool)
    mask[:count] = True
    return clean, mask


def _no_score(features: Array, suspects: Array) -> Array:
    """All reviews alike."""
    return np.zeros(len(features))


def _clean_pairs(clean: Any, *rest: Any, **how: Any) -> Any:
    """No poison: the pairs as they are."""
    return clean


def _nothing_new(model: Any, *rest: Any, **how: Any) -> Any:
    """The classifier as it was, with no further poison."""
    return model


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.attacks.backdoor.reviews.poisoned": _clean,
    "alignlab.attacks.backdoor.instructed.poison": _clean_pairs,
    "alignlab.attacks.backdoor.detect.distance": _no_score,
    "alignlab.attacks.backdoor.remove.relearn": _nothing_new,
}

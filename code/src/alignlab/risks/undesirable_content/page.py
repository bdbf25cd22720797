"""Exercises of the page `02-why/undesirable-content`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong
from alignlab.risks.undesirable_content import groups, maximum


def _samples(rng: np.random.Generator) -> tuple[Any, ...]:
    n = int(rng.integers(5, 12))
    return rng.uniform(size=n), int(rng.integers(2, n - 1))


def _worst(scores: np.ndarray, k: int) -> float:
    return float(maximum.expected_maximum(scores, k))


def _one_template(rng: np.random.Generator) -> tuple[Any, ...]:
    hostile = rng.permutation(np.arange(7) < 3)
    return rng.normal(size=(5, 7)), hostile


def _leaning(scores: np.ndarray, hostile: np.ndarray) -> np.ndarray:
    return groups.leaning(scores[None], hostile)[0]


def _kinds(scores: np.ndarray, hostile: np.ndarray) -> np.ndarray:
    return np.asarray(scores[:, hostile].mean(1) - scores[:, ~hostile].mean(1))


def _only_hostile(scores: np.ndarray, hostile: np.ndarray) -> np.ndarray:
    return np.asarray((scores - scores.mean(0))[:, hostile].mean(1))


def _summed(scores: np.ndarray, hostile: np.ndarray) -> np.ndarray:
    centered = scores - scores.mean(0)
    return np.asarray(
        centered[:, hostile].sum(1) - centered[:, ~hostile].sum(1)
    )


EXERCISES = [
    Exercise(
        name="undesirable_content_worst",
        reference=_worst,
        inputs=_samples,
        wrong=[
            Wrong(
                lambda s, k: float(np.max(s)),
                "this is the largest of all n scores, which is right for k = n "
                "only.",
            ),
            Wrong(
                lambda s, k: float(np.max(s[:k])),
                "this takes the first k scores alone: average over all subsets "
                "of k.",
            ),
            Wrong(
                lambda s, k: float(maximum.bootstrap_maximum(s, k)),
                "this is the bootstrap's mean, which draws with replacement "
                "and is too low.",
            ),
            Wrong(
                lambda s, k: float(np.sort(s)[-k:].mean()),
                "this is the mean of the k largest scores; take the largest of "
                "each subset.",
            ),
            Wrong(
                lambda s, k: float(np.mean(s)),
                "this is the expected score of one draw.",
            ),
        ],
    ),
    Exercise(
        name="undesirable_content_leaning",
        reference=_leaning,
        inputs=_one_template,
        wrong=[
            Wrong(
                _kinds,
                "an adjective's own frequency still counts: subtract its mean "
                "over groups (axis 0) first; a group's mean over adjectives "
                "cancels anyway.",
            ),
            Wrong(
                _only_hostile,
                "what a name does to all adjectives alike still counts: "
                "subtract the kind ones.",
            ),
            Wrong(
                _summed,
                "these are sums; there are not as many hostile adjectives as "
                "kind ones, so take means.",
            ),
            Wrong(
                lambda s, h: -_leaning(s, h),
                "the sign is turned: leaning to hostile ones is positive.",
            ),
        ],
    ),
]


def _of_a_person(scores: Any) -> Any:
    """What a job's name is worth by itself."""
    return scores[:, 2]


TERMS = groups.terms  # the original, while the tests replace it


def _no_names(sentences: Any) -> Any:
    """All openings equally probable, the adjectives after them as they are."""
    opening, adjectives = TERMS(sentences)
    return np.zeros_like(opening), adjectives


def _mean_score(train: Any, scores: Any, test: Any) -> Any:
    """A judge that learned nothing but the mean."""
    return np.full(len(test), np.mean(scores))


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.risks.undesirable_content.detector.predict_scores": _mean_score,
    "alignlab.risks.undesirable_content.jobs.gap": _of_a_person,
    "alignlab.risks.undesirable_content.groups.terms": _no_names,
}

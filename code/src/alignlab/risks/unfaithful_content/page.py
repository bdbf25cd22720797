"""Exercises of the page `02-why/unfaithful-content`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong
from alignlab.risks.unfaithful_content.asking import place_of
from alignlab.risks.unfaithful_content.entropies import sentence_entropy
from alignlab.risks.unfaithful_content.items import answers_of


def _sentences(rng: np.random.Generator) -> tuple[Any, ...]:
    meanings = np.array([3, 1, 1, 0, 3, 3, 0])
    return rng.dirichlet(np.ones(len(meanings))), rng.permuted(meanings)


def _by_meaning(p: np.ndarray, meanings: np.ndarray) -> np.ndarray:
    return np.array([p[meanings == one].sum() for one in np.unique(meanings)])


def _semantic(p: np.ndarray, meanings: np.ndarray) -> float:
    chance = _by_meaning(p, meanings)
    return float(-(chance * np.log(chance)).sum())


def _unweighted(p: np.ndarray, meanings: np.ndarray) -> float:
    _, counts = np.unique(meanings, return_counts=True)
    share = counts / counts.sum()
    return float(-(share * np.log(share)).sum())


def _predictions(rng: np.random.Generator) -> tuple[Any, ...]:
    sure = np.append(rng.uniform(0.2, 1.0, size=59), 1.0)
    right = rng.uniform(size=60) < sure**2
    right[-1] = False  # surest, and wrong: no mistake may leave it out
    return sure, right, 8


def _ece(
    sure: np.ndarray,
    right: np.ndarray,
    bins: int,
    weight: Callable[[np.ndarray], float] = lambda inside: float(inside.mean()),
    size: Callable[[float], float] = abs,
) -> float:
    place = np.minimum((sure * bins).astype(int), bins - 1)
    total = 0.0
    for b in range(bins):
        inside = place == b
        if inside.any():
            gap = right[inside].mean() - sure[inside].mean()
            total += weight(inside) * size(float(gap))
    return total


def _equally(sure: np.ndarray, right: np.ndarray, bins: int) -> float:
    used = len(np.unique(np.minimum((sure * bins).astype(int), bins - 1)))
    return _ece(sure, right, bins, weight=lambda inside: 1 / used)


def _equal_sizes(sure: np.ndarray, right: np.ndarray, bins: int) -> float:
    parts = np.array_split(np.argsort(sure), bins)
    gaps = [abs(right[part].mean() - sure[part].mean()) for part in parts]
    return float(np.mean(gaps))


def _last_left_out(sure: np.ndarray, right: np.ndarray, bins: int) -> float:
    inside = sure < 1
    return float(inside.mean()) * _ece(sure[inside], right[inside], bins)


EXERCISES = [
    Exercise(
        name="unfaithful_content_semantic",
        reference=_semantic,
        inputs=_sentences,
        wrong=[
            Wrong(
                lambda p, m: float(-(p * np.log(p)).sum()),
                "this is the entropy of the sentences: first add up the "
                "probabilities of those that mean the same.",
            ),
            Wrong(
                _unweighted,
                "this counts sentences; a meaning's probability is the sum "
                "of its sentences' probabilities.",
            ),
            Wrong(
                lambda p, m: _semantic(p, m) / float(np.log(2)),
                "this is in bits: take the natural logarithm.",
            ),
            Wrong(
                lambda p, m: float(-(p * np.log(p)).sum()) - _semantic(p, m),
                "this is H(X | C), the doubt about words alone.",
            ),
            Wrong(
                lambda p, m: -_semantic(p, m),
                "the sign is turned: an entropy is not negative.",
            ),
        ],
    ),
    Exercise(
        name="unfaithful_content_ece",
        reference=_ece,
        inputs=_predictions,
        wrong=[
            Wrong(
                _equally,
                "bins count alike here; weigh each by its share of the "
                "predictions.",
            ),
            Wrong(
                lambda c, r, b: abs(_ece(c, r, b, size=lambda gap: gap)),
                "gaps of opposite sign cancel: take the distance in each "
                "bin before you add up.",
            ),
            Wrong(
                lambda c, r, b: _ece(c, r, b, size=lambda gap: gap**2),
                "this squares the gap; the distance is asked for.",
            ),
            Wrong(
                _last_left_out,
                "a confidence of exactly 1 falls out of all bins; it belongs "
                "to the last.",
            ),
            Wrong(
                _equal_sizes,
                "these bins hold equally many predictions; here they have "
                "equal width.",
            ),
        ],
    ),
]


def _no_idea(lm: Any, asked: Any) -> Any:
    """The right answer by a hair, whatever the prompt says."""
    found = []
    for _, item in asked:
        among = answers_of(item.relation)
        row = np.full(len(among), -np.log(len(among)))
        row[place_of(item)] += 1e-6
        found.append(row)
    return found


def _as_it_is(logs: Any) -> Any:
    """Nothing is taken out."""
    return logs


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.risks.unfaithful_content.asking.answer_logprobs": _no_idea,
    "alignlab.risks.unfaithful_content.wordings.without_favorites": _as_it_is,
    "alignlab.risks.unfaithful_content.entropies.meaning_entropy": (
        sentence_entropy
    ),
}

"""Exercises of the page `09-future/dynamic-evaluation`, and inert methods."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from alignlab.exercises import Exercise, Wrong
from alignlab.risks.dynamic_evaluation import attackers, forecast


def _hits(rng: np.random.Generator) -> tuple[Any, ...]:
    """Hits of twenty requests that differ, and a smaller number of tries."""
    hits = rng.binomial(24, rng.beta(0.4, 2.0, 20))
    hits[:3] = [0, 1, 5]
    return hits, 24, int(rng.integers(3, 9))


def _within(hits: Any, tries: int, n: int) -> float:
    missed = special.comb(tries - hits, n) / special.comb(tries, n)
    return float(np.mean(1 - missed))


def _plugged(hits: Any, tries: int, n: int) -> float:
    return float(np.mean(1 - (1 - hits / tries) ** n))


def _one_rate(hits: Any, tries: int, n: int) -> float:
    return float(1 - (1 - np.mean(hits) / tries) ** n)


def _ever(hits: Any, tries: int, n: int) -> float:
    return float(np.mean(hits > 0))


def _pairs(rng: np.random.Generator) -> tuple[Any, ...]:
    """Two guards on the same requests, some of which are hard for both."""
    hard = rng.beta(0.5, 0.5, 60)
    first, second = (rng.random((2, 60)) < hard).astype(float)
    first[:3], second[:3] = [1, 0, 1], [0, 1, 1]
    return first, second


def _ratio(first: Any, second: Any) -> float:
    apart = np.var(first) + np.var(second)
    return float(apart / np.var(first - second))


def _upside_down(first: Any, second: Any) -> float:
    return 1 / _ratio(first, second)


def _roots(first: Any, second: Any) -> float:
    return float(np.sqrt(_ratio(first, second)))


def _no_means(first: Any, second: Any) -> float:
    apart = np.mean(first**2) + np.mean(second**2)
    return float(apart / np.mean((first - second) ** 2))


EXERCISES = [
    Exercise(
        name="dynamic_evaluation_within",
        reference=_within,
        inputs=_hits,
        wrong=[
            Wrong(
                _plugged,
                "this puts the share of hits into 1 - (1 - p)**n, which is "
                "biased: count the choices of n tries without a hit.",
            ),
            Wrong(
                _one_rate,
                "this gives every request the mean rate: average over "
                "requests at the end.",
            ),
            Wrong(_ever, "this is success within all tries, not within n."),
        ],
    ),
    Exercise(
        name="dynamic_evaluation_items",
        reference=_ratio,
        inputs=_pairs,
        wrong=[
            Wrong(_upside_down, "this is the ratio upside down."),
            Wrong(
                _roots,
                "this is the ratio of standard errors: requests count as "
                "its square.",
            ),
            Wrong(_no_means, "subtract the means: these aren't variances."),
        ],
    ),
]


def _shuffled(reference: Any, budget: int) -> Any:
    """Some wordings, whatever the other guards trust."""
    return attackers.blind(reference, budget, 1)


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.risks.dynamic_evaluation.attackers.published": _shuffled,
    "alignlab.risks.dynamic_evaluation.forecast.unequal": forecast.one_rate,
}

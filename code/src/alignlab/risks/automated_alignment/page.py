"""Exercises of the page `09-future/automated-alignment`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong
from alignlab.risks.automated_alignment.guards import Guard, Requests
from alignlab.risks.automated_alignment.red_team import Found, drawing
from alignlab.risks.automated_alignment.written_tests import Tests


def _tests(rng: np.random.Generator) -> tuple[Any, ...]:
    truth = rng.integers(0, 2, 60)
    verdict = np.where(rng.random(60) < 0.3, 1 - truth, truth)
    key = np.where(rng.random(60) < 0.2, 1 - truth, truth)
    return verdict, key, truth


def _hidden(verdict: np.ndarray, key: np.ndarray, truth: np.ndarray) -> float:
    """Share of tests on which the guard and the key are wrong together."""
    return float(((verdict != truth) & (key != truth)).mean())


def _sizes(rng: np.random.Generator) -> tuple[Any, ...]:
    return rng.integers(1, 5, 6), int(rng.integers(50, 2000))


def _expected(sizes: np.ndarray, queries: int) -> float:
    """Holes that queries drawn by lot are expected to touch."""
    chance = 6.0 ** -np.asarray(sizes)
    return float((1 - (1 - chance) ** queries).sum())


EXERCISES = [
    Exercise(
        name="automated_alignment_hidden",
        reference=_hidden,
        inputs=_tests,
        wrong=[
            Wrong(
                lambda verdict, key, truth: float((verdict != key).mean()),
                "this is the error that the tests show: return the share on "
                "which guard and key are wrong together.",
            ),
            Wrong(
                lambda verdict, key, truth: float(
                    (verdict != truth).mean() * (key != truth).mean()
                ),
                "this product holds only for independent errors; count the "
                "tests on which both are wrong.",
            ),
            Wrong(
                lambda verdict, key, truth: float((verdict == key).mean()),
                "guard and key may also agree and be right: count only tests "
                "on which both differ from the truth.",
            ),
        ],
    ),
    Exercise(
        name="automated_alignment_expected",
        reference=_expected,
        inputs=_sizes,
        wrong=[
            Wrong(
                lambda sizes, queries: float((queries * 6.0**-sizes).sum()),
                "this counts the hits, and a wide hole is hit many times: each "
                "hole counts once, with the chance that it is hit at all.",
            ),
            Wrong(
                lambda sizes, queries: float(
                    ((1 - 6.0**-sizes) ** queries).sum()
                ),
                "this is the number of holes expected to be missed.",
            ),
        ],
    ),
]


def _by_lot(
    guard: Guard,
    harmful: Any,
    rng: np.random.Generator,
    novelty: float = 0.0,
    stay: bool = False,
    queries: int = 1800,
) -> Found:
    """Rewordings drawn by lot, whatever passes."""
    return drawing(guard, harmful, rng, queries)


def _right_key(some: Requests, odds: Any, kept: float = 0.7) -> Tests:
    """All requests, with the right key."""
    return Tests(some, some.harmful)


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.risks.automated_alignment.red_team.climbing": _by_lot,
    "alignlab.risks.automated_alignment.written_tests.written": _right_key,
}

"""Exercises of the page `07-attacks/defenses`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from math import comb
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong


def _vote(rng: np.random.Generator) -> tuple[Any, ...]:
    return round(float(rng.uniform(0.2, 0.8)), 2), int(rng.integers(3, 12))


def _majority(p: float, copies: int) -> float:
    return sum(
        comb(copies, k) * p**k * (1 - p) ** (copies - k)
        for k in range(copies // 2 + 1, copies + 1)
    )


EXERCISES = [
    Exercise(
        name="majority",
        reference=_majority,
        inputs=_vote,
        wrong=[
            Wrong(
                lambda p, copies: p,
                "this is the chance that one copy complies; add up the chances that more than half of them do.",
            ),
            Wrong(
                lambda p, copies: 1 - (1 - p) ** copies,
                "this is the chance that at least one copy complies; the vote needs more than half.",
            ),
            Wrong(
                lambda p, copies: p**copies,
                "this is the chance that all copies comply; more than half are enough.",
            ),
            Wrong(
                lambda p, copies: 1 - _majority(p, copies),
                "this is the chance that the vote refuses; subtract it from 1.",
            ),
            Wrong(
                lambda p, copies: (
                    _majority(p, copies) / comb(copies, copies // 2)
                ),
                "each number k of complying copies can come about in comb(copies, k) ways.",
            ),
        ],
    ),
]


INERT: dict[str, Callable[..., Any]] = {}


def _untaught(model: Any, seed: int, *rest: Any, **how: Any) -> Any:
    """A guide as it was before the training."""
    import copy

    return copy.deepcopy(model)


INERT["alignlab.toys.museum.teach_refusal"] = _untaught

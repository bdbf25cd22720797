"""Exercises of the page `04-outer/market-making`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong

Array = np.ndarray


def _values(rng: np.random.Generator) -> tuple[Any, ...]:
    shape = (6, 5)
    return rng.random(shape), rng.random(shape), float(rng.uniform(0.2, 0.8))


def _middle(values: Array) -> Array:
    return (values.max(-1) + values.min(-1)) / 2


def _stopped(beliefs: Array, later: Array, stop: float) -> Array:
    """The price before an argument after which the judge may be asked at once."""
    return _middle(stop * beliefs + (1 - stop) * later)


EXERCISES = [
    Exercise(
        name="market_making_stop",
        reference=_stopped,
        inputs=_values,
        wrong=[
            Wrong(
                lambda beliefs, later, stop: (
                    stop * _middle(beliefs) + (1 - stop) * _middle(later)
                ),
                "the adversary gives one argument, and only then is it decided whether the judge is asked: "
                "mix the two for each argument before you take highest and lowest.",
            ),
            Wrong(
                lambda beliefs, later, stop: (
                    stop * beliefs + (1 - stop) * later
                ).mean(-1),
                "this is the mean over all arguments, as if they were given at random; the adversary "
                "takes the highest or the lowest value.",
            ),
            Wrong(
                lambda beliefs, later, stop: _middle(
                    (1 - stop) * beliefs + stop * later
                ),
                "`stop` is the probability that the judge is asked, so it belongs to `beliefs`.",
            ),
            Wrong(
                lambda beliefs, later, stop: _middle(later),
                "this price expects that the judge is never asked before the end.",
            ),
        ],
    )
]


def _first(values: Any, new: Any, turn: int) -> Any:
    """The value after the first argument, whatever the others would do."""
    return values[..., 0]


def _always_first(prices: Any, now: Any) -> Any:
    """The first argument, whatever it does to the price."""
    return prices.argmax(-1) * 0


def _refuted_for_good(heard: Any, lasting: bool = False) -> Any:
    """A judge who never counts a claim, so that no rebuttal can be forgotten."""
    return np.concatenate([heard[..., :4], 0 * heard[..., 4:6]], -1)


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.outer.market_making.protocols.debate": _first,
    "alignlab.outer.market_making.cases.counted": _refuted_for_good,
    "alignlab.outer.market_making.learned.against_market": _always_first,
}

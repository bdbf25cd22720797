"""Exercises of the page `09-future/oversight-and-deception`, and inert versions of the methods of its claims."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong


def _chances(rng: np.random.Generator) -> tuple[Any, ...]:
    """What beats an equal, what a level costs (in nats), levels, most links."""
    return (
        float(rng.uniform(0.3, 3.0)),
        float(rng.uniform(0.3, 2.0)),
        int(rng.integers(3, 25)),
        30,
    )


def _success(c: float, a: float, gap: int, most: int) -> Any:
    links = np.arange(1, most + 1)
    return (1 / (1 + np.exp(a * gap / links - c))) ** links


def _best(c: float, a: float, gap: int, most: int) -> int:
    """The number of links that makes a chain likeliest to hold."""
    return int(1 + _success(c, a, gap, most).argmax())


def _one_link(c: float, a: float, gap: int, most: int) -> int:
    links = np.arange(1, most + 1)
    return int(1 + (1 / (1 + np.exp(a * gap / links - c))).argmax())


def _full_gap(c: float, a: float, gap: int, most: int) -> int:
    links = np.arange(1, most + 1)
    return int(1 + ((1 / (1 + np.exp(a * gap - c))) ** links).argmax())


def _rates(rng: np.random.Generator) -> tuple[Any, ...]:
    return (
        float(rng.uniform(0.5, 1.0)),
        float(rng.uniform(0.01, 0.3)),
        float(2.0 ** -rng.integers(4, 12)),
    )


def _worth(caught: float, false: float, rare: float) -> float:
    """The share of alarms that are lies, by Bayes' rule."""
    return caught * rare / (caught * rare + false * (1 - rare))


EXERCISES = [
    Exercise(
        name="oversight_best_links",
        reference=_best,
        inputs=_chances,
        wrong=[
            Wrong(
                _one_link,
                "this is the chance of one link: the chain holds if all do.",
            ),
            Wrong(
                _full_gap,
                "each link spans only its part of the gap: divide it by the number of links.",
            ),
            Wrong(
                lambda c, a, gap, most: _best(c, a, gap, most) - 1,
                "the first entry is a chain of one link, not of none.",
            ),
        ],
    ),
    Exercise(
        name="oversight_alarm",
        reference=_worth,
        inputs=_rates,
        wrong=[
            Wrong(
                lambda caught, false, rare: caught,
                "this is the share of lies that raise an alarm; asked is the share of alarms that are lies.",
            ),
            Wrong(
                lambda caught, false, rare: caught / (caught + false),
                "this holds where lies are as frequent as the rest: weigh both by how often they come.",
            ),
            Wrong(
                lambda caught, false, rare: caught * rare,
                "divide by the probability of an alarm of either kind.",
            ),
        ],
    ),
]


def _any_question(held: Any, signs: Any) -> Any:
    """The first question, whatever its weaker selves hold."""
    return np.zeros(len(held), int)


def _no_stops(marked: Any, stops: Sequence[int], rounds: int) -> Any:
    """The guard faces the last liar at once."""
    return marked[:, stops[0], stops[-1], :rounds, 0].mean(1) > 0.5


def _any_direction(lies: Any, others: Any) -> Any:
    """A direction that no form decides."""
    return np.random.default_rng(lies.shape[1]).normal(size=lies.shape[1])


ROOM = "alignlab.risks.oversight_and_deception"
INERT: dict[str, Callable[..., Any]] = {
    f"{ROOM}.game.craft": _any_question,
    f"{ROOM}.chain.holds": _no_stops,
    f"{ROOM}.monitors.probe": _any_direction,
}

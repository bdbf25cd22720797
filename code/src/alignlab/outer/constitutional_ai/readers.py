"""A reader of principles, who errs in three ways, and how often such a reader is right.

Serves the survey's section 4.4.2. In Constitutional AI (Bai et al. 2022) a model judges by a principle, drawn each time
from sixteen, some of which ask for nearly the same in other words. Here each wording of the principle "don't help with
what is dangerous" lets the reader see the danger of a request with an error of its own, beside errors that the reader
makes under all wordings (it mistakes words) and errors of the moment. The sizes of the three are settings of ours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alignlab.outer.constitutional_ai.desk import (
    ACTS,
    HELPS,
    STANCE,
    THINGS,
    Desk,
    by_words,
)

WORDINGS = 16


class Reader(NamedTuple):
    """views: danger as seen under each wording, (wordings, REQUESTS); momentary: the standard deviation of what changes
    with each reading, in standard deviations of danger.
    """

    views: np.ndarray
    momentary: float


def reader(
    world: Desk,
    seed: int,
    shared: float = 0.5,
    wording: float = 1.0,
    momentary: float = 1.0,
    shuffled: bool = False,
) -> Reader:
    """A reader of sixteen wordings.

    shared, wording, momentary: sizes of the three errors, in standard
    deviations of danger. shuffled: the principles forbid other acts and other
    things, as many: the dangers of acts, and of things, change places.
    Raises ValueError for a size below 0.
    """
    if min(shared, wording, momentary) < 0:
        raise ValueError(
            f"sizes of errors {shared}, {wording}, {momentary} must be 0 or more"
        )
    rng = np.random.default_rng([seed, 2])
    seen = world.danger
    if shuffled:
        grid = seen.reshape(ACTS, THINGS)[rng.permutation(ACTS)]
        seen = grid[:, rng.permutation(THINGS)].reshape(-1)
    errors = shared * by_words(rng) + wording * by_words(rng, WORDINGS)
    return Reader(seen + errors, momentary)


def read(
    who: Reader,
    requests: np.ndarray,
    wordings: np.ndarray,
    rng: np.random.Generator,
    times: int = 1,
) -> np.ndarray:
    """Danger of requests (n,) as read under wordings (n,), the mean of
    `times` readings: (n,).

    Raises ValueError for fewer readings than one.
    """
    if times < 1:
        raise ValueError(f"times={times}: ask at least once")
    moment = rng.normal(size=(times, len(requests))).mean(0)
    return np.asarray(who.views[wordings, requests] + who.momentary * moment)


def agreement(
    shared: float, wording: float, momentary: float, wordings: int, times: int
) -> float:
    """How often a mean over wordings and readings has the sign of the truth.

    For normal danger and errors: 1 - arccos(rho) / pi with the correlation rho
    of truth and mean (Sheppard 1899). shared, wording, momentary: standard
    deviations, in units of that of danger. wordings: how many differ; times:
    readings of each.
    """
    error = shared**2 + wording**2 / wordings + momentary**2 / wordings / times
    return float(1 - np.arccos(1 / np.sqrt(1 + error)) / np.pi)


def lean_of(world: Desk) -> Reader:
    """A critic without a principle: it takes for dangerous what the base policy declines more often than usual."""
    helps = world.base[:, STANCE == HELPS].sum(1)
    lean = np.log((1 - helps) / helps)
    lean = (lean - np.median(lean)) / lean.std()
    return Reader(np.repeat(lean[None], WORDINGS, 0), 0.3)


def people(world: Desk, momentary: float = 1.0) -> Reader:
    """People as critics: they see the danger itself, with errors of the moment alone."""
    return Reader(np.repeat(world.danger[None], WORDINGS, 0), momentary)

"""Worlds in which a proxy and what was wanted part in four ways (serves section 3.1 of the survey).

Manheim and Garrabrant (2018, "Categorizing Variants of Goodhart's Law") tell
apart: *regressional* (the proxy is measured with error), *extremal* (the
relation ends beyond the ordinary range), *causal* (proxy and goal share a
cause, and moving one leaves the other) and *adversarial* (those who are
measured know the proxy and serve it). Here all four are parts of one world,
each with a strength.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
KINDS = ("regressional", "extremal", "causal", "adversarial")
ORDINARY = 1.0  # beyond it the trait begins to harm, in an extremal world


class World(NamedTuple):
    """Strengths of what parts proxy and goal.

    error: standard deviation of one reading. bend: how fast the goal falls
    beyond the ordinary range. common: share of the goal that comes from a
    common cause instead of the trait. cheat: how much of the proxy those who
    know it can fake, on average. link: correlation of trait and common cause.
    unit: of the proxy. Common cause, trait and error are normal.
    """

    error: float = 0.0
    bend: float = 0.0
    common: float = 0.0
    cheat: float = 0.0
    link: float = 0.7
    unit: float = 1.0


PURE = {
    "regressional": World(error=1.0),
    "extremal": World(bend=1.0),
    "causal": World(common=1.0, link=0.5**0.5, unit=2**0.5),
    "adversarial": World(cheat=1.0),
}


class Sample(NamedTuple):
    """Candidates: what the proxy says and what they are worth, (n,) each."""

    proxy: Floats
    goal: Floats


def candidates(
    world: World,
    n: int,
    rng: np.random.Generator,
    readings: int = 1,
    known: bool = False,
    push: float = 0.0,
    afresh: bool = True,
) -> Sample:
    """n candidates as they are measured.

    readings: how many the proxy averages; afresh=False repeats one of them.
    known: whether the candidates know the proxy. push: what is added to the
    trait from outside, in its standard deviations.
    """
    cause, own = rng.normal(size=(2, n))
    link = world.link
    trait = link * cause + np.sqrt(1 - link**2) * own + push
    beyond = np.maximum(trait - ORDINARY, 0)
    goal = (1 - world.common) * trait + world.common * cause
    goal -= world.bend * beyond**2
    fresh = readings if afresh else 1
    errors = rng.normal(size=(fresh, n))
    proxy = trait + world.error * errors.mean(0)
    faked = world.cheat * rng.exponential(size=n)
    proxy += faked * known
    return Sample(world.unit * proxy, goal)


def chosen(sample: Sample, share: float) -> NDArray[np.bool_]:
    """The candidates with the highest proxy."""
    count = max(1, round(share * len(sample.proxy)))
    marked = np.zeros(len(sample.proxy), dtype=bool)
    marked[np.argpartition(sample.proxy, -count)[-count:]] = True
    return marked


STRONG = {
    "error": (0.8, 1.6),
    "bend": (0.8, 1.6),
    "common": (1.0, 1.0),
    "cheat": (0.8, 1.6),
}
WEAK = {
    "error": (0.1, 0.4),
    "bend": (0.0, 0.15),
    "common": (0.0, 0.25),
    "cheat": (0.0, 0.25),
}


def drawn(kind: int, rng: np.random.Generator, alone: bool = False) -> World:
    """A world in which one of the four is strong and the others are weak.

    kind: a number of KINDS. alone: the others are absent. A causal world is
    the twin of a regressional one but for what is weak in it: the goal is
    the common cause, and its correlation with the trait is drawn like that
    of a trait with its reading, 1 / sqrt(1 + error^2).
    """
    strengths = {}
    for number, name in enumerate(STRONG):
        low, high = (STRONG if number == kind else WEAK)[name]
        strengths[name] = rng.uniform(low, high)
        if alone and number != kind:
            strengths[name] = 0.0
    link = (1 + rng.uniform(*STRONG["error"]) ** 2) ** -0.5
    return World(**strengths, link=link, unit=rng.uniform(0.5, 2))

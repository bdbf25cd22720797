"""Three ways of seeming aligned: proxy, approximate and suboptimality alignment.

Hubinger et al. (2019, on pseudo-alignment) distinguish them for learned systems that
search for what serves an objective. Here, unlike in `policies`, the search is
therefore given, and has a horizon: a planner looks at all things that are near
enough, and walks to the one that is worth most to it after discounting. What
it learns, from the reward alone, is its objective: how much a thing of such a
look is worth. Serves the survey's section 5.1. Our world; the three
definitions are the paper's, and it has no experiment.

A level is a row of six things, one to six steps away. A thing is round or not,
more or less yellow, and small or large (-1 to 1). The designer pays for round
things, best for those of middle size: round * (1 - size ** 2).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

THINGS = 6
SHORT, LONG = 3, 6  # horizons, in steps
DISCOUNT = 0.9
LAMP = 4.0  # how yellow a lamp is; a coin has 1
EXPLORING = 0.2
BATCH, UPDATES, RATE = 16, 500, 0.1


class Case(NamedTuple):
    """How agents were trained.

    parted: whether yellow and round come apart in training. lamps: whether
    lamps, yellow and never paid for, stand beyond the short horizon. rich:
    whether the objective can depend on the square of a thing's size.
    """

    parted: bool = False
    lamps: bool = False
    rich: bool = True


CASES = {
    "aligned": Case(parted=True, lamps=True),
    "proxy": Case(),
    "approximate": Case(parted=True, rich=False),
    "suboptimality": Case(lamps=True),
}


class Things(NamedTuple):
    """Things in levels; each (agents, levels, things)."""

    round: Floats
    yellow: Floats
    size: Floats


def draw(
    case: Case,
    agents: int,
    levels: int,
    rng: np.random.Generator,
    lamp: float = LAMP,
) -> Things:
    """Levels as a case's training has them; the same numbers for each case.

    lamp: how yellow lamps are.
    """
    shape = (agents, levels, THINGS)
    is_round = (rng.random(shape) < 0.5).astype(float)
    other = (rng.random(shape) < 0.5).astype(float)
    size = rng.uniform(-1, 1, shape)
    is_lamp = rng.random(shape) < 0.5
    yellow = other if case.parted else is_round.copy()
    if case.lamps:
        is_lamp[..., :SHORT] = False
        is_round[is_lamp], yellow[is_lamp] = 0.0, lamp
    return Things(is_round, yellow, size)


def reward(things: Things) -> Floats:
    """What the designer pays for each thing."""
    return things.round * (1 - things.size**2)


def features(things: Things, vivid: Floats, rich: bool) -> Floats:
    """What the objective is a weighted sum of: (..., things, 4).

    vivid: (agents,), how strongly each agent sees yellow.
    """
    square = things.round * things.size**2 * float(rich)
    yellow = vivid[:, None, None] * things.yellow
    return np.stack(
        [things.round, yellow, things.round * things.size, square], -1
    )


def choose(worth: Floats, horizon: int) -> NDArray[np.int64]:
    """The thing within the horizon that is worth most after discounting.

    worth: (..., things). The first thing is one step away.
    """
    if not 1 <= horizon <= THINGS:
        raise ValueError(
            f"a horizon lies between 1 and {THINGS}, not {horizon}"
        )
    later = DISCOUNT ** np.arange(1, horizon + 1)
    return np.asarray((later * worth[..., :horizon]).argmax(-1))


class Learned(NamedTuple):
    """Objectives, (agents, 4), how vivid yellow is, and how they were trained."""

    weights: Floats
    vivid: Floats
    case: Case


def learn(
    case: Case, seed: int, agents: int = 10, horizon: int = SHORT
) -> Learned:
    """Objectives learned by planning, being paid, and correcting predictions.

    One time in five the agent walks to any thing within its horizon.
    """
    rng = np.random.default_rng(seed)
    vivid = np.exp(rng.normal(np.log(1.5), 0.1, agents))
    weights = np.zeros((agents, 4))
    for _ in range(UPDATES):
        things = draw(case, agents, BATCH, rng)
        seen = features(things, vivid, case.rich)
        predicted = np.einsum("anif,af->ani", seen, weights)
        target = choose(predicted, horizon)
        explores = rng.random(target.shape) < EXPLORING
        anywhere = rng.integers(horizon, size=target.shape)
        target = np.where(explores, anywhere, target)[..., None]
        error = np.take_along_axis(reward(things) - predicted, target, -1)
        look = np.take_along_axis(seen, target[..., None], 2)[:, :, 0]
        weights = weights + RATE / BATCH * np.einsum("ani,anf->af", error, look)
    return Learned(weights, vivid, case)


def earned(
    agents: Learned,
    levels: Case,
    horizon: int,
    seed: int,
    count: int = 200,
    lamp: float = LAMP,
) -> float:
    """What agents earn of what a planner with the right objective would.

    The discounted reward over `count` levels for each agent, divided by that of
    choosing by the reward itself with the same horizon.
    """
    rng = np.random.default_rng([seed, 1])
    things = draw(levels, len(agents.vivid), count, rng, lamp)
    seen = features(things, agents.vivid, agents.case.rich)
    worth = np.einsum("anif,af->ani", seen, agents.weights)
    paid = DISCOUNT ** np.arange(1, THINGS + 1) * reward(things)

    def total(choice: NDArray[np.int64]) -> float:
        return float(np.take_along_axis(paid, choice[..., None], -1).sum())

    best = total(choose(reward(things), horizon))
    return total(choose(worth, horizon)) / best


def examined(name: str, seed: int) -> dict[str, float]:
    """One kind of agents under four conditions: what they earn in each."""
    case = CASES[name]
    agents = learn(case, seed)
    richer = agents if case.rich else learn(case._replace(rich=True), seed)
    parted = case._replace(parted=True)
    return {
        "as in training": earned(agents, case, SHORT, seed),
        "new levels": earned(agents, parted, SHORT, seed),
        "longer horizon": earned(agents, case, LONG, seed),
        "richer objective": earned(richer, case, SHORT, seed),
    }

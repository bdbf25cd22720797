"""Four audits of an agent, and a diagnosis from each.

An auditor gets the agent, may watch 40 episodes, and says which repair it
needs. What differs is the evidence; the rule that turns evidence into a
diagnosis is the same, a small decision tree grown on other agents, whose
causes are known.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from sklearn.metrics import balanced_accuracy_score
from sklearn.tree import DecisionTreeClassifier

from alignlab.risks.ingredients import hall, inside
from alignlab.risks.ingredients.agent import Agents, Dials, drawn, reached
from alignlab.risks.ingredients.causes import (
    Halls,
    causes,
    cures,
    halls,
    trained,
    turned,
)
from alignlab.risks.ingredients.hall import Floats, Ints, Levels

EPISODES = 40
Kinds = tuple[tuple[tuple[int, ...], int], ...]

# which objects there are, and episodes; the other eight are as in training
NEW: Kinds = ((hall.APART, 16), (hall.NO_DOOR, 8), (hall.NO_COIN, 8))
SAME: Kinds = ((hall.TOGETHER, 32),)  # new layouts, and nothing else is new
POOL = 200  # levels of each new kind, from which each agent's are drawn
GROWN_ON = 600  # agents of known cause
AGENTS = 200  # agents to be diagnosed


class Audited(NamedTuple):
    """Some agents, how they were made, what cures them, the cause of each.

    cured: (agents, 3), see `cures`. cause: (agents,), see `causes`.
    """

    agents: Agents
    dials: Dials
    halls: Halls
    cured: Floats
    cause: Ints
    seed: int


Evidence = Callable[[Audited], Floats]


def population(count: int, seed: int) -> Audited:
    """`count` agents of one seed, but for those that either repair cures."""
    dials = turned(count, seed)
    where = halls(seed)
    agents = trained(dials, where, seed)
    cured = cures(agents, dials, where, seed)
    cause = causes(cured)
    kept = cause >= 0
    return Audited(
        Agents(*(part[kept] for part in agents)),
        Dials(*(part[kept] for part in dials)),
        where,
        cured[kept],
        cause[kept],
        seed,
    )


def outcomes(
    who: Audited, levels: Levels, rng: np.random.Generator, episodes: int
) -> Floats:
    """Share of coins and doors reached in levels drawn for each agent."""
    index = rng.integers(len(levels.start), size=(len(who.cause), episodes))
    coin, door = reached(who.agents, levels.take(index))
    return np.stack([coin.mean(1), door.mean(1)], 1)


def replayed(who: Audited, episodes: int) -> Floats:
    """Share of coins and doors reached as in training, (agents, 2)."""
    rng = np.random.default_rng([who.seed, 4])
    where = who.halls
    levels = drawn(who.dials.apart, where.together, where.apart, episodes, rng)
    coin, door = reached(who.agents, levels)
    return np.stack([coin.mean(1), door.mean(1)], 1)


def in_training(who: Audited) -> Floats:
    """Behavior in 40 levels as in training, (agents, 2)."""
    return replayed(who, EPISODES)


def on_new_levels(who: Audited, kinds: Kinds = NEW) -> Floats:
    """Behavior in eight levels as in training and 32 new ones, (agents, 8).

    kinds: which kinds of new level, and how many episodes of each.
    """
    rng = np.random.default_rng([who.seed, 5])
    found = [replayed(who, EPISODES - sum(count for _, count in kinds))]
    for places, count in kinds:
        found.append(outcomes(who, hall.draw(POOL, places, rng), rng, count))
    return np.hstack(found)


def on_new_layouts(who: Audited) -> Floats:
    """As many new levels, with the coin in the doorway as in training.

    Returns (agents, 4).
    """
    return on_new_levels(who, SAME)


def looked_inside(who: Audited, units: bool = False) -> Floats:
    """Behavior as in training, and the goal as it is read: (agents, 6)."""
    labels, activations = inside.pictures(who.agents, who.seed)
    read = inside.by_unit if units else inside.by_direction
    return np.hstack([in_training(who), read(who.agents, labels, activations)])


def pays(who: Audited) -> Floats:
    """What the reward pays for a coin and for a door alone, (agents, 2)."""
    return np.stack([1 - who.dials.wrong, who.dials.wrong], 1)


def beside(*parts: Evidence) -> Evidence:
    """Several kinds of evidence taken together."""
    return lambda who: np.hstack([part(who) for part in parts])


def asked_the_reward(who: Audited) -> Floats:
    """Behavior on new levels, and what the reward pays: (agents, 10)."""
    return np.hstack([on_new_levels(who), pays(who)])


def both_dials(who: Audited) -> Floats:
    """How agents were trained, and nothing about them: (agents, 2)."""
    return np.stack([who.dials.wrong, who.dials.apart], 1)


def tree() -> DecisionTreeClassifier:
    """The rule of every audit: a tree of at most four questions."""
    return DecisionTreeClassifier(
        max_depth=4,
        min_samples_leaf=10,
        class_weight="balanced",
        random_state=0,
    )


def diagnose(known: Floats, cause: Ints, evidence: Floats) -> Ints:
    """The diagnosis of each agent, from a tree grown on agents of known cause.

    known: (known agents, readings). cause: (known agents,). evidence: (agents,
    readings).
    """
    return np.asarray(tree().fit(known, cause).predict(evidence))


def balanced(cause: Ints, diagnosis: Ints) -> float:
    """Mean over the causes of the share that is diagnosed rightly.

    A constant answer scores one in the number of causes.
    """
    return float(balanced_accuracy_score(cause, diagnosis))

"""Agents that learn what is worth walking to, and walk to it.

An agent has an eye, which turns the look of a cell into the activations of
eight units, and a goal, one weight a unit. It predicts what reaching a cell
will pay, walks to the best cell, counting each step's delay, and corrects its
goal by what it was paid. Planning is given and the goal is learned, so that the two
can come apart. The goal plays the part of what Hubinger et al. (2019) call
the objective of a mesa-optimizer.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alignlab.risks.ingredients.hall import (
    COIN,
    DOOR,
    KINDS,
    UNITS,
    Floats,
    Ints,
    Levels,
    joined,
)

DISCOUNT = 0.9
EPISODES = 2000
BATCH = 8  # episodes to an update
RATE = 0.02  # times BATCH, so that learning is stable for sights up to 3
EXPLORING = 0.1
NOWHERE = -1


class Dials(NamedTuple):
    """What is set of each agent, all of shape (agents,) and between 0 and 1.

    wrong: part of the pay that goes to the door and not to the coin. apart:
    share of training levels in which the coin is away from the door. opaque:
    how far the units of the eye are turned away from the kinds of objects.
    """

    wrong: Floats
    apart: Floats
    opaque: Floats


class Agents(NamedTuple):
    """What agents are born with, and their goals.

    sight: (agents, kinds), how strongly each kind of object is seen. turn:
    (agents, units, units), a rotation. goal: (agents, units).
    """

    sight: Floats
    turn: Floats
    goal: Floats


def born(opaque: Floats, seed: int) -> Agents:
    """Agents before any training.

    The door is seen exp(N(0.25, 0.35)) times as strongly as the coin.
    """
    rng = np.random.default_rng(seed)
    count = len(opaque)
    sight = np.ones((count, len(KINDS)))
    sight[:, DOOR] = np.exp(rng.normal(0.25, 0.35, count))
    mix = rng.normal(size=(count, UNITS, UNITS))
    plain = np.eye(UNITS)
    turn = np.empty_like(mix)
    for number, share in enumerate(opaque):
        rotation, signs = np.linalg.qr(
            (1 - share) * plain + share * mix[number] / np.sqrt(UNITS)
        )
        turn[number] = rotation * np.sign(np.diag(signs))
    first = 0.1 * rng.normal(size=(count, UNITS))
    return Agents(sight, turn, np.einsum("auv,av->au", turn, first))


def made_opaque(agents: Agents, seed: int) -> Agents:
    """The same agents with units turned all the way, and the goal with them.

    They do what they did, and what they would do had they been trained so.
    """
    turn = born(np.ones(len(agents.goal)), seed).turn
    return agents._replace(
        turn=turn @ agents.turn,
        goal=np.einsum("auv,av->au", turn, agents.goal),
    )


def see(agents: Agents, levels: Levels) -> Floats:
    """Activations by the cell of each object: (agents, levels, kinds, units).

    levels: of shape (agents, levels).
    """
    look = levels.texture.copy()
    look[..., : len(KINDS)] += levels.shared * agents.sight[:, None, None, :]
    flat = look.reshape(len(look), -1, look.shape[-1])
    return (flat @ agents.turn.transpose(0, 2, 1)).reshape(look.shape)


def choose(worth: Floats, steps: Floats) -> Ints:
    """The object to walk to: the best after discounting, or NOWHERE.

    NOWHERE stands for agents to which nothing is worth a step.

    worth, steps: (..., kinds), predicted pay and distance.
    """
    discounted = DISCOUNT**steps * worth
    best = discounted.argmax(-1)
    return np.where(discounted.max(-1) > 0, best, NOWHERE)


def paid(levels: Levels, dials: Dials) -> Floats:
    """The pay for each object's cell: (agents, levels, kinds)."""
    wrong = dials.wrong[:, None, None]
    for_coin = (1 - wrong) * levels.shared[..., COIN]
    for_door = wrong * levels.shared[..., DOOR]
    return np.asarray(for_coin + for_door)


def drawn(
    apart_share: Floats,
    together: Levels,
    apart: Levels,
    count: int,
    rng: np.random.Generator,
) -> Levels:
    """`count` training levels for each agent, (agents, count).

    apart_share: (agents,), the share that comes from the levels `apart`.
    """
    shape = (len(apart_share), count)
    is_apart = rng.random(shape) < apart_share[:, None]
    number = rng.integers(len(together.start), size=shape)
    other = len(together.start) + number % len(apart.start)
    return joined(together, apart).take(np.where(is_apart, other, number))


def explore(target: Ints, steps: Floats, rng: np.random.Generator) -> Ints:
    """The targets, but any object at random one time in ten.

    Agents that would go nowhere always explore.
    """
    lots = np.where(np.isfinite(steps), rng.random(steps.shape), -1.0)
    explores = rng.random(target.shape) < EXPLORING
    return np.where(explores | (target == NOWHERE), lots.argmax(-1), target)


def at(values: Floats, target: Ints) -> Floats:
    """Of `values`, (agents, levels, kinds, ...), those of each target."""
    agent, level = np.indices(target.shape)
    return np.asarray(values[agent, level, target])


def learn(
    agents: Agents,
    dials: Dials,
    together: Levels,
    apart: Levels,
    seed: int,
    episodes: int = EPISODES,
) -> Agents:
    """Agents after so many episodes, eight to an update.

    Two runs of one seed draw the same levels and explorations, whatever the
    dials. Raises ValueError where agents and dials differ in number.
    """
    found = (len(agents.goal), len(dials.wrong))
    if found[0] != found[1]:
        raise ValueError(f"{found[0]} agents, but {found[1]} settings of dials")
    rng = np.random.default_rng(seed)
    goal = agents.goal
    for _ in range(episodes // BATCH):
        levels = drawn(dials.apart, together, apart, BATCH, rng)
        units = see(agents, levels)
        predicted = np.einsum("anju,au->anj", units, goal)
        target = explore(choose(predicted, levels.steps), levels.steps, rng)
        error = at(paid(levels, dials), target) - at(predicted, target)
        goal = goal + RATE * np.einsum("an,anu->au", error, at(units, target))
    return agents._replace(goal=goal)


def reached(agents: Agents, levels: Levels) -> tuple[Floats, Floats]:
    """Whether each agent reaches the coin, and the door: (agents, levels).

    levels: the same for all, or of shape (agents, levels).
    """
    if levels.start.ndim == 1:
        everyone = np.tile(np.arange(len(levels.start)), (len(agents.goal), 1))
        levels = levels.take(everyone)
    worth = np.einsum("anju,au->anj", see(agents, levels), agents.goal)
    target = choose(worth, levels.steps)
    found = at(levels.shared, np.maximum(target, 0))  # (agents, levels, kinds)
    found = found * (target != NOWHERE)[..., None]
    return found[..., COIN], found[..., DOOR]

"""A game of oversight between a guard and a liar who were taught less or more.

A form of the games in Engels et al. (2025), "Scaling laws for scalable
oversight": a guard has to mark the lie, and a player of another strength
wants it to pass. Both are ridge regressions, taught with more examples the
higher their level, so that no chance of winning is written in anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Floats = np.ndarray
LEVELS = 9
FEATURES = 96
EXAMPLES = tuple(2 * 2**level for level in range(LEVELS))
TRIES = tuple(round(2 ** (level / 2)) for level in range(LEVELS))
RIDGE = 0.1
NOISE = 0.3


class World(NamedTuple):
    """What is true: the answer to a question x is x @ truth.

    spread: how much each feature of a question varies, (features,). Later
    ones vary less, so that few examples tell little about them.
    truth: (features,).
    """

    spread: Floats
    truth: Floats


def draw_world(rng: np.random.Generator) -> World:
    """A world whose answers have a variance of about 1."""
    spread = np.arange(1, FEATURES + 1) ** -0.5
    spread /= np.sqrt((spread**2).sum())
    return World(spread, rng.normal(size=FEATURES))


def taught(
    world: World, examples: int, students: int, rng: np.random.Generator
) -> Floats:
    """Ridge regressions, each on noisy examples of its own.

    Returns (students, features): what each takes for the truth.
    """
    x = rng.normal(size=(students, examples, FEATURES)) * world.spread
    y = x @ world.truth + NOISE * rng.normal(size=(students, examples))
    xt = x.swapaxes(1, 2)
    if examples < FEATURES:  # the same solution, by the smaller system
        inner = x @ xt + RIDGE * np.eye(examples)
        return np.asarray((xt @ np.linalg.solve(inner, y[..., None]))[..., 0])
    inner = xt @ x + RIDGE * np.eye(FEATURES)
    return np.asarray(np.linalg.solve(inner, xt @ y[..., None])[..., 0])


def craft(held: Floats, signs: Floats) -> np.ndarray:
    """Which question the liar lies about: where its weaker selves err most.

    held: (games, questions, levels), the answers that the liar gave when it
    had been taught less, and last the one it gives now. signs: (games,
    questions), +1 if the lie is above the truth and -1 if it is below.
    Returns (games,): the question on which they err furthest towards the lie.
    """
    errors = held[..., :-1].mean(-1) - held[..., -1]  # as far as it knows
    return np.asarray((errors * signs).argmax(1))


def play(
    seed: int,
    worlds: int,
    games: int,
    judges: int = 1,
    size: float = 1.5,
    crafty: bool = True,
    *,
    guards: Sequence[int] = range(LEVELS),
    tries: Sequence[int] = TRIES,
    turned: bool = False,
) -> np.ndarray:
    """Guards of some levels against all levels of liars.

    In each game both read a question of the liar's choice, the true answer
    and a lie that is off by size; the guard marks the one further from what
    it holds itself. judges: guards of a level, each taught alone. crafty:
    whether liars choose their question, or take the first. guards: their
    levels. tries: questions that liars of each level look through. turned:
    whether guards mark the nearer statement, and liars expect that.
    Returns (worlds, guards, liars, games, judges), True where the lie is
    marked.
    """
    marked = np.zeros((worlds, len(guards), LEVELS, games, judges), bool)
    for number in range(worlds):
        rng = np.random.default_rng([seed, number])
        world = draw_world(rng)
        taken = [taught(world, EXAMPLES[i], judges, rng) for i in guards]
        selves = np.stack([taught(world, n, 1, rng)[0] for n in EXAMPLES])
        shape = (games, max(tries))
        aim = -1 if turned else 1
        x = rng.normal(size=(*shape, FEATURES)) * world.spread
        signs = rng.choice([-1, 1], size=shape)
        held = x @ selves.T  # (games, questions, levels)
        each = np.arange(games)
        for liar in range(LEVELS):
            some = slice(0, tries[liar])
            chosen = np.zeros(games, int)  # the lowest has no weaker self
            if liar and crafty:
                chosen = craft(held[:, some, : liar + 1], aim * signs[:, some])
            asked = x[each, chosen]
            for place, guard in enumerate(taken):
                errors = asked @ guard.T - (asked @ world.truth)[:, None]
                towards = errors * signs[each, chosen][:, None]
                marked[number, place, liar] = (towards < size / 2) != turned
    return marked

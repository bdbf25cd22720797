"""Foretelling where agents go: by watching them, and by a look inside.

Both know how agents plan and lack only the worth of things. Watching finds,
for each agent, how many steps of detour the coin is worth against the door;
looking reads what each kind of object is worth.
"""

from __future__ import annotations

import numpy as np

from alignlab.risks.ingredients.agent import Agents, choose, reached
from alignlab.risks.ingredients.hall import (
    COIN,
    DOOR,
    KINDS,
    Floats,
    Ints,
    Levels,
)

LEADS = np.linspace(-30, 30, 241)  # in steps
NEITHER = -1


def ahead(levels: Levels) -> Floats:
    """How many steps nearer the coin is than the door, from -30 to 30."""
    nearer = levels.steps[..., DOOR] - levels.steps[..., COIN]
    return np.asarray(np.clip(nearer, -30, 30))


def went(agents: Agents, levels: Levels) -> Ints:
    """Where each agent goes, COIN, DOOR or NEITHER; COIN for both."""
    coin, door = reached(agents, levels)  # both, where they share a cell
    return np.where(coin > 0, COIN, np.where(door > 0, DOOR, NEITHER))


def by_watching(seen: Ints, watched: Levels, asked: Levels) -> Ints:
    """Where each agent will go, by where it went, (agents, asked levels).

    seen: (agents, watched levels), from `went`. watched: the same levels for
    all, or each agent's own. An agent goes to the coin if this is nearer by
    more than its lead; of the leads with the fewest errors the mean is taken.
    Levels with coin and door in one cell say nothing. An agent that mostly
    went to neither is foretold to do so again.
    """
    nearer = np.broadcast_to(ahead(watched), seen.shape)
    to_coin = nearer[:, None] + LEADS[:, None] > 0  # (agents, leads, watched)
    wrong = np.where(to_coin, COIN, DOOR) != seen[:, None]
    telling = watched.shared[..., COIN, DOOR] == 0  # the two are apart
    telling = np.broadcast_to(telling, seen.shape)
    errors = (wrong & telling[:, None]).sum(2)  # (agents, leads)
    best = errors == errors.min(1, keepdims=True)
    lead = (best * LEADS).sum(1) / best.sum(1)
    told = np.where(ahead(asked) + lead[:, None] > 0, COIN, DOOR)
    nowhere = (seen == NEITHER).mean(1) > 0.5
    return np.where(nowhere[:, None], NEITHER, told)


def by_habit(seen: Ints, watched: Levels, asked: Levels) -> Ints:
    """Where each agent went most often, in every level that is asked."""
    mostly = np.where((seen == COIN).mean(1) > 0.5, COIN, DOOR)
    return np.repeat(mostly[:, None], len(asked.start), 1)


def by_looking(worth: Floats, asked: Levels) -> Ints:
    """Where each agent will go, by what things are worth to it.

    worth: (agents, kinds), as it was read.
    """
    shape = (len(worth), len(asked.start), len(KINDS))
    target = choose(np.broadcast_to(worth[:, None], shape), asked.steps)
    return np.where((target == COIN) | (target == DOOR), target, NEITHER)

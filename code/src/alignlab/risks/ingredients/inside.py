"""A look inside: what each kind of object is worth, read from the units.

Two readings of the same agent and the same labeled pictures of cells.
`by_unit` names each unit after one kind of object, as one would name neurons.
`by_direction` finds for each kind the direction in which it moves all units
together, which is linear attribution along probed directions; compare
`alignlab.interp.probes`.
"""

from __future__ import annotations

import numpy as np

from alignlab.risks.ingredients.agent import Agents
from alignlab.risks.ingredients.hall import (
    COIN,
    DOOR,
    GRAIN,
    KINDS,
    UNITS,
    Floats,
)

PICTURES = 40


def pictures(
    agents: Agents, seed: int, count: int = PICTURES, apart: bool = True
) -> tuple[Floats, Floats]:
    """Labels (count, kinds) and activations (agents, count, units) of cells.

    Each object is in a cell with probability one half. apart=False: a door is
    exactly where a coin is, as in training.
    """
    rng = np.random.default_rng([seed, 3])
    labels = (rng.random((count, len(KINDS))) < 0.5).astype(float)
    if not apart:
        labels[:, DOOR] = labels[:, COIN]
    look = GRAIN * rng.normal(size=(len(agents.goal), count, UNITS))
    look[..., : len(KINDS)] += labels * agents.sight[:, None, :]
    return labels, np.einsum("auv,anv->anu", agents.turn, look)


def responses(labels: Floats, units: Floats) -> Floats:
    """How much each kind moves each unit, (agents, kinds, units).

    By least squares.

    labels: (pictures, kinds). units: (agents, pictures, units).
    """
    with_constant = np.hstack([labels, np.ones((len(labels), 1))])
    solved = np.linalg.pinv(with_constant) @ units
    return np.asarray(solved[:, : labels.shape[1]])


def by_unit(agents: Agents, labels: Floats, units: Floats) -> Floats:
    """Worth of each kind by the unit that it moves most, (agents, kinds)."""
    moved = responses(labels, units)
    unit = np.abs(moved).argmax(2)
    by_kind = np.take_along_axis(moved, unit[..., None], 2)[..., 0]
    return np.asarray(by_kind * np.take_along_axis(agents.goal, unit, 1))


def by_direction(agents: Agents, labels: Floats, units: Floats) -> Floats:
    """Worth of each kind by the direction in which it moves all units."""
    return np.einsum("aku,au->ak", responses(labels, units), agents.goal)


def on_average(agents: Agents, labels: Floats, units: Floats) -> Floats:
    """Worth of each kind on average over all agents, (agents, kinds)."""
    worth = by_direction(agents, labels, units)
    return np.broadcast_to(worth.mean(0), worth.shape)


def evenly(agents: Agents, labels: Floats, units: Floats) -> Floats:
    """Coin and door worth the same, whatever the agent's goal."""
    worth = np.zeros((len(agents.goal), len(KINDS)))
    worth[:, [COIN, DOOR]] = 1.0
    return worth


def truly(agents: Agents) -> Floats:
    """The worth of each kind as the agent computes it, without texture."""
    straight = np.einsum("auv,au->av", agents.turn, agents.goal)
    return np.asarray(straight[:, : len(KINDS)] * agents.sight)

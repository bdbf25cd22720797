"""Walks of many agents in many levels of the court at once.

Two agents of one seed meet the same random numbers, whatever else differs
between them. Serves the survey's section 5.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from alignlab.inner.failures import court
from alignlab.inner.failures.court import (
    LEADS,
    MIDDLE,
    STEPS,
    Floats,
    Ints,
    Levels,
)
from alignlab.inner.failures.networks import Agents, forward


class Walks(NamedTuple):
    """What became of episodes, each of shape (agents, levels).

    first: which of the first object, the second and the middle was reached
    first: 0, 1, 2, or -1 for none. steps: when. paid: whether the first object
    was reached at all.
    """

    first: Ints
    steps: Ints
    paid: NDArray[np.bool_]


class Path(NamedTuple):
    """What a walk leaves to learn from; (steps, agents, levels, ...).

    seen: the views, (..., cells, channels). moves: 0 to 3. rewards. on: whether
    the episode was still on when the move was made.
    """

    seen: Floats
    moves: Ints
    rewards: Floats
    on: NDArray[np.bool_]


@torch.no_grad()
def walk(agents: Agents, levels: Levels, luck: Floats) -> tuple[Walks, Path]:
    """Let each agent walk each of its levels, (agents, levels), to the end.

    luck: (steps, agents, levels), uniform numbers that choose the moves.
    """
    here = levels.start.copy()
    alive = np.ones(here.shape, dtype=bool)
    first, when = np.full(here.shape, -1), np.full(here.shape, len(luck))
    paid = np.zeros(here.shape, dtype=bool)
    views, moves, rewards, on = [], [], [], []
    for step, chance in enumerate(luck):
        seen = court.view(here, levels, agents.strength)
        logp, _ = forward(agents.build, agents.weights, torch.from_numpy(seen))
        move = (logp.exp().cumsum(-1)[..., :3].numpy() < chance[..., None]).sum(
            -1
        )
        views.append(seen)
        moves.append(move)
        on.append(alive)
        here = np.where(alive, LEADS[here, move], here)
        at = levels.cells == here[..., None]  # (agents, levels, 2)
        new = np.where(at[..., 0], 0, np.where(at[..., 1], 1, -1))
        new = np.where((new < 0) & (here == MIDDLE), 2, new)
        fresh = alive & (first < 0) & (new >= 0)
        first[fresh], when[fresh] = new[fresh], step + 1
        won = alive & at[..., 0]
        paid = paid | won
        rewards.append(won.astype(np.float32))
        alive = alive & ~at.any(-1)
        if not alive.any():
            break
    path = Path(*(np.stack(part) for part in (views, moves, rewards, on)))
    return Walks(first, when, paid), path


def test(agents: Agents, levels: Levels, stream: int = 2) -> Walks:
    """What agents do in the same levels, (levels,), for all."""
    everyone = levels.take(
        np.tile(np.arange(len(levels.start)), (len(agents.seeds), 1))
    )
    luck = luck_of(agents.seeds, (STEPS, len(levels.start)), stream)
    return walk(agents, everyone, luck.swapaxes(0, 1))[0]


def luck_of(
    seeds: Sequence[int], shape: tuple[int, ...], stream: int
) -> Floats:
    """Uniform numbers, (agents, *shape), the same for agents of one seed."""
    drawn = [
        np.random.default_rng([seed, 100 + stream]).random(
            shape, dtype=np.float32
        )
        for seed in seeds
    ]
    return np.stack(drawn)

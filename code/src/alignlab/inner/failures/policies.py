"""Policies that learn to walk in the court by policy gradient, many at once.

Each agent is a small network from its view to the probabilities of four moves
and an expectation of the return. All agents are trained side by side: every
weight has a leading axis of agents. Two agents of one seed start from the same
weights (if built alike), and meet the same random numbers, whatever else
differs. The update is REINFORCE (Williams 1992) with a learned baseline and a
bonus for entropy, an actor-critic without bootstrapping.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alignlab.inner.failures import court
from alignlab.inner.failures.court import (
    CELLS,
    CHANNELS,
    LEADS,
    MIDDLE,
    PLAIN,
    STEPS,
    Floats,
    Ints,
    Levels,
)

Build = Literal["whole", "cells", "linear"]
DISCOUNT = 0.9
HIDDEN = 32  # units of the build "whole"
FILTERS = 4  # of the build "cells"
BATCH = 32  # episodes to an update
ENTROPY = 0.01
RATE = 0.01


class Agents(NamedTuple):
    """Networks of one build. weights: each (agents, ...). seeds: (agents,)."""

    build: Build
    weights: dict[str, Tensor]
    seeds: tuple[int, ...]
    strength: tuple[float, ...] = PLAIN


class Walks(NamedTuple):
    """What became of episodes, each of shape (agents, levels).

    first: which of the first object, the second and the middle was reached
    first: 0, 1, 2, or -1 for none. steps: when. paid: whether the first object
    was reached at all.
    """

    first: Ints
    steps: Ints
    paid: NDArray[np.bool_]


def born(
    build: Build, seeds: Sequence[int], strength: tuple[float, ...] = PLAIN
) -> Agents:
    """Agents before training, one a seed; the last layer starts at zero."""
    size = CELLS * len(CHANNELS)
    shapes: dict[str, dict[str, tuple[int, ...]]] = {
        "whole": {"one": (size, HIDDEN), "two": (HIDDEN, 5)},
        "cells": {"one": (len(CHANNELS), FILTERS), "two": (CELLS * FILTERS, 5)},
        "linear": {"two": (size, 5)},
    }
    if build not in shapes:
        raise ValueError(f"no build {build!r}; choose one of {list(shapes)}")
    weights: dict[str, list[Tensor]] = {name: [] for name in shapes[build]}
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        for name, shape in shapes[build].items():
            scale = (2 / shape[0]) ** 0.5 if name == "one" else 0.0
            drawn = torch.randn(shape, generator=generator)
            weights[name].append(scale * drawn)
    stacked = {name: torch.stack(all_) for name, all_ in weights.items()}
    return Agents(build, stacked, tuple(seeds), strength)


def forward(
    build: Build, weights: dict[str, Tensor], seen: Tensor
) -> tuple[Tensor, Tensor]:
    """Log-probabilities of moves, (agents, levels, 4), and expected returns.

    seen: (agents, levels, cells, channels).
    """
    agents, levels = seen.shape[:2]
    hidden = seen.reshape(agents, levels, -1)
    if build == "cells":  # the same few filters look at every cell
        each = seen.reshape(agents, levels * CELLS, -1) @ weights["one"]
        hidden = torch.relu(each).reshape(agents, levels, -1)
    elif build == "whole":
        hidden = torch.relu(hidden @ weights["one"])
    out = hidden @ weights["two"]
    return torch.log_softmax(out[..., :4], -1), out[..., 4]


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
def walk(
    agents: Agents, levels: Levels, luck: Floats, slip: float = 0.0
) -> tuple[Walks, Path]:
    """Let each agent walk each of its levels, (agents, levels), to the end.

    luck: (steps, agents, levels), uniform numbers that choose the moves. slip:
    the probability that a move is made at random instead.
    """
    here = levels.start.copy()
    alive = np.ones(here.shape, dtype=bool)
    first, when = np.full(here.shape, -1), np.full(here.shape, len(luck))
    paid = np.zeros(here.shape, dtype=bool)
    views, moves, rewards, on = [], [], [], []
    for step, chance in enumerate(luck):
        seen = court.view(here, levels, agents.strength)
        logp, _ = forward(agents.build, agents.weights, torch.from_numpy(seen))
        probs = (1 - slip) * logp.exp() + slip / 4
        move = (probs.cumsum(-1)[..., :3].numpy() < chance[..., None]).sum(-1)
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


def returns(rewards: Floats) -> Floats:
    """Discounted sums of all that is to come; (steps, ...) as the rewards."""
    found = np.zeros_like(rewards)
    ahead = np.zeros_like(rewards[0])
    for step in range(len(rewards) - 1, -1, -1):
        ahead = rewards[step] + np.float32(DISCOUNT) * ahead
        found[step] = ahead
    return found


def levels_for(
    seeds: Sequence[int], shares: Sequence[float], count: int, stream: int = 0
) -> Levels:
    """Training levels, (agents, count): so large a share has the coin away.

    Two agents of a seed meet the same levels but for those that the larger
    share has moved.
    """
    each = []
    for seed, share in zip(seeds, shares, strict=True):
        rng = np.random.default_rng([seed, stream])
        middle = court.draw(count, "middle", rng)
        away = court.draw(count, "away", rng)
        moved = rng.random(count) < share
        each.append(
            Levels(
                np.where(moved, away.start, middle.start),
                np.where(moved[:, None], away.cells, middle.cells),
                middle.looks,
            )
        )
    return Levels(*(np.stack(parts) for parts in zip(*each, strict=True)))


def train(
    agents: Agents, shares: Sequence[float], updates: int = 150
) -> Agents:
    """Agents after so many updates by policy gradient.

    shares: (agents,), the part of each agent's levels with the coin away from
    the middle. The reward is the same for all: 1 for the coin. Raises
    ValueError where their number differs from the agents' or one is no share.
    """
    return course(agents, shares, (updates,))[0]


def course(
    agents: Agents, shares: Sequence[float], marks: Sequence[int]
) -> list[Agents]:
    """The same, but the agents after each of several numbers of updates."""
    updates = max(marks)
    if len(shares) != len(agents.seeds):
        raise ValueError(f"{len(agents.seeds)} agents, {len(shares)} shares")
    if not all(0 <= share <= 1 for share in shares):
        raise ValueError(f"shares lie between 0 and 1, not {list(shares)}")
    pool = levels_for(agents.seeds, shares, BATCH * updates)
    luck = _luck(agents.seeds, (updates, STEPS, BATCH), 1)
    weights = {n: w.clone().requires_grad_() for n, w in agents.weights.items()}
    optimizer = torch.optim.Adam(list(weights.values()), lr=RATE)
    found = {}
    for update in range(updates):
        part = slice(update * BATCH, (update + 1) * BATCH)
        levels = pool.take((slice(None), part))
        now = agents._replace(weights=weights)
        _, path = walk(now, levels, luck[:, update].swapaxes(0, 1))
        seen, move, ahead, mask = _rows(path)
        logp, value = forward(agents.build, weights, seen)
        error = ahead - value
        chosen = logp.gather(-1, move[..., None])[..., 0]
        entropy = -(logp.exp() * logp).sum(-1)
        loss = error.square() - error.detach() * chosen - ENTROPY * entropy
        optimizer.zero_grad()
        # summed over agents: each one's weights get its own gradient alone
        ((loss * mask).sum() / BATCH).backward()
        optimizer.step()
        if update + 1 in marks:
            copy = {n: w.detach().clone() for n, w in weights.items()}
            found[update + 1] = agents._replace(weights=copy)
    return [found[mark] for mark in marks]


def _rows(path: Path) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Views, moves, returns and a mask: one row for each move that counted.

    Each (agents, rows, ...), as many rows as the agent with the most moves
    needs.
    """
    on = path.on.swapaxes(0, 1).reshape(path.on.shape[1], -1)
    order = np.argsort(~on, axis=1, kind="stable")[:, : on.sum(1).max()]
    agent = np.arange(len(on))[:, None]

    def kept(values: NDArray[np.generic]) -> Tensor:
        flat = values.swapaxes(0, 1).reshape(*on.shape, *values.shape[3:])
        return torch.from_numpy(flat[agent, order])

    mask = torch.from_numpy(on[agent, order].astype(np.float32))
    return kept(path.seen), kept(path.moves), kept(returns(path.rewards)), mask


def test(
    agents: Agents, levels: Levels, slip: float = 0.0, stream: int = 2
) -> Walks:
    """What agents do in the same levels, (levels,), for all."""
    everyone = levels.take(
        np.tile(np.arange(len(levels.start)), (len(agents.seeds), 1))
    )
    luck = _luck(agents.seeds, (STEPS, len(levels.start)), stream)
    return walk(agents, everyone, luck.swapaxes(0, 1), slip)[0]


def _luck(seeds: Sequence[int], shape: tuple[int, ...], stream: int) -> Floats:
    """Uniform numbers, (agents, *shape), the same for agents of one seed."""
    drawn = [
        np.random.default_rng([seed, 100 + stream]).random(
            shape, dtype=np.float32
        )
        for seed in seeds
    ]
    return np.stack(drawn)

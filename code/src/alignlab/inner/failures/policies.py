"""Learning to walk in the court by policy gradient.

The update is REINFORCE (Williams 1992) with a learned baseline and a bonus for
entropy, an actor-critic without bootstrapping. All agents are trained side by
side. Two agents of one seed start from the same weights (if built alike), and
meet the same levels and random numbers but for what their shares change.
Serves the survey's section 5.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from alignlab.inner.failures import court
from alignlab.inner.failures.court import STEPS, Floats, Levels
from alignlab.inner.failures.networks import Agents, forward
from alignlab.inner.failures.walks import Path, luck_of, walk

DISCOUNT = 0.9
BATCH = 32  # episodes to an update
ENTROPY = 0.01
RATE = 0.01


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
    """Agents after each of several numbers of updates of one training run.

    See `train` for the arguments.
    """
    updates = max(marks)
    if len(shares) != len(agents.seeds):
        raise ValueError(f"{len(agents.seeds)} agents, {len(shares)} shares")
    if not all(0 <= share <= 1 for share in shares):
        raise ValueError(f"shares lie between 0 and 1, not {list(shares)}")
    pool = levels_for(agents.seeds, shares, BATCH * updates)
    luck = luck_of(agents.seeds, (updates, STEPS, BATCH), 1)
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

"""Small recurrent agents for the bandit, many side by side, trained by policy gradient.

Each agent is a gated recurrent unit (Cho et al. 2014) with 16 hidden units and
a softmax over the two arms. All weights have a leading axis of agents, so that
every channel, training diversity and seed is trained in one batch. Serves the
survey's section 5.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from alignlab.inner.experiments.bandit import (
    INPUTS,
    STEPS,
    Channel,
    Display,
    check_channel,
    display,
)

HIDDEN = 16
Weights = dict[str, Tensor]


class Group(NamedTuple):
    """Agents, one an entry. first: share of training episodes in which the
    first arm pays. bonus: what a nat of entropy is worth in training, in
    pulls. weights: each (agents, ...)."""

    channels: tuple[Channel, ...]
    first: tuple[float, ...]
    bonus: tuple[float, ...]
    seeds: tuple[int, ...]
    weights: Weights


def born(rows: Sequence[tuple[Channel, float, float, int]]) -> Group:
    """Untrained agents, each given by channel, first, bonus and seed.

    Raises ValueError without agents, and for a channel that doesn't exist.
    """
    if not rows:
        raise ValueError("rows is empty: give at least one agent")
    channels, first, bonus, seeds = (tuple(part) for part in zip(*rows))
    for channel in channels:
        check_channel(channel)
    shapes = {"in": (INPUTS, 3 * HIDDEN), "state": (HIDDEN, 3 * HIDDEN),
              "out": (HIDDEN, 2)}  # fmt: skip
    drawn: dict[str, list[Tensor]] = {name: [] for name in shapes}
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        for name, shape in shapes.items():
            noise = torch.randn(shape, generator=generator)
            drawn[name].append(noise / shape[0] ** 0.5)
    weights = {name: torch.stack(all_) for name, all_ in drawn.items()}
    weights["bias"] = torch.zeros(len(seeds), 1, 3 * HIDDEN)
    weights["tilt"] = torch.zeros(len(seeds), 1, 2)
    return Group(channels, first, bonus, seeds, weights)


def cell(weights: Weights, seen: Tensor, state: Tensor) -> Tensor:
    """One step of the gated recurrent unit: the new state.

    seen: (agents, episodes, INPUTS). state: (agents, episodes, HIDDEN).
    """
    new = seen @ weights["in"] + weights["bias"]
    old = state @ weights["state"]
    cut = 2 * HIDDEN
    gates = torch.sigmoid(new[..., :cut] + old[..., :cut])
    update, reset = gates[..., :HIDDEN], gates[..., HIDDEN:]
    draft = torch.tanh(new[..., cut:] + reset * old[..., cut:])
    return update * state + (1 - update) * draft


def play(
    group: Group,
    pays: Tensor,
    what: Display,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Play an episode for each entry of `pays`, (agents, episodes).

    Returns the arms pulled, (agents, episodes, STEPS), and the log-probability
    of each arm at each step, (agents, episodes, STEPS, 2).
    """
    shape = pays.shape
    of_previous = _mask(group, "previous")
    of_next = _mask(group, "next")
    state = torch.zeros(*shape, HIDDEN)
    past = torch.zeros(*shape, 3)
    arms, logs = [], []
    shown = display(pays, what)
    for _ in range(STEPS):
        seen = torch.cat([past, shown * of_next], -1)
        state = cell(group.weights, seen, state)
        out = state @ group.weights["out"] + group.weights["tilt"]
        log = torch.log_softmax(out, -1)
        drawn = torch.rand(shape, generator=generator)
        arm = (drawn < log[..., 1].exp()).long()
        pulled = torch.nn.functional.one_hot(arm, 2).float()
        told = (shown * pulled).sum(-1, keepdim=True) * of_previous
        past = torch.cat([pulled, told], -1)
        arms.append(arm)
        logs.append(log)
    return torch.stack(arms, 2), torch.stack(logs, 2)


def _mask(group: Group, channel: Channel) -> Tensor:
    """1 for agents with that channel, (agents, 1, 1)."""
    has = [float(own == channel) for own in group.channels]
    return torch.tensor(has)[:, None, None]


def train(
    group: Group,
    marks: Sequence[int],
    episodes: int = 32,
    seed: int = 0,
) -> dict[int, Group]:
    """Policy gradient (REINFORCE) with a baseline; copies kept at `marks`.

    Each update plays `episodes` episodes an agent with a true display. The
    return from a step on, less its mean over the batch, weighs that step's
    log-probability; the agent's bonus rewards undecided moves. Raises
    ValueError without marks.
    """
    if not marks:
        raise ValueError("marks is empty: say after how many updates to look")
    generator = torch.Generator().manual_seed(seed)
    weights = {k: v.clone().requires_grad_() for k, v in group.weights.items()}
    learner = torch.optim.Adam(weights.values(), lr=0.01)
    first = torch.tensor(group.first)[:, None]
    bonus = torch.tensor(group.bonus)[:, None, None]
    kept = {}
    for update in range(1, max(marks) + 1):
        drawn = torch.rand(len(first), episodes, generator=generator)
        pays = (drawn >= first).long()
        now = group._replace(weights=weights)
        arms, logs = play(now, pays, "true", generator)
        pay = (arms == pays[..., None]).float()
        to_come = pay.flip(-1).cumsum(-1).flip(-1)
        better = to_come - to_come.mean(1, keepdim=True)
        chosen = logs.gather(-1, arms[..., None])[..., 0]
        undecided = -(logs.exp() * logs).sum(-1)
        loss = -(better * chosen + bonus * undecided).mean((1, 2)).sum()
        learner.zero_grad()
        loss.backward()
        learner.step()
        if update in marks:
            copy = {k: v.detach().clone() for k, v in weights.items()}
            kept[update] = group._replace(weights=copy)
    return kept


@torch.no_grad()
def original_arm(
    group: Group, what: Display = "flipped", episodes: int = 200, seed: int = 1
) -> Tensor:
    """How often each agent pulls the first arm, which pays, under a display.

    Counted over the second half of each episode. Returns shares, (agents,).
    """
    generator = torch.Generator().manual_seed(seed)
    pays = torch.zeros(len(group.seeds), episodes, dtype=torch.long)
    arms, _ = play(group, pays, what, generator)
    return (arms[..., STEPS // 2 :] == 0).float().mean((1, 2))

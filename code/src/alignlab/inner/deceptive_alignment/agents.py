"""Agents for the office: small networks, many side by side, and a lookup table.

Every tensor has a leading axis of agents. The losses are added up, so that no
agent's gradient reaches another's weights. Learning is policy gradient
(Williams 1992) with the expectation over the three actions taken exactly, and
a bonus for the entropy of the policy, without which it becomes certain before
it has found out what the lamps mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from alignlab.inner.deceptive_alignment import office

POOL = 250  # batches of forms that are drawn; training goes round them
BONUS = 0.1  # of the entropy, in pay per nat
SHAPE = (office.INPUTS, 64, 64, 3)
TABLE = (office.CELLS, 3)


class Agents(NamedTuple):
    """Weights (agents, in, out) and biases (agents, 1, out) of each layer."""

    weights: list[Tensor]
    biases: list[Tensor]

    def hidden(self, x: Tensor, layer: int) -> Tensor:
        """Activations after so many hidden layers, (agents, n, units)."""
        for weight, bias in zip(self.weights[:layer], self.biases):
            x = F.relu(torch.baddbmm(bias, x, weight))
        return x

    def above(self, h: Tensor, layer: int) -> Tensor:
        """Logits (agents, n, 3) from the activations after so many layers."""
        last = len(self.weights) - 1
        for number in range(layer, last):
            h = F.relu(
                torch.baddbmm(self.biases[number], h, self.weights[number])
            )
        return torch.baddbmm(self.biases[last], h, self.weights[last])

    def __call__(self, x: Tensor) -> Tensor:
        """Logits (agents, n, 3) of inputs (agents, n, in).

        A lookup table, which has one layer, reads cells (agents, n) instead.
        """
        if len(self.weights) == 1:
            which = torch.arange(len(x))[:, None]
            return self.weights[0][which, x.long()] + self.biases[0]
        return self.above(x, 0)

    def some(self, rows: Sequence[int]) -> Agents:
        """Those agents alone, in this order."""
        of = list(rows)
        return Agents(
            [w[of] for w in self.weights], [b[of] for b in self.biases]
        )

    def parameters(self) -> list[Tensor]:
        """All weights and biases."""
        return [*self.weights, *self.biases]

    def copy(self) -> Agents:
        """The same weights, apart from these."""
        return Agents(
            [w.detach().clone() for w in self.weights],
            [b.detach().clone() for b in self.biases],
        )


def born(names: Sequence[int], sizes: Sequence[int] = SHAPE) -> Agents:
    """Untrained agents, each from its own number (as `nn.Linear` starts).

    Raises ValueError without an agent or with fewer than two sizes.
    """
    if not len(names) or len(sizes) < 2:
        raise ValueError(f"agents {list(names)}, sizes {list(sizes)}: too few")
    layers = []
    for number, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        edge = fan_in**-0.5
        drawn = [
            np.random.default_rng([name, 1, number]).uniform(
                -edge, edge, (fan_in + 1, fan_out)
            )
            for name in names
        ]
        layers.append(torch.tensor(np.stack(drawn), dtype=torch.float32))
    return Agents(
        [both[:, :-1].clone() for both in layers],
        [both[:, -1:].clone() for both in layers],
    )


def stacked(parts: Sequence[np.ndarray]) -> Tensor:
    """Arrays of several agents as one float32 tensor."""
    return torch.tensor(np.stack(parts), dtype=torch.float32)


def shown(forms: Sequence[office.Forms], table: bool = False) -> Tensor:
    """What agents see of their forms, (agents, n, in), or the cells, (agents, n)."""
    see = office.cell if table else office.encode
    return stacked([see(some) for some in forms])


def loss(logits: Tensor, pay: Tensor) -> Tensor:
    """Minus the expected pay of each agent, with the entropy bonus: (agents,).

    logits, pay: (agents, n, 3).
    """
    p = logits.softmax(-1)
    surprise = -logits.log_softmax(-1)
    return -(p * (pay + BONUS * surprise)).sum(-1).mean(1)


def learn(
    names: Sequence[int],
    trade: Sequence[int],
    lamps: str = "shown",
    paid: str = "unseen",
    table: bool = False,
    steps: int = 1000,
    batch: int = 128,
) -> Agents:
    """Agents after policy gradient on the office's pay, by Adam.

    names: one number an agent, from which its start and its forms are drawn.
    trade: in how many tasks each meets unwatched forms. lamps, paid: see
    `office.training`. table: a lookup table instead of a network, at a rate
    ten times as high, since a cell is seen so rarely.
    Raises ValueError where the two lists differ in length.
    """
    if len(names) != len(trade):
        raise ValueError(f"{len(names)} agents, {len(trade)} numbers of tasks")
    agents = born(names, TABLE if table else SHAPE)
    rngs = [np.random.default_rng([name, 2]) for name in names]
    for part in agents.parameters():
        part.requires_grad_(True)
    optimizer = torch.optim.Adam(agents.parameters(), 2e-2 if table else 2e-3)
    met = [
        office.training(POOL * batch, few, lamps, paid, rng)
        for few, rng in zip(trade, rngs)
    ]
    seen = shown([forms for forms, _ in met], table)
    pays = stacked([money for _, money in met])
    for step in range(steps):
        rows = slice(step % POOL * batch, (step % POOL + 1) * batch)
        x, pay = seen[:, rows], pays[:, rows]
        optimizer.zero_grad(set_to_none=True)
        loss(agents(x), pay).sum().backward()
        optimizer.step()
    return agents.copy()


def shortcut(
    agents: Agents,
    names: Sequence[int],
    tasks: tuple[int, ...],
    unwatched: float,
    table: bool = False,
    n: int = 500,
    hidden: str = "",
) -> list[float]:
    """Mean probability of the shortcut on n new forms, one number an agent.

    hidden: "lamps" or "task" for forms of a kind that no agent has met, whose
    lamps are dark or on which no task is named.
    Raises ValueError for another word.
    """
    places = {
        "": slice(0),
        "task": slice(office.TASKS),
        "lamps": slice(
            office.TASKS + office.CONTENT, office.INPUTS - office.OTHER
        ),
    }
    if hidden not in places:
        raise ValueError(f"hidden={hidden!r}: one of {list(places)}")
    new = [
        office.draw(n, tasks, unwatched, np.random.default_rng([name, 3]))
        for name in names
    ]
    seen = shown(new, table)
    if hidden:
        seen[..., places[hidden]] = 0
    with torch.no_grad():
        p = agents(seen).softmax(-1)
    return [float(of) for of in p[..., office.SHORTCUT].mean(1)]

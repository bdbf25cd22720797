"""Small networks that judge positions: win, draw or loss. Many are trained at once.

A value head over win, draw and loss is what chess engines such as Leela have.
All networks of a batch have the same shape; each has its own first weights,
its own training positions and its own labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from alignlab.outer.proxy_tasks.board import positions, renamed, symmetries

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]


@dataclass(frozen=True)
class Nets:
    """Two-layer networks side by side.

    weights: of each layer, (net, in, out); biases: (net, 1, out).
    """

    weights: list[Tensor]
    biases: list[Tensor]

    def logits(self, boards: Tensor) -> Tensor:
        """boards: (net, position, 27). Returns (net, position, 3)."""
        hidden = boards
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases)):
            if layer:
                hidden = hidden.relu()
            hidden = torch.baddbmm(bias, hidden, weight)
        return hidden

    def __len__(self) -> int:
        return len(self.weights[0])


def seen(boards: Ints) -> Tensor:
    """Positions (..., 9) as a network sees them, (..., 27): three bits a cell."""
    cells = torch.as_tensor(np.asarray(boards))[..., None]
    return (cells == torch.tensor([-1, 0, 1])).float().flatten(-2)


def born(nets: int, width: int, seeds: list[int]) -> Nets:
    """Networks before training: each seed draws one network's weights."""
    sizes = [27, width, width, 3]
    weights, biases = [], []
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    for before, after in zip(sizes, sizes[1:]):
        drawn = [torch.randn(before, after, generator=g) for g in generators]
        weights.append(torch.stack(drawn) * (2 / before) ** 0.5)
        biases.append(torch.zeros(nets, 1, after))
    return Nets(weights, biases)


def fit(
    nets: Nets,
    chosen: Ints,
    labels: Ints,
    steps: int = 150,
    lr: float = 0.01,
    consistency: float = 0.0,
    pool: Ints | None = None,
    group: Ints | None = None,
    agreement: float = 0.0,
    seed: int = 0,
) -> Nets:
    """Train every network on its own positions, with Adam on all of them.

    chosen: (net, training positions), indices into `positions()`; labels: the
    same shape, values -1, 0, 1. consistency: weight of the squared distance
    between what a network says of a position of the pool (net, positions), no
    label needed, and of its image under a random member of the group.
    Returns the trained networks.
    """
    params = [p.clone().requires_grad_() for p in nets.weights + nets.biases]
    depth = len(nets.weights)
    live = Nets(params[:depth], params[depth:])
    boards = seen(positions()[chosen])
    target = torch.as_tensor(labels + 1)
    rng = np.random.default_rng(seed)
    moves = symmetries() if group is None else group
    optimizer = torch.optim.Adam(params, lr=lr)
    for step in range(steps):
        loss = F.cross_entropy(
            live.logits(boards).flatten(0, 1), target.flatten()
        ) * len(nets)
        if agreement and pool is not None:
            places = rng.integers(pool.shape[1], size=(len(nets) // 2, 256))
            some = np.take_along_axis(pool[::2], places, 1)
            told = live.logits(seen(positions()[np.repeat(some, 2, 0)]))
            p = told.softmax(-1)
            apart = (p[::2] - p[1::2]).square().sum(-1)
            loss = loss + agreement * apart.mean(1).sum()
        if consistency and pool is not None:
            places = rng.integers(pool.shape[1], size=(len(nets), 256))
            some = positions()[np.take_along_axis(pool, places, 1)]
            image = moves[rng.integers(1, len(moves), size=(len(nets), 256))]
            both = [some, np.take_along_axis(some, image, 2)]
            a, b = (live.logits(seen(x)).softmax(-1) for x in both)
            loss = loss + consistency * (a - b).square().sum(-1).mean(1).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    done = [p.detach() for p in params]
    return Nets(done[:depth], done[depth:])


def verdicts(nets: Nets, boards: Ints) -> Floats:
    """Probabilities of loss, draw and win, (net, ..., 3) of boards (..., 9)."""
    flat = seen(boards.reshape(-1, 9))[None].expand(len(nets), -1, -1)
    with torch.no_grad():
        found = nets.logits(flat).softmax(-1).numpy()
    return np.asarray(found.reshape(len(nets), *boards.shape[:-1], 3))

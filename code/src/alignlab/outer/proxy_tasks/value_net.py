"""Small networks that judge positions: win, draw or loss. Many are trained at once.

A value head over win, draw and loss is what chess engines such as Leela have.
All networks of a batch have the same shape; each has its own first weights,
its own training positions and its own labels.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from alignlab.outer.proxy_tasks.board import positions, symmetries

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
        """How many networks there are."""
        return len(self.weights[0])

    def first(self, count: int) -> Nets:
        """The first so many of them."""
        return Nets(
            [weight[:count] for weight in self.weights],
            [bias[:count] for bias in self.biases],
        )


def seen(boards: Ints) -> Tensor:
    """Positions (..., 9) as a network sees them, (..., 27): three bits a cell."""
    cells = torch.as_tensor(np.asarray(boards))[..., None]
    return (cells == torch.tensor([-1, 0, 1])).float().flatten(-2)


def born(seed: int, nets: int = 1, width: int = 64) -> Nets:
    """Networks before training: 27 bits in, two hidden layers, three verdicts.

    The k-th network's weights are drawn by seed and k alone, so that one
    network is the same in batches of any size.
    """
    sizes = (27, width, width, 3)
    draws = [
        torch.Generator().manual_seed(1000 * seed + k) for k in range(nets)
    ]
    weights, biases = [], []
    for before, after in itertools.pairwise(sizes):
        drawn = [torch.randn(before, after, generator=draw) for draw in draws]
        weights.append(torch.stack(drawn) * (2 / before) ** 0.5)
        biases.append(torch.zeros(nets, 1, after))
    return Nets(weights, biases)


def fit(
    nets: Nets,
    taught: Ints,
    labels: Ints,
    steps: int = 100,
    lr: float = 0.01,
    pool: Ints | None = None,
    consistency: float = 0.0,
    group: Ints | None = None,
    agreement: float = 0.0,
    seed: int = 0,
) -> Nets:
    """Train every network on its own positions, with Adam on all of them.

    taught: (net, positions), indices into `positions()`; labels: the same
    shape, values -1, 0, 1. pool: (positions,), indices of positions that need
    no label, for two penalties, each on 256 of them a step.
    consistency: weight of the squared distance between a network's verdicts
    on a position and on its image under a random member of the group (by
    default the symmetries). agreement: the same between the networks 2k and
    2k + 1 on a position. Returns the trained networks.
    Raises ValueError for a penalty without a pool, or an odd number of nets
    that are to agree.
    """
    if (consistency or agreement) and pool is None:
        raise ValueError("a penalty needs positions: give a pool")
    if agreement and len(nets) % 2:
        raise ValueError(
            f"{len(nets)} networks make no pairs: give an even number"
        )
    params = [p.clone().requires_grad_() for p in nets.weights + nets.biases]
    depth, count = len(nets.weights), len(nets)
    live = Nets(params[:depth], params[depth:])
    boards = seen(positions()[taught])
    target = torch.as_tensor(labels + 1).flatten()
    moves = symmetries() if group is None else group
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.Adam(params, lr=lr)
    for _ in range(steps):
        loss = (
            F.cross_entropy(live.logits(boards).flatten(0, 1), target) * count
        )
        if pool is not None and (consistency or agreement):
            some = positions()[rng.choice(pool, 256)]
            image = moves[rng.integers(1, len(moves), 256)]
            both = np.stack([some, np.take_along_axis(some, image, 1)])
            told = seen(both).flatten(0, 1).expand(count, -1, -1)
            p = live.logits(told).softmax(-1)
            apart = (p[:, :256] - p[:, 256:]).square().sum(-1).mean(1).sum()
            loss = loss + consistency * apart
            if agreement:
                between = (p[::2, :256] - p[1::2, :256]).square().sum(-1)
                loss = loss + agreement * between.mean(1).sum()
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

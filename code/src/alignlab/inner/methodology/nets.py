"""Small networks of several seeds, trained side by side.

Every tensor has a leading axis of seeds. The losses of all seeds are added, so
that no seed's gradient reaches another's weights, and each seed draws its start
and its data from a generator of its own: a seed's run is the same in whatever
company.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

BLANK = -1  # a place in which nothing is written


class Nets(nn.Module):
    """Networks of fully connected layers with ReLU, one for each seed.

    sizes: units of the input, of each hidden layer, of the output, three at
    least. Weights start as PyTorch's `nn.Linear` has them.
    Raises ValueError for fewer than three sizes or no seed.
    """

    def __init__(self, seeds: Sequence[int], sizes: Sequence[int]) -> None:
        """Draw the weights, each seed from a generator of its own."""
        super().__init__()
        if len(sizes) < 3 or not len(seeds):
            raise ValueError(
                f"seeds {list(seeds)} and sizes {list(sizes)}: give a seed and "
                "three sizes at least (input, hidden, output)"
            )
        weights, biases = [], []
        for number, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            edge = fan_in**-0.5
            drawn = np.stack(
                [
                    np.random.default_rng([seed, 10, number]).uniform(
                        -edge, edge, (fan_in + 1, fan_out)
                    )
                    for seed in seeds
                ]
            )
            both = torch.tensor(drawn, dtype=torch.float32)
            weights.append(nn.Parameter(both[:, :-1].clone()))
            biases.append(nn.Parameter(both[:, -1:].clone()))
        self.weights = nn.ParameterList(weights)
        self.biases = nn.ParameterList(biases)

    def layer(self, number: int, x: Tensor) -> Tensor:
        """The linear part of one layer: (seeds, batch, in) to (…, out)."""
        return torch.baddbmm(self.biases[number], x, self.weights[number])

    def hidden(self, x: Tensor, layer: int = 1) -> Tensor:
        """Activations after so many hidden layers, (seeds, batch, units)."""
        for number in range(layer):
            x = F.relu(self.layer(number, x))
        return x

    def above(self, h: Tensor, layer: int = 1) -> Tensor:
        """Logits from the activations after so many hidden layers."""
        last = len(self.weights) - 1
        for number in range(layer, last):
            h = F.relu(self.layer(number, h))
        return self.layer(last, h)

    def forward(self, x: Tensor) -> Tensor:
        """Logits, (seeds, batch, classes), of x (seeds, batch, in)."""
        return self.above(x, 0)


def cross_entropy(logits: Tensor, label: Tensor) -> Tensor:
    """In nats, of logits (seeds, batch, classes): (seeds, batch)."""
    picked = logits.gather(-1, label[..., None])[..., 0]
    return logits.logsumexp(-1) - picked


def one_hot(digits: Tensor, options: int) -> Tensor:
    """One place for each option and digit; BLANK has zeros everywhere."""
    kept = (
        F.one_hot(digits.clamp(min=0), options) * (digits != BLANK)[..., None]
    )
    return kept.flatten(-2).float()


def batches(
    seeds: Sequence[int], size: int, pool: int, steps: int, salt: int
) -> Tensor:
    """Which rows of a pool each step takes, (steps, seeds, size)."""
    rows = [
        np.random.default_rng([seed, 11, salt]).integers(
            pool, size=(steps, size)
        )
        for seed in seeds
    ]
    return torch.tensor(np.stack(rows, 1))


def take(rows: Tensor, *parts: Tensor) -> list[Tensor]:
    """Rows (seeds, n) of each part (seeds, pool, …)."""
    which = torch.arange(len(rows))[:, None]
    return [part[which, rows] for part in parts]


def descend(
    nets: Nets,
    loss: Callable[[int], Tensor],
    steps: int,
    rate: float = 2e-3,
) -> None:
    """Adam on the sum over seeds of `loss(step)`, of shape (seeds,).

    Raises ValueError where a loss is not a number: lower the rate.
    """
    optimizer = torch.optim.Adam(nets.parameters(), lr=rate)
    value = torch.zeros(1)
    for step in range(steps):
        optimizer.zero_grad(set_to_none=True)
        value = loss(step)
        value.sum().backward()
        optimizer.step()
    if not torch.isfinite(value).all():
        raise ValueError(
            f"after {steps} steps the losses are {value.tolist()}: lower the "
            f"rate, {rate}"
        )

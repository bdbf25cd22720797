"""Toy models of superposition: more features than dimensions, in networks small enough to look at whole.

Serves section 6.3, after Elhage et al. (2022, "Toy Models of Superposition"). A network squeezes n features into m < n
numbers, h = W x, and restores them as ReLU(Wᵀ h + b). If features are rarely present at once it stores more than m of
them, in directions that are not orthogonal. How much of a dimension each feature has to itself is its dimensionality.

All networks of a question (densities, seeds, restarts) are trained at once, on a leading axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.lm.training import descend


@dataclass(frozen=True)
class Toys:
    """Trained networks: weights (network, n, m), row i is feature i's direction; bias (network, n); loss (network,)."""

    weights: Tensor
    bias: Tensor
    loss: Tensor


def sparse_features(
    shape: tuple[int, ...], density: float | Tensor, rng: np.random.Generator
) -> Tensor:
    """Features that are present with probability `density`, and then uniform
    between 0 and 1; else 0.

    One draw does both: where u < density, u / density is uniform as well.
    """
    u = torch.from_numpy(rng.random(shape, dtype=np.float32)) / density
    return u * (u < 1)


def train_toys(
    n: int,
    m: int,
    density: Sequence[float],
    importance: Sequence[float] | Tensor | None = None,
    seed: int = 0,
    steps: int = 2000,
    batch: int = 256,
    lr: float = 0.01,
    relu: bool = True,
) -> Toys:
    """Networks that restore n features from m numbers, one for each entry of
    `density` (Elhage et al. 2022, section 2).

    density: probability that a feature is present; its size is then uniform
        between 0 and 1. importance: weight of each feature in the squared
        error, (n,) or (network, n), default 1. relu=False leaves the
        nonlinearity out.
    Adam, learning rate falling linearly to 0 in the second half. `loss` is the
    weighted error on 4,096 fresh examples.
    Raises ValueError where a density is not in (0, 1].
    """
    present = torch.tensor(density, dtype=torch.float32)[:, None, None]
    if not bool(((present > 0) & (present <= 1)).all()):
        raise ValueError(
            f"densities are probabilities above 0, not {list(density)}"
        )
    many = len(density)
    weight = (
        torch.ones(n)
        if importance is None
        else torch.as_tensor(importance, dtype=torch.float32)
    )
    weight = weight.expand(many, n)[..., None]
    rng = np.random.default_rng(seed)
    W = (
        torch.from_numpy(rng.normal(size=(many, n, m)) * math.sqrt(1 / n))
        .float()
        .requires_grad_()
    )
    b = torch.zeros(many, n, 1, requires_grad=True)

    def loss(size: int) -> Tensor:
        x = sparse_features((many, n, size), present, rng)
        out = W @ (W.transpose(-1, -2) @ x) + b
        error = ((F.relu(out) if relu else out) - x).square()
        return (weight * error).sum(1).mean(-1)

    optimizer = torch.optim.Adam([W, b], lr=lr, fused=True)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = lr * min(1.0, 2 * (1 - step / steps))
        descend(optimizer, loss(batch).sum(), step)
    with torch.no_grad():
        return Toys(W.detach(), b.detach()[..., 0], loss(4096))


def best_of(toys: Toys, restarts: int) -> Toys:
    """The network of lowest loss among each `restarts` that follow each other on the leading axis.

    Raises ValueError where the networks cannot be divided so.
    """
    if len(toys.loss) % restarts:
        raise ValueError(
            f"{len(toys.loss)} networks do not divide into groups of {restarts}"
        )
    at = toys.loss.view(-1, restarts).argmin(1) + restarts * torch.arange(
        len(toys.loss) // restarts
    )
    return Toys(toys.weights[at], toys.bias[at], toys.loss[at])


def error_on_fresh(
    toys: Toys,
    density: Sequence[float],
    importance: Sequence[float],
    seed: int,
    examples: int = 100_000,
    relu: bool = True,
) -> Tensor:
    """Weighted squared error (network,) on examples that neither trained the networks nor chose among them.

    density: of each network; importance: weight of each feature, (n,); relu=False for networks without nonlinearity.
    Raises ValueError where there are not as many densities as networks.
    """
    if len(density) != len(toys.loss):
        raise ValueError(
            f"{len(density)} densities for {len(toys.loss)} networks"
        )
    rng = np.random.default_rng(seed)
    weight = torch.as_tensor(importance, dtype=torch.float32)[:, None]
    errors = []
    for W, b, present in zip(toys.weights, toys.bias, density):
        x = sparse_features((len(W), examples), present, rng)
        out = W @ (W.T @ x) + b[:, None]
        out = F.relu(out) if relu else out
        errors.append((weight * (out - x).square()).sum(0).mean())
    return torch.stack(errors)


def stored(weights: Tensor, least: float = 0.5) -> Tensor:
    """How many features are stored, those with a direction longer than `least`: (…, n, m) -> (…)."""
    return (weights.norm(dim=-1) > least).sum(-1)


def dimensionality(weights: Tensor) -> Tensor:
    """The share of a dimension that each feature has to itself (Elhage et al. 2022, section 3): (…, n, m) -> (…, n).

    |W_i|² / Σ_j (Ŵ_i · W_j)²: 1 for a feature orthogonal to all others, 1/2 for an antipodal pair, 2/3, 3/4, 2/5 for
    the corners of a triangle, a tetrahedron, a pentagon; 0 for a feature without a direction.
    """
    size = weights.norm(dim=-1, keepdim=True)
    unit = weights / size.clamp_min(1e-6)
    overlap = (unit @ weights.transpose(-1, -2)).square().sum(-1)
    return (
        size[..., 0].square() / overlap.clamp_min(1e-12) * (size[..., 0] > 1e-3)
    )


def opposition(directions: Tensor) -> Tensor:
    """How nearly each direction has an opposite among the others: (…, n, m) -> (…, n), minus its least cosine.

    1 for a member of an antipodal pair, 0 where the nearest to an opposite is orthogonal.
    """
    unit = F.normalize(directions, dim=-1)
    return -(unit @ unit.transpose(-1, -2)).amin(-1)


def evenly_shared(n: int, m: int, seed: int, rounds: int = 100) -> Tensor:
    """n directions of length 1 that share m < n dimensions evenly without being paired, (n, m).

    From random directions, the nearest tight frame and the nearest directions of equal length by turns (Tropp et al.
    2005): each ends with the dimensionality m / n.
    Raises ValueError where there are fewer directions than dimensions.
    """
    if n < m:
        raise ValueError(f"{n} directions cannot fill {m} dimensions")
    g = torch.Generator().manual_seed(seed)
    rows = F.normalize(torch.randn(n, m, generator=g), dim=-1)
    for _ in range(rounds):
        left, _, right = torch.linalg.svd(rows, full_matrices=False)
        rows = F.normalize(left @ right, dim=-1)
    return rows


def cost_of_axes(m: int, density: float, importance: Sequence[float]) -> float:
    """Error of keeping the first m features exactly, an axis each, and guessing the mean of each other.

    A feature present with probability p, its size uniform, has variance p / 3 - p² / 4.
    """
    variance = density / 3 - density**2 / 4
    return sum(importance[m:]) * variance


def dimensions_per_feature(weights: Tensor) -> Tensor:
    """m / ‖W‖²: dimensions there are for each feature stored, (…, n, m) -> (…)."""
    return weights.shape[-1] / weights.square().sum((-1, -2))


def solu(x: Tensor) -> Tensor:
    """Softmax linear unit, x · softmax(x) over the layer's neurons (Elhage et al. 2022, "Softmax Linear Units")."""
    return x * x.softmax(-1)


def train_wide(
    features: Tensor,
    hidden: int,
    activation: Callable[[Tensor], Tensor],
    density: float,
    seed: int,
    steps: int = 1500,
) -> tuple[Tensor, Tensor, Tensor]:
    """One hidden layer that restores features from a stream in which they lie in superposition.

    features: directions (network, n, d) of the features in the stream. hidden: neurons of the layer between stream and
        output, on which `activation` acts. Returns the input weights (network, d, hidden), their bias (network, 1,
        hidden) and the loss (network,), mean of the last 100 steps.
    """
    many, n, d = features.shape
    rng = np.random.default_rng(seed)
    into, out = (
        torch.from_numpy(rng.normal(size=(many, a, b)) / a**0.5)
        .float()
        .requires_grad_()
        for a, b in ((d, hidden), (hidden, n))
    )
    shift, end = (
        torch.zeros(many, 1, hidden, requires_grad=True),
        torch.zeros(many, 1, n, requires_grad=True),
    )
    optimizer = torch.optim.Adam([into, shift, out, end], lr=3e-3, fused=True)
    last = torch.zeros(many)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 3e-3 * min(
            1.0, 3 * (1 - step / steps)
        )
        x = sparse_features((many, 256, n), density, rng)
        loss = (
            (activation(x @ (features @ into) + shift) @ out + end - x)
            .square()
            .sum(-1)
            .mean(-1)
        )
        descend(optimizer, loss.sum(), step)
        last += loss.detach() / 100 * (step >= steps - 100)
    return into.detach(), shift.detach(), last


def selectivity_of_neurons(
    features: Tensor,
    into: Tensor,
    shift: Tensor,
    activation: Callable[[Tensor], Tensor],
) -> Tensor:
    """How much of a neuron's response belongs to one feature: (network, hidden), 1 where it answers to nothing else.

    Each feature is shown alone; a neuron's response is the change from its activity without any. The largest squared
    response, over the sum of all.
    """
    rest = activation(shift)
    response = (
        activation(features @ into + shift) - rest
    ).square()  # (network, n, hidden)
    return response.amax(1) / response.sum(1).clamp_min(1e-9)

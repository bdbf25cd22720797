"""Modular addition: a small network that first memorizes and later computes, and whose circuit is known.

Serves section 6.4 and the survey's section 3, after Nanda et al. (2023, "Progress measures for grokking via mechanistic
interpretability"); the network has one hidden layer instead of attention, as in Gromov (2023, "Grokking modular
arithmetic"). It learns (a + b) mod p from part of all pairs. What it ends up computing are cosines of a few frequencies
w_k = 2πk/p: cos(w_k (a + b − c)) is largest at the right answer c.

Networks of several seeds are trained at once, on a leading axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.lm.training import descend


@dataclass(frozen=True)
class Run:
    """A training run of several seeds, as a list of checkpoints.

    steps: (checkpoint,). embed (checkpoint, seed, p, hidden): what each number adds to the hidden layer; out
    (checkpoint, seed, hidden, p). train (seed, p, p): the pairs trained on; labels (seed, p, p): what they were taught.
    """

    steps: np.ndarray
    embed: Tensor
    out: Tensor
    train: Tensor
    labels: Tensor

    @property
    def p(self) -> int:
        """The modulus."""
        return self.labels.shape[-1]


def train_modular(
    p: int,
    seeds: Sequence[int],
    share: float = 0.4,
    steps: int = 1500,
    weight_decay: float = 1.0,
    hidden: int = 128,
    lr: float = 0.005,
    every: int = 50,
    random_labels: bool = False,
) -> Run:
    """Train on a random share of all pairs, full batch, AdamW: logits =
    relu(E[a] + E[b]) U.

    The network cannot tell (a, b) from (b, a), so both are trained on or
    neither is. One network a seed.
    random_labels: teach random answers instead of sums, so that there is
        nothing to compute.
    Raises ValueError for a share that leaves nothing to train on or to test.
    """
    if not 0 < share < 1:
        raise ValueError(
            "the share of pairs to train on lies between 0 and 1, not at "
            f"{share}"
        )
    a, b = torch.triu_indices(p, p)  # (pair,) each, a <= b
    rngs = [np.random.default_rng(seed) for seed in seeds]
    order = torch.from_numpy(
        np.stack([rng.permutation(len(a)) for rng in rngs])
    )
    labels = ((a + b) % p).expand(len(seeds), -1)
    if random_labels:
        labels = torch.from_numpy(
            np.stack([rng.integers(0, p, len(a)) for rng in rngs])
        )
    E, U = (
        torch.from_numpy(
            np.stack([rng.normal(size=shape) / shape[0] ** 0.5 for rng in rngs])
        )
        .float()
        .requires_grad_()
        for shape in ((p, hidden), (hidden, p))
    )
    rows = order[:, : int(share * len(a))]
    first, second, taught = (
        a[rows][..., None],
        b[rows][..., None],
        labels.gather(1, rows),
    )
    optimizer = torch.optim.AdamW(
        [E, U], lr=lr, weight_decay=weight_decay, betas=(0.9, 0.98), fused=True
    )
    steps_kept: list[int] = []
    kept: list[tuple[Tensor, Tensor]] = []
    for step in range(steps + 1):
        if step % every == 0:
            steps_kept.append(step)
            kept.append((E.detach().clone(), U.detach().clone()))
        inside = E.gather(1, first.expand(-1, -1, hidden)) + E.gather(
            1, second.expand(-1, -1, hidden)
        )
        logits = F.relu(inside) @ U  # (seed, pair, p)
        loss = F.cross_entropy(logits.flatten(0, 1), taught.flatten()) * len(
            seeds
        )
        descend(optimizer, loss, step)
    train = torch.zeros(len(seeds), len(a), dtype=torch.bool).scatter(
        1, rows, True
    )
    where = torch.zeros(p, p, dtype=torch.long)
    where[a, b] = where[b, a] = torch.arange(
        len(a)
    )  # of a pair in either order
    embed, out = (torch.stack(part) for part in zip(*kept))
    return Run(
        np.array(steps_kept), embed, out, train[:, where], labels[:, where]
    )


def all_logits(embed: Tensor, out: Tensor) -> Tensor:
    """Logits of every pair: embed (…, p, hidden), out (…, hidden, p) -> (…, a, b, c), each axis of length p."""
    hidden = F.relu(embed.unsqueeze(-2) + embed.unsqueeze(-3))
    return hidden @ out.unsqueeze(-3)


def loss_and_accuracy(
    logits: Tensor, labels: Tensor, where: Tensor
) -> tuple[float, float]:
    """Mean loss in nats and accuracy over the pairs in `where`; logits (p, p, p), labels and where (p, p)."""
    chosen, right = logits[where], labels[where]
    return float(F.cross_entropy(chosen, right)), float(
        (chosen.argmax(-1) == right).float().mean()
    )


def fourier_basis(p: int) -> Tensor:
    """Orthonormal rows: the constant, then cosine and sine of each frequency 1 to (p − 1)/2; shape (p, p), p odd."""
    at = torch.arange(p, dtype=torch.float64) * 2 * math.pi / p
    rows = [torch.full((p,), 1 / math.sqrt(p), dtype=torch.float64)]
    for k in range(1, (p - 1) // 2 + 1):
        rows += [
            torch.cos(k * at) * math.sqrt(2 / p),
            torch.sin(k * at) * math.sqrt(2 / p),
        ]
    return torch.stack(rows).float()


def frequency_power(embed: Tensor) -> Tensor:
    """Share of an embedding's squared size, constant left out, at each frequency: (…, p, hidden) -> (…, (p − 1)/2)."""
    turned = (
        (fourier_basis(embed.shape[-2]) @ embed).square().sum(-1)[..., 1:]
    )  # (…, p - 1)
    power = turned.unflatten(-1, (-1, 2)).sum(-1)
    return power / power.sum(-1, keepdim=True)


def purity(embed: Tensor) -> Tensor:
    """Share of each hidden unit's embedding that lies at its own strongest
    frequency: (…, p, hidden) -> (…, hidden).
    """
    power = (
        (fourier_basis(embed.shape[-2]) @ embed)
        .square()[..., 1:, :]
        .unflatten(-2, (-1, 2))
        .sum(-2)
    )
    return power.amax(-2) / power.sum(-2)


def key_frequencies(logits: Tensor, count: int) -> list[int]:
    """The frequencies of which the logits (p, p, p), as a function of a + b, hold most; highest first."""
    turned = fourier_basis(logits.shape[-1]) @ by_sum(logits)  # (p, c)
    power = turned.square().sum(-1)[1:].view(-1, 2).sum(-1)
    return [int(k) + 1 for k in power.argsort(descending=True)[:count]]


def by_sum(logits: Tensor) -> Tensor:
    """Mean of the logits over the pairs of the same sum modulo p: (…, a, b, c) -> (…, sum, c)."""
    p = logits.shape[-1]
    a = torch.arange(p)
    return logits[
        ..., a[:, None], (torch.arange(p)[None] - a[:, None]) % p, :
    ].mean(-3)


def part_of(logits: Tensor, frequencies: Sequence[int]) -> Tensor:
    """The part of logits (…, a, b, c) made of cos(w_k (a + b)) and sin(w_k (a + b)) of these frequencies."""
    p = logits.shape[-1]
    rows = fourier_basis(p)[
        [i for k in frequencies for i in (2 * k - 1, 2 * k)]
    ]
    kept = rows.T @ (rows @ by_sum(logits))  # (…, sum, c)
    total = (torch.arange(p)[:, None] + torch.arange(p)[None]) % p
    return kept[..., total, :]


def restricted(logits: Tensor, frequencies: Sequence[int]) -> Tensor:
    """Logits with nothing but these frequencies and the constant left (Nanda et al. 2023, restricted loss)."""
    return part_of(logits, frequencies) + logits.mean((-3, -2), keepdim=True)


def excluded(logits: Tensor, frequencies: Sequence[int]) -> Tensor:
    """Logits with these frequencies taken out and all else left (Nanda et al.
    2023, excluded loss).
    """
    return logits - part_of(logits, frequencies)

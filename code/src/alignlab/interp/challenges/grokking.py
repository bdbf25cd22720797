"""Modular addition: a small network that first memorizes and later computes, and whose circuit is known.

Serves section 6.4 and the survey's section 3, after Nanda et al. (2023, "Progress measures for grokking via mechanistic
interpretability"); the network has one hidden layer instead of attention, as in Gromov (2023, "Grokking modular
arithmetic"). It learns (a + b) mod p from part of all pairs. What it ends up computing are cosines of frequencies
w_k = 2πk/p: cos(w_k (a + b − c)) is largest at the right answer c.

What differs from Nanda et al.: their transformer uses five frequencies of 56, and their restricted and excluded losses
keep or remove those. This network uses all that there are, so that on the page all are kept or removed. `purity` is not
one of their measures; they follow how unevenly the power of embedding and logits is spread over the frequencies.

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
    share: float = 0.6,
    steps: int = 1000,
    weight_decay: float = 1.0,
    scale: float = 1.0,
    hidden: int = 128,
    lr: float = 0.01,
    every: int = 50,
    random_labels: bool = False,
) -> Run:
    """Train on a random share of all pairs, full batch, AdamW: logits =
    relu(E[a] + E[b]) U. One network a seed.

    The network cannot tell (a, b) from (b, a), so both are trained on or
    neither is.
    scale: size of the first weights, 1 for a variance of 1 / inputs.
    random_labels: teach random answers instead of sums, so that there is
        nothing to compute.
    Raises ValueError for a share that leaves nothing to train on or to test.
    """
    a, b = torch.triu_indices(p, p)  # (pair,) each, a <= b
    known = int(share * len(a))
    if not 0 < known < len(a):
        raise ValueError(
            f"the share of pairs to train on is {share}: of {len(a)} pairs "
            "it leaves none to train on, or none to test"
        )
    rngs = [np.random.default_rng(seed) for seed in seeds]
    order = _stack([rng.permutation(len(a)) for rng in rngs])
    labels = ((a + b) % p).expand(len(seeds), -1)
    if random_labels:
        labels = _stack([rng.integers(0, p, len(a)) for rng in rngs])
    E = _stack([rng.normal(size=(p, hidden)) / p**0.5 for rng in rngs])
    U = _stack([rng.normal(size=(hidden, p)) / hidden**0.5 for rng in rngs])
    E, U = ((scale * w).float().requires_grad_() for w in (E, U))

    numbers = F.one_hot(a, p) + F.one_hot(b, p)  # which two a pair adds
    rows = order[:, :known]
    pairs = numbers.float()[rows]  # (seed, pair, p)
    taught = labels.gather(1, rows)  # (seed, pair)
    optimizer = torch.optim.AdamW(
        [E, U], lr=lr, weight_decay=weight_decay, betas=(0.9, 0.98), fused=True
    )
    marks: list[int] = []
    kept: list[tuple[Tensor, Tensor]] = []
    for step in range(steps + 1):
        if step % every == 0:
            marks.append(step)
            kept.append((E.detach().clone(), U.detach().clone()))
        logits = F.relu(pairs @ E) @ U  # (seed, pair, p)
        loss = F.cross_entropy(logits.flatten(0, 1), taught.flatten())
        descend(optimizer, len(seeds) * loss, step)

    train = torch.zeros(len(seeds), len(a), dtype=torch.bool)
    train.scatter_(1, rows, True)
    place = torch.zeros(p, p, dtype=torch.long)  # of a pair, in either order
    place[a, b] = place[b, a] = torch.arange(len(a))
    embed, out = (torch.stack(part) for part in zip(*kept))
    return Run(np.array(marks), embed, out, train[:, place], labels[:, place])


def _stack(arrays: Sequence[np.ndarray]) -> Tensor:
    """One array a seed, on a new first axis."""
    return torch.from_numpy(np.stack(arrays))


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


def purity(embed: Tensor) -> Tensor:
    """Share of each hidden unit's embedding that lies at its own strongest
    frequency, the constant left out: (…, p, hidden) -> (…, hidden).
    """
    waves = fourier_basis(embed.shape[-2]) @ embed  # (…, wave, hidden)
    squares = waves[..., 1:, :].square().unflatten(-2, (-1, 2))
    power = squares.sum(-2)  # (…, frequency, hidden)
    return power.amax(-2) / power.sum(-2)


def power_of_sum(logits: Tensor) -> Tensor:
    """Share of each frequency in logits (p, p, p) as functions of a + b, the constant left out: ((p − 1)/2,)."""
    waves = fourier_basis(logits.shape[-1]) @ by_sum(logits)  # (wave, c)
    power = waves[1:].square().sum(-1).view(-1, 2).sum(-1)
    return power / power.sum()


def by_sum(logits: Tensor, where: Tensor | None = None) -> Tensor:
    """Mean of the logits over the pairs of the same sum modulo p: (a, b, c) ->
    (sum, c).

    where: the pairs (p, p) to average over, all by default; a sum without any
        gets zeros.
    """
    p = logits.shape[-1]
    if where is None:
        where = torch.ones(p, p, dtype=torch.bool)
    a, total = torch.arange(p)[None], torch.arange(p)[:, None]
    b = (total - a) % p  # (sum, a)
    used = where[a, b].to(logits.dtype)
    summed = (logits[a, b] * used[..., None]).sum(1)
    return summed / used.sum(1, keepdim=True).clamp(min=1)


def waves_of_sum(
    logits: Tensor,
    frequencies: Sequence[int],
    where: Tensor | None = None,
    constant: bool = False,
) -> Tensor:
    """The part of logits (a, b, c) made of cos(w_k (a + b)) and
    sin(w_k (a + b)) of these frequencies, and of the constant if asked for.
    """
    p = logits.shape[-1]
    chosen = [0] if constant else []
    for k in frequencies:
        chosen += [2 * k - 1, 2 * k]
    basis = fourier_basis(p)[chosen]  # (wave, sum)
    kept = basis.T @ (basis @ by_sum(logits, where))  # (sum, c)
    total = (torch.arange(p)[:, None] + torch.arange(p)[None]) % p
    return kept[total]


def restricted(
    logits: Tensor, frequencies: Sequence[int], where: Tensor | None = None
) -> Tensor:
    """Logits with nothing but these frequencies and the constant left (Nanda
    et al. 2023, restricted loss); where: the pairs to average over, here all.
    """
    return waves_of_sum(logits, frequencies, where, constant=True)


def excluded(logits: Tensor, frequencies: Sequence[int]) -> Tensor:
    """Logits with these frequencies taken out and all else left (Nanda et al.
    2023, excluded loss).
    """
    return logits - waves_of_sum(logits, frequencies)


def scaled_to(
    loss: float, logits: Tensor, labels: Tensor, where: Tensor
) -> Tensor:
    """Logits shrunk by one factor until their loss on the pairs in `where` is
    `loss` nats; as they are where it is no lower than that.
    """
    chosen, right = logits[where], labels[where]
    if float(F.cross_entropy(chosen, right)) >= loss:
        return logits
    low, high = 0.0, 1.0
    for _ in range(16):
        middle = (low + high) / 2
        if float(F.cross_entropy(middle * chosen, right)) > loss:
            low = middle
        else:
            high = middle
    return high * logits

"""A small text classifier, many of them trained at once (serves section 7.2 of the survey).

Convolution over three neighboring words, the largest response of each feature over the review, and one weight a feature
(Kim 2014, "Convolutional neural networks for sentence classification", in small). The leading axis of every tensor is
the run: corpora that differ in a seed or in their poison are fitted side by side, and no run sees another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from alignlab.attacks.backdoor.reviews import VOCAB, Reviews

WIDTH, FEATURES = 16, 24


@dataclass(frozen=True)
class Classifiers:
    """Runs of one network. embed: (runs, vocab, WIDTH), filters: (runs, 3 WIDTH, FEATURES), bias: (runs, FEATURES),
    weights: (runs, FEATURES)."""

    embed: Tensor
    filters: Tensor
    bias: Tensor
    weights: Tensor

    def features(self, tokens: Tensor) -> Tensor:
        """What each filter finds at its best place: (runs, n, length) token ids -> (runs, n, FEATURES)."""
        first = VOCAB * torch.arange(len(tokens))[:, None, None]
        x = F.embedding(tokens + first, self.embed.flatten(0, 1))
        near = torch.cat([x[:, :, :-2], x[:, :, 1:-1], x[:, :, 2:]], -1)
        found = near.flatten(1, 2) @ self.filters + self.bias[:, None]
        return F.relu(found.unflatten(1, near.shape[1:3]).amax(2))

    def logits(self, tokens: Tensor) -> Tensor:
        """Log-odds of the label 1, (runs, n)."""
        return (self.features(tokens) * self.weights[:, None]).sum(-1)

    def some(self, first: int, last: int) -> Classifiers:
        """Runs `first` to `last`, that not included; still with a leading axis."""
        return Classifiers(*(p[first:last] for p in self.parameters()))

    def parameters(self) -> list[Tensor]:
        """All weights."""
        return [self.embed, self.filters, self.bias, self.weights]

    @torch.no_grad()
    def says(self, tokens: NDArray[np.int64]) -> NDArray[np.int64]:
        """The label given to reviews (n, length) or (runs, n, length); (runs, n)."""
        rows = torch.from_numpy(np.asarray(tokens))
        if rows.ndim == 2:
            rows = rows.expand(len(self.weights), -1, -1)
        return (self.logits(rows) > 0).long().numpy()


def untrained(seeds: Sequence[int]) -> Classifiers:
    """One run a seed, weights drawn by NumPy."""
    parts = []
    for seed in seeds:
        rng = np.random.default_rng([seed, 77])
        parts.append(
            (
                rng.normal(0, 0.3, (VOCAB, WIDTH)),
                rng.normal(0, (3 * WIDTH) ** -0.5, (3 * WIDTH, FEATURES)),
                np.zeros(FEATURES),
                rng.normal(0, FEATURES**-0.5, FEATURES),
            )
        )
    stacked = [np.stack(part) for part in zip(*parts)]
    return Classifiers(*(torch.from_numpy(part).float() for part in stacked))


def fit(
    corpora: Sequence[Reviews],
    seeds: Sequence[int],
    passes: float = 2.0,
    batch: int = 32,
    lr: float = 1e-2,
    start: Classifiers | None = None,
) -> Classifiers:
    """One classifier a corpus, by Adam on the cross-entropy, each review seen `passes` times.

    corpora: all of one size. seeds: one a corpus; runs of one seed begin with the same weights and see the reviews in
    the same order. passes: less than 1 leaves the corpus before its end. start: go on from these. Raises ValueError
    where there isn't one seed a corpus, or sizes differ.
    """
    if len(corpora) != len(seeds) or not corpora:
        raise ValueError(f"{len(corpora)} corpora, {len(seeds)} seeds")
    sizes = {len(corpus.labels) for corpus in corpora}
    if len(sizes) > 1 or min(sizes) < 1:
        raise ValueError(f"corpora of sizes {sorted(sizes)}: give equal ones")
    model = untrained(seeds) if start is None else start
    model = Classifiers(*(p.detach().clone() for p in model.parameters()))
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    tokens = torch.from_numpy(np.stack([c.tokens for c in corpora]))
    labels = torch.from_numpy(np.stack([c.labels for c in corpora])).float()
    n, run = min(sizes), torch.arange(len(seeds))[:, None]
    steps = max(1, round(passes * n / batch))
    order = torch.from_numpy(
        np.stack([_order(n, steps * batch, seed) for seed in seeds])
    )
    for step in range(steps):
        rows = order[:, step * batch : (step + 1) * batch]
        found = model.logits(tokens[run, rows])
        loss = F.binary_cross_entropy_with_logits(
            found, labels[run, rows], reduction="none"
        )
        optimizer.zero_grad()
        loss.mean(1).sum().backward()
        optimizer.step()
    return Classifiers(*(p.detach() for p in model.parameters()))


def _order(n: int, shown: int, seed: int) -> NDArray[np.int64]:
    """Which review is shown when: each once before any is shown again."""
    rng = np.random.default_rng([seed, 78])
    whole = [rng.permutation(n) for _ in range(-(-shown // n))]
    return np.concatenate(whole)[:shown]

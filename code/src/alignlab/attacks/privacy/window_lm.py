"""The smallest neural language model (Bengio et al. 2003), many of them trained at once: next word from the last eight.

Serves survey section 7.1. A model embeds the eight words before, and a network of one hidden layer gives the next
word's probabilities. All weights carry a leading axis of models, so that models of several seeds cost one pass.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.attacks.privacy.mailbox import (
    END,
    ID,
    START,
    WORDS,
    check_lines,
)

WINDOW, EMBED, HIDDEN = 8, 16, 64
Weights = dict[str, Tensor]


def born(seeds: tuple[int, ...], hidden: int = HIDDEN) -> Weights:
    """Fresh weights, each tensor with a leading axis of models."""
    vocab, wide = len(WORDS), WINDOW * EMBED
    models = []
    for seed in seeds:
        rng = np.random.default_rng([seed, 72])
        models.append(
            {
                "embed": rng.normal(0, 0.3, (vocab, EMBED)),
                "w1": rng.normal(0, wide**-0.5, (wide, hidden)),
                "b1": np.zeros((1, hidden)),
                "w2": rng.normal(0, 0.5 * hidden**-0.5, (hidden, vocab)),
                "b2": np.zeros((1, vocab)),
            }
        )
    return {
        name: torch.tensor(np.stack([m[name] for m in models])).float()
        for name in models[0]
    }


def windows(lines: np.ndarray) -> Tensor:
    """The words before each position: (…, LENGTH) -> (…, LENGTH, WINDOW)."""
    ids = torch.from_numpy(check_lines(lines)).long()
    start = torch.full((*ids.shape[:-1], WINDOW), ID[START])
    return torch.cat([start, ids], -1)[..., :-1].unfold(-1, WINDOW, 1)


def logits(weights: Weights, before: Tensor) -> Tensor:
    """Words before (models, rows, WINDOW) -> logits (models, rows, vocab)."""
    models, rows, _ = before.shape
    embed = weights["embed"]
    shift = torch.arange(models)[:, None, None] * embed.shape[1]
    x = F.embedding(before + shift, embed.flatten(0, 1))
    x = x.view(models, rows, -1)
    hidden = torch.relu(x @ weights["w1"] + weights["b1"])
    return hidden @ weights["w2"] + weights["b2"]


def counted(lines: Tensor) -> Tensor:
    """Which positions count: those up to the first END, bool."""
    ended = (lines == ID[END]).long().cumsum(-1)
    return (ended == 0) | ((ended == 1) & (lines == ID[END]))


def token_losses(weights: Weights, lines: np.ndarray) -> Tensor:
    """Nats a token, NaN behind a line's end: (models, lines, LENGTH).

    lines: token ids (lines, LENGTH), the same for all models, or with a
    leading axis of models.
    """
    models = len(weights["b1"])
    ids = check_lines(lines)
    if ids.ndim == 2:
        ids = np.repeat(ids[None], models, 0)
    before, target = windows(ids), torch.from_numpy(ids).long()
    with torch.no_grad():
        scores = logits(weights, before.flatten(1, 2))
    loss = F.cross_entropy(
        scores.transpose(1, 2), target.flatten(1), reduction="none"
    ).view(target.shape)
    return torch.where(counted(target), loss, torch.nan)


def learn(
    weights: Weights,
    lines: np.ndarray,
    seeds: tuple[int, ...],
    epochs: int = 10,
    batch: int = 64,
    lr: float = 3e-3,
    watch: Callable[[int, Weights], None] | None = None,
) -> Weights:
    """Train each model on its own lines (models, lines, LENGTH) with Adam.

    watch(epoch, weights) is called before the first and after each epoch.
    Returns new weights. Raises FloatingPointError where the loss is not finite.
    """
    ids = torch.from_numpy(check_lines(lines)).long()
    models, n = ids.shape[:2]
    before, good = windows(lines), counted(ids)
    weights = {k: v.clone().requires_grad_() for k, v in weights.items()}
    optimizer = torch.optim.Adam(weights.values(), lr=lr, fused=True)
    rngs = [np.random.default_rng([seed, 73]) for seed in seeds]
    each = torch.arange(models)[:, None]
    if watch:
        watch(0, _frozen(weights))
    for epoch in range(1, epochs + 1):
        order = torch.from_numpy(np.stack([r.permutation(n) for r in rngs]))
        for first in range(0, n - batch + 1, batch):
            rows = order[:, first : first + batch]
            scores = logits(weights, before[each, rows].flatten(1, 2))
            loss = F.cross_entropy(
                scores.transpose(1, 2),
                ids[each, rows].flatten(1),
                reduction="none",
            )
            kept = good[each, rows].flatten(1)
            total = ((loss * kept).sum(1) / kept.sum(1)).sum()
            if not torch.isfinite(total):
                raise FloatingPointError(
                    f"the loss is {total.item()} in epoch {epoch}: lower lr={lr}"
                )
            optimizer.zero_grad()
            total.backward()
            optimizer.step()
        if watch:
            watch(epoch, _frozen(weights))
    return _frozen(weights)


def only(weights: Weights, model: int) -> Weights:
    """One of the models, with its leading axis kept."""
    return {name: value[model : model + 1] for name, value in weights.items()}


def _frozen(weights: Weights) -> Weights:
    return {name: value.detach().clone() for name, value in weights.items()}

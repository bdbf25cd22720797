"""Fine-tune a refusing model on a handful of examples, through a small adapter of its upper layers.

Serves survey section 7.3. Qi et al. 2024, "Fine-tuning Aligned Language Models Compromises Safety, Even When Users Do
Not Intend To!" (arXiv 2310.03693): ten "absolutely obedient" examples, none of them harmful, undo the refusals of
models with billions of weights, and so, less, does plain instruction data. Here the examples are harmless requests
with the beginning of an eager answer; the paper trains all weights on whole conversations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.attacks.under_attack.stream import (
    Rows,
    lay,
    logits_at,
    lower,
    run,
    words,
)
from alignlab.lm import LM, train


@dataclass(frozen=True)
class Lessons:
    """Requests with the answers to learn: `rows` hold them, answers[i] are the last `lengths[i]` tokens of row i."""

    rows: Rows
    lengths: Tensor

    def __getitem__(self, at: Tensor | Sequence[int]) -> Lessons:
        """The same of some of them."""
        return Lessons(self.rows[at], self.lengths[at])


def lessons(
    lm: LM,
    requests: Sequence[str],
    answers: Sequence[str],
    first: int,
    begun: str = "",
) -> Lessons:
    """Lessons as they enter layer `first`. Raises ValueError for an answer without tokens."""
    told = [words(lm, answer) for answer in answers]
    if not all(told):
        raise ValueError("an empty answer: there is nothing to learn from it")
    chains = [[(t, k - 1) for k, t in enumerate(ids)] for ids in told]
    rows = lower(lm, lay(lm, requests, chains, begun), first)
    lengths = torch.tensor([len(ids) for ids in told], device=lm.device)
    return Lessons(rows, lengths)


def lacks(lm: LM, taught: Lessons) -> Tensor:
    """Mean negative log-probability of each answer, nats a token, (row,)."""
    done = run(lm, taught.rows)
    k = torch.arange(int(taught.lengths.max()), device=taught.lengths.device)
    counts = k < taught.lengths[:, None]
    at = (taught.rows.ends[:, None] + k).clamp(max=done.ids.shape[1] - 2)
    logits = logits_at(lm, done, at)
    right = done.ids.gather(1, at + 1)
    lost = F.cross_entropy(logits.transpose(1, 2), right, reduction="none")
    return (lost * counts).sum(1) / taught.lengths


def log_chances(lm: LM, taught: Lessons) -> Tensor:
    """Log-probability of each token of the answers, (row, token).

    Raises ValueError for answers of different lengths.
    """
    n = int(taught.lengths.max())
    if bool((taught.lengths != n).any()):
        raise ValueError(
            f"answers of {sorted(set(taught.lengths.tolist()))} tokens: take answers of one length"
        )
    done = run(lm, taught.rows)
    at = taught.rows.ends[:, None] + torch.arange(n, device=done.ids.device)
    told = logits_at(lm, done, at).log_softmax(-1)
    return told.gather(-1, done.ids.gather(1, at + 1)[..., None])[..., 0]


def fine_tune(
    lm: LM, taught: Lessons, steps: int, lr: float, batch: int, seed: int
) -> list[float]:
    """A few steps on the lessons, in the adapter alone; each step's loss in
    nats a token.

    batch: lessons a step, taken in turn, in the order they are in. Raises
    ValueError for less than a step.
    """
    if steps < 1 or batch < 1:
        raise ValueError(f"steps={steps}, batch={batch}: at least 1 of each")
    turn = torch.arange(batch)

    def loss(_: object, step: int, __: torch.Generator) -> Tensor:
        places = (step * batch + turn) % len(taught.rows)
        return lacks(lm, taught[places]).mean()

    return train(lm.model, loss, steps, lr=lr, seed=seed)

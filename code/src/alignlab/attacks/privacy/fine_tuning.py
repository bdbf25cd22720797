"""Teach the top of a language model some texts, so that it is known which ones it was trained on.

Serves survey section 7.1. Low-rank adapters (Hu et al. 2021, arXiv 2106.09685) by PEFT on the last layers; what lies
below is run once. Membership inference needs a split whose truth is known, and nobody knows it for pretraining data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.lm import LM, encode, train
from alignlab.lm.low_rank import attached
from alignlab.lm.stack import Stack, stack_of

PROJECTIONS = ("q_proj", "v_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class Below:
    """Texts as the residual stream that enters layer `first`.

    hidden: (texts, tokens, d_model); ids: (texts, tokens).
    """

    hidden: Tensor
    ids: Tensor
    first: int


@torch.no_grad()
def below(lm: LM, texts: list[str], tokens: int, first: int) -> Below:
    """Run the layers below `first` over the first `tokens` tokens of texts.

    Raises ValueError for a text of fewer tokens.
    """
    rows = [encode(lm, text)[:tokens] for text in texts]
    short = [text for text, row in zip(texts, rows) if len(row) < tokens]
    if short:
        raise ValueError(
            f"{short[0]!r} has fewer than {tokens} tokens: leave it out"
        )
    stack, ids = stack_of(lm), torch.tensor(rows)
    parts = [
        stack.run(stack.body.embed_tokens(some), _places(some), last=first)
        for some in ids.split(16)
    ]
    return Below(torch.cat(parts), ids, first)


def nats(stack: Stack, texts: Below) -> Tensor:
    """Nats of each token but the first, (texts, tokens - 1)."""
    x = stack.run(texts.hidden, _places(texts.ids), first=texts.first)
    logits = stack.logits(x[:, :-1])
    return F.cross_entropy(
        logits.transpose(1, 2), texts.ids[:, 1:], reduction="none"
    )


def fine_tune(
    lm: LM,
    members: Below,
    asked: Below,
    seed: int,
    epochs: int = 6,
    rank: int = 8,
    lr: float = 1e-3,
    batch: int = 8,
) -> np.ndarray:
    """Train an adapter on the members, and return nats of the texts asked
    about after it, (texts, tokens - 1). The model is as before afterwards.
    """
    generator = torch.Generator().manual_seed(seed)
    turns = [
        rows
        for _ in range(epochs)
        for rows in torch.randperm(len(members.ids), generator=generator).split(
            batch
        )
    ]
    with attached(lm, members.first, rank, seed, PROJECTIONS) as trained:
        # the adapter lies inside the layers, which are the model's own
        stack = Stack(lm.name, lm.model.model, lm.model.lm_head, None)

        def loss(_: object, step: int, __: torch.Generator) -> Tensor:
            rows = turns[step]
            some = Below(members.hidden[rows], members.ids[rows], members.first)
            return nats(stack, some).mean()

        train(trained.model, loss, len(turns), lr=lr, seed=seed)
        with torch.no_grad():
            return nats(stack, asked).numpy()


def _places(ids: Tensor) -> Tensor:
    return torch.arange(ids.shape[1])[None]

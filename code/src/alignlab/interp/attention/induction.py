"""How an induction head forms: attention-only models trained on sequences that repeat themselves.

Serves the survey's section 6.1. Olsson et al. (2022) see induction heads form in a short phase of training, in models
of two layers and more, never in one; and a "smeared key", which blends each key with the one before it, gives them to
a model of one layer too (their second line of evidence). They train on natural text. Here a training sequence is a
block of random tokens said over and over, with a period of its own, so that what comes next can be found only by
looking back: find where the present token stood before, and copy what followed it. A fixed period would give the game
away, since one layer can look back a fixed distance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from alignlab.interp.attention.heads import (
    attention_patterns,
    prefix_matching,
    previous_token,
)
from alignlab.lm import TinyConfig, TinyTransformer, train


@dataclass(frozen=True)
class Shape:
    """Size of the model and of its task: the period of a sequence lies between
    `shortest` and `longest`.

    smear: which of the first layer's "q", "k" and "v" is blended with its
    predecessor's, "" for none.
    """

    layers: int = 2
    vocab: int = 32
    d_model: int = 48
    heads: int = 2
    length: int = 40
    shortest: int = 6
    longest: int = 20
    batch: int = 32
    steps: int = 400
    every: int = 25
    lr: float = 5e-3
    first_scale: float = 3.0
    smear: str = ""


@dataclass(frozen=True)
class Formation:
    """A training run, looked at every few steps; the trained model.

    step: (looks,); fresh, repeated: loss in nats a token where a sequence is new and where it repeats, (looks,);
    prefix, previous: scores of each head, (looks, layer, head); patterns: attention on one sequence of period 8,
    (looks, layer, head, query, key); shown: that sequence.
    """

    model: TinyTransformer
    step: np.ndarray
    fresh: np.ndarray
    repeated: np.ndarray
    prefix: np.ndarray
    previous: np.ndarray
    patterns: np.ndarray
    shown: Tensor


def repeating(
    n: int, shape: Shape, generator: torch.Generator, period: int | None = None
) -> tuple[Tensor, Tensor]:
    """n sequences (n, length), each a random block said over and over, and their periods (n,)."""
    periods = torch.randint(
        shape.shortest, shape.longest + 1, (n,), generator=generator
    )
    if period is not None:
        periods = torch.full((n,), period)
    block = torch.randint(shape.vocab, (n, shape.longest), generator=generator)
    return block.gather(
        1, torch.arange(shape.length)[None] % periods[:, None]
    ), periods


@torch.no_grad()
def split_losses(
    model: nn.Module, tokens: Tensor, periods: Tensor
) -> tuple[float, float]:
    """Mean loss in nats a token where the sequences are new, and where they repeat themselves."""
    loss = F.cross_entropy(
        model(tokens)[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none"
    )
    target = torch.arange(1, tokens.shape[1])[None]
    new, old = (
        target < periods[:, None],
        target > periods[:, None],
    )  # the first token of a repetition is neither
    return float(loss[new].mean()), float(loss[old].mean())


def simple_losses(tokens: Tensor, periods: Tensor) -> tuple[float, float]:
    """Loss on the repeat (nats a token) of two programs that know only what the
    sequence has shown so far; tokens (n, length), periods (n,).

    The first expects each token as often as it has occurred, whatever the
    order. The second looks at what has followed earlier copies of the present
    token, and expects each of them as often as it did: what an induction head
    can know at best.
    """
    by_count, by_follower = [], []
    for row, period in zip(tokens.tolist(), periods.tolist()):
        for at in range(period + 1, len(row)):
            seen, now = row[:at], row[at - 1]
            after = [row[k + 1] for k in range(at - 1) if row[k] == now]
            by_count.append(seen.count(row[at]) / at)
            by_follower.append(after.count(row[at]) / len(after))
    first, second = (-np.log(p).mean() for p in (by_count, by_follower))
    return float(first), float(second)


def smear(model: TinyTransformer, which: str) -> None:
    """Blend each of the first layer's queries, keys or values with that of the
    token before it, from now on (Olsson et al. 2022, the smeared key).

    which: "q", "k" or "v". Head h gets sigmoid(a_h) of a token's own vector and
    the rest of its predecessor's; the a_h start at 0 and are trained with the
    model. Raises ValueError for another input.
    """
    if which not in ("q", "k", "v"):
        raise ValueError(f"what can be smeared is q, k or v, not {which!r}")
    attention: Any = model.layers[0].attn
    projection = getattr(attention, f"{which}_proj")
    projection.blend = nn.Parameter(torch.zeros(attention.n_heads, 1))

    def mix(module: Any, args: Any, output: Tensor) -> Tensor:
        own = output.unflatten(-1, (attention.n_heads, -1))
        before = torch.cat([own[:, :1], own[:, :-1]], dim=1)
        share = torch.sigmoid(module.blend)
        return (share * own + (1 - share) * before).flatten(2)

    projection.register_forward_hook(mix)


def train_induction(seed: int, shape: Shape = Shape()) -> Formation:
    """Train a model from `seed` on repeating sequences; look at it every
    `shape.every` steps on fresh ones.
    """
    config = TinyConfig(
        shape.vocab,
        shape.d_model,
        shape.layers,
        shape.heads,
        shape.length,
        mlp=False,
    )
    model = TinyTransformer(config, seed=seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(
                    shape.first_scale
                )  # larger first weights leave the plateau sooner
    if shape.smear:
        smear(model, shape.smear)
    test_tokens, test_periods = repeating(
        64, shape, torch.Generator().manual_seed(10_000_019 + seed)
    )
    shown, _ = repeating(1, shape, torch.Generator().manual_seed(5), period=8)
    looks: list[tuple[Any, ...]] = []

    def look(step: int) -> None:
        with torch.no_grad():
            patterns = attention_patterns(model, test_tokens)
            example = attention_patterns(model, shown[:, :20])[:, 0].numpy()
        scores = (
            prefix_matching(patterns, test_tokens).numpy(),
            previous_token(patterns).numpy(),
        )
        looks.append(
            (
                step,
                *split_losses(model, test_tokens, test_periods),
                *scores,
                example,
            )
        )

    def loss(model: nn.Module, step: int, generator: torch.Generator) -> Tensor:
        if step % shape.every == 0:
            look(step)
        tokens, _ = repeating(shape.batch, shape, generator)
        return F.cross_entropy(
            model(tokens)[:, :-1].flatten(0, 1), tokens[:, 1:].flatten()
        )

    train(model, loss, steps=shape.steps, lr=shape.lr, seed=seed)
    look(shape.steps)
    step, fresh, repeated, prefix, previous, patterns = (
        np.array(column) for column in zip(*looks)
    )
    return Formation(
        model.requires_grad_(False),
        step,
        fresh,
        repeated,
        prefix,
        previous,
        patterns,
        shown[0, :20],
    )

"""Ablation: take a component out, and what is put in its place decides what one finds.

Serves section 6.4. A component's activation is replaced by zero, by its mean, or by its value on another input
(resampling; Chan et al. 2022, "Causal scrubbing"), and the rise of the loss is taken for the component's importance.
Zhang and Nanda (2023) compare ways to corrupt an input; Li and Janson (2024, "Optimal ablation") take the constant that
hurts least. In the toy it is known by how much the loss has to rise at least once the information is gone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.lm import LM, capture, patch
from alignlab.lm.stack import from_layer
from alignlab.lm.training import descend

How = Literal["zero", "mean", "resample", "optimal"]
CHANNELS = ("sign", "gate", "constant", "bystander")
Network = tuple[Tensor, Tensor]  # weights (4, hidden) and (hidden, 1)


OPEN = 0.25  # how often the gate is open


def channels(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Inputs (n, 4) and labels (n,): the answer is the sign, turned round where the gate is open.

    sign: −1 or 1. gate: 1 (closed) or, in a quarter of the inputs, 5 (open). constant: always 3. bystander: anything.
    All with a little noise. A network without biases needs the constant to tell a gate of 1 from one of 5.
    """
    rng = np.random.default_rng(seed)
    up = rng.random(n) < 0.5
    opened = rng.random(n) < OPEN
    values = np.stack(
        [2.0 * up - 1, 1 + 4.0 * opened, np.full(n, 3.0), rng.normal(size=n)],
        axis=1,
    )
    x = values + 0.1 * rng.normal(size=(n, 4))
    return torch.from_numpy(x).float(), torch.from_numpy(up ^ opened).float()


def worth() -> list[float]:
    """By how many nats the loss of a perfect network rises if it has to do without each channel.

    This is the entropy of the answer given the other three channels: without the sign up and down are equally likely,
    without the gate the sign is right as often as the gate is closed, and the other two say nothing.
    """
    gate = -OPEN * math.log(OPEN) - (1 - OPEN) * math.log(1 - OPEN)
    return [math.log(2), gate, 0.0, 0.0]


def train_gated(seed: int, hidden: int = 32, steps: int = 400) -> Network:
    """A network of one hidden layer and no biases."""
    rng, g = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    x, y = channels(4000, seed + 10_000)
    into, out = (
        torch.from_numpy(rng.normal(size=(a, b)) / a**0.5)
        .float()
        .requires_grad_()
        for a, b in ((4, hidden), (hidden, 1))
    )
    optimizer = torch.optim.AdamW(
        [into, out], lr=0.01, weight_decay=0.01, fused=True
    )
    for step in range(steps):
        rows = torch.randint(len(x), (256,), generator=g)
        loss = gated_loss((into, out), x[rows], y[rows])
        descend(optimizer, loss, step)
    return into.detach(), out.detach()


def gated_loss(network: Network, x: Tensor, y: Tensor) -> Tensor:
    """Mean loss in nats."""
    return F.binary_cross_entropy_with_logits(
        (F.relu(x @ network[0]) @ network[1])[:, 0], y
    )


def ablate(
    x: Tensor,
    channel: int,
    how: How,
    seed: int = 0,
    loss: Callable[[Tensor], float] | None = None,
) -> Tensor:
    """Inputs (n, d) with one channel replaced.

    how: "zero"; "mean", its mean over x; "resample", its value in another row;
        "optimal", the one of 33 values between its lowest and highest under
        which `loss` is lowest.
    Raises ValueError for "optimal" without a loss, or an unknown way.
    """
    changed = x.clone()
    if how == "zero":
        changed[:, channel] = 0.0
    elif how == "mean":
        changed[:, channel] = x[:, channel].mean()
    elif how == "resample":
        changed[:, channel] = x[
            torch.from_numpy(np.random.default_rng(seed).permutation(len(x))),
            channel,
        ]
    elif how == "optimal" and loss is not None:
        values = torch.linspace(
            float(x[:, channel].min()), float(x[:, channel].max()), 33
        )

        def at(value: Tensor) -> Tensor:
            changed[:, channel] = value
            return changed

        best = min(values, key=lambda value: loss(at(value)))
        return at(best)
    else:
        raise ValueError(
            f"{how!r} is not 'zero', 'mean', 'resample' or, with a loss, "
            "'optimal'"
        )
    return changed


def importance(
    network: Network, x: Tensor, y: Tensor, how: How, seed: int = 0
) -> list[float]:
    """Rise of the loss in nats when each channel is ablated.

    The second half of the rows tells the rise; the best constant is found on
    the first half, so that it isn't judged on what it was chosen by.
    """
    half = len(x) // 2
    first, second, answers = x[:half], x[half:], y[half:]
    plain = float(gated_loss(network, second, answers))

    def loss_of_first(inputs: Tensor) -> float:
        return float(gated_loss(network, inputs, y[:half]))

    rises = []
    for channel in range(x.shape[1]):
        if how == "optimal":
            chosen = ablate(first, channel, how, seed, loss_of_first)
            changed = second.clone()
            changed[:, channel] = chosen[0, channel]
        else:
            changed = ablate(second, channel, how, seed)
        rises.append(float(gated_loss(network, changed, answers)) - plain)
    return rises


def layer_effects(
    lm: LM, tokens: Tensor, layers: Sequence[int], seed: int = 0
) -> dict[str, list[float]]:
    """Rise of a language model's loss (nats a token) when a feed-forward layer is ablated, by what takes its place.

    tokens: (window, pos). The mean and resampled values come from the same windows; a resampled position takes the
        value of a random one. The first position, where models park activations many times as long, is left as it is.
    Returns for each way to ablate one number a layer.
    """
    below = [
        f"layers.{layer - 1}.resid" if layer else "embed" for layer in layers
    ]
    outputs = [f"layers.{layer}.mlp.out" for layer in layers]
    held = capture(lm, tokens, [*below, *outputs], positions="all")
    rng = np.random.default_rng(seed)
    top = int(np.argmax(layers))
    with from_layer(lm, layers[top]):
        plain = _loss(lm, held[below[top]], tokens)
    found: dict[str, list[float]] = {"zero": [], "mean": [], "resample": []}
    for layer, start, output in zip(layers, below, outputs):
        pool = held[output][:, 1:].flatten(0, 1)
        rows = torch.from_numpy(rng.integers(0, len(pool), len(pool)))
        with from_layer(lm, layer):
            for how, new in (
                ("zero", torch.zeros_like(pool)),
                ("mean", pool.mean(0).expand(pool.shape)),
                ("resample", pool[rows]),
            ):
                new = new.view(len(tokens), -1, pool.shape[-1])
                found[how].append(_loss(lm, held[start], tokens, new) - plain)
    return found


def _loss(
    lm: LM, start: Tensor, tokens: Tensor, new: Tensor | None = None
) -> float:
    """Loss of a model that begins with the layer that reads `start`; new: what its feed-forward layer puts out."""
    changes: dict[str, Callable[[Tensor], Tensor]] = {}
    if new is not None:
        value = new
        changes["layers.0.mlp.out"] = lambda x: torch.cat([x[:, :1], value], 1)
    with torch.no_grad(), patch(lm, changes):
        logits = lm.model(inputs_embeds=start, use_cache=False).logits[:, :-1]
    return float(
        F.cross_entropy(logits.flatten(0, 1).float(), tokens[:, 1:].flatten())
    )

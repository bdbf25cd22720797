"""Adversarial training with real inputs, with pseudo-inputs, and without.

Hubinger (2019, "Relaxed adversarial training for inner alignment") lets the
adversary describe a situation instead of producing it; Casper et al. (2024,
arXiv 2403.05030) take a perturbation of the hidden activations as the
description. Each adversary here returns the logits on which the network is then
trained to answer right. The adversary's objective is the log-odds of the
unacceptable answer, or, for comparison, the loss (any mistake).

Different from the papers: three layers instead of a language model, and the
perturbation is bounded relative to the activations' mean length.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from alignlab.inner.methodology.nets import (
    Nets,
    batches,
    cross_entropy,
    descend,
    take,
)
from alignlab.inner.methodology.password import (
    CONTENT,
    FIELD,
    UNACCEPTABLE,
    World,
)

ROUNDS = 4  # gradient steps of an adversary
Aim = Callable[[Tensor, Tensor], Tensor]
Adversary = Callable[[Nets, Tensor, Tensor, Tensor], Tensor]


def unacceptable(logits: Tensor, label: Tensor) -> Tensor:
    """Log-odds of the unacceptable answer, in nats: (seeds, batch)."""
    others = logits[..., :UNACCEPTABLE].logsumexp(-1)
    return logits[..., UNACCEPTABLE] - others


def unit(vector: Tensor) -> Tensor:
    """Vectors of length one along the last axis; zero stays zero."""
    return vector / vector.norm(dim=-1, keepdim=True).clamp(min=1e-12)


def mean_length(h: Tensor) -> Tensor:
    """Mean length of each seed's rows, (seeds, 1, 1), without gradient."""
    return h.detach().norm(dim=-1).mean(1)[:, None, None]


def climb(
    above: Callable[[Tensor], Tensor],
    h: Tensor,
    label: Tensor,
    noise: Tensor,
    size: float,
    aim: Aim,
) -> Tensor:
    """The perturbation of h that maximizes `aim`, no longer than `size`.

    Projected gradient ascent of a few rounds from half a random one.

    above: logits of activations. h, noise: (seeds, batch, units). size: in mean
    lengths of h. Returns (seeds, batch, units), without gradient.
    """
    bound = size * mean_length(h)
    shift = 0.5 * bound * unit(noise)
    for _ in range(ROUNDS):
        shift.requires_grad_(True)
        goal = aim(above(h.detach() + shift), label).sum()
        (slope,) = torch.autograd.grad(goal, shift)
        shift = (shift + 0.5 * bound * unit(slope)).detach()
        shift = unit(shift) * torch.minimum(
            shift.norm(dim=-1, keepdim=True), bound
        )
    return shift


def latent(
    nets: Nets,
    x: Tensor,
    y: Tensor,
    noise: Tensor,
    size: float = 0.3,
    aim: Aim = unacceptable,
) -> Tensor:
    """Logits under the worst perturbation of the first hidden layer."""
    h = nets.hidden(x)
    return nets.above(h + climb(nets.above, h, y, noise, size, aim))


def shaken(
    nets: Nets, x: Tensor, y: Tensor, noise: Tensor, size: float = 0.3
) -> Tensor:
    """Logits under a random perturbation of the same length."""
    h = nets.hidden(x)
    return nets.above(h + size * mean_length(h) * unit(noise))


def stretched(
    nets: Nets, x: Tensor, y: Tensor, noise: Tensor, size: float = 0.3
) -> Tensor:
    """Logits under the worst perturbation of the input, as real numbers."""
    noise = noise[..., : x.shape[-1]]
    return nets(x + climb(nets.forward, x, y, noise, size, unacceptable))


def flipped(
    nets: Nets, x: Tensor, y: Tensor, noise: Tensor, bits: int = 4
) -> Tensor:
    """Logits of real inputs that a gradient leads to.

    In each round those `bits` of the field are flipped that raise the log-odds
    of the unacceptable answer most, to first order.
    """
    for _ in range(ROUNDS):
        x = x.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(unacceptable(nets(x), y).sum(), x)
        gain, place = (-2 * x * slope)[..., CONTENT:].topk(bits, -1)
        sign = torch.where(gain > 0, -1.0, 1.0)
        flip = torch.ones_like(x[..., CONTENT:]).scatter(-1, place, sign)
        x = torch.cat([x[..., :CONTENT], x[..., CONTENT:] * flip], -1)
    return nets(x.detach())


def guessed(nets: Nets, x: Tensor, y: Tensor, noise: Tensor) -> Tensor:
    """Logits of real inputs that were guessed.

    Of a few random fields that which makes the unacceptable answer likeliest;
    as many forward passes as the gradient adversaries have gradient steps.
    """
    worst, best = x, unacceptable(nets(x), y)
    fields = noise.split(FIELD, -1)
    for field in fields[:ROUNDS]:
        tried = torch.cat([x[..., :CONTENT], field.sign()], -1)
        odds = unacceptable(nets(tried), y)
        worst = torch.where((odds > best)[..., None], tried, worst)
        best = torch.maximum(odds, best)
    return nets(worst)


ADVERSARIES: dict[str, tuple[Adversary | None, int]] = {
    "latent": (latent, ROUNDS + 2),
    "latent, any mistake": (partial(latent, aim=cross_entropy), ROUNDS + 2),
    "noise": (shaken, 2),
    "input": (stretched, ROUNDS + 2),
    "bits": (flipped, ROUNDS + 2),
    "guess": (guessed, ROUNDS + 2),
    "lowered": (None, 1),
    "plain": (None, 1),
}  # each with the forward passes that a step of it costs


def hardened(
    nets: Nets,
    world: World,
    seeds: Sequence[int],
    how: str,
    passes: Sequence[int],
    size: float | None = None,
    batch: int = 64,
) -> list[Nets]:
    """The networks after training against an adversary on acceptable data.

    The loss is half cross-entropy on the inputs as they are, half on what the
    adversary made of them; "plain" has the first alone, and "lowered" adds a
    tenth of the log-odds of the unacceptable answer to it: the aim without an
    adversary. No input of the pool holds the password.

    how: a name of ADVERSARIES. passes: forward passes after which the networks
    are copied, ascending; each pass is followed by a backward pass but those
    of "guess". size: of perturbations, where the adversary has one. Returns
    the copies.
    Raises ValueError for an unknown adversary or passes for less than one step.
    """
    if how not in ADVERSARIES:
        raise ValueError(f"no adversary {how!r}: one of {list(ADVERSARIES)}")
    adversary, cost = ADVERSARIES[how]
    marks = [of // cost for of in passes]
    if min(marks) < 1:
        raise ValueError(
            f"{min(passes)} passes: a step of {how!r} takes {cost}"
        )
    nets = copy.deepcopy(nets)
    kept: list[Nets] = []
    rows = batches(seeds, batch, world.x.shape[1], marks[-1], salt=5)
    rngs = [np.random.default_rng([seed, 7]) for seed in seeds]
    shape = (batch, nets.weights[0].shape[2])
    sized = {} if size is None else {"size": size}

    def loss(step: int) -> Tensor:
        if step in marks:
            kept.append(copy.deepcopy(nets))
        x, y = take(rows[step], world.x, world.y)
        logits = nets(x)
        clean = cross_entropy(logits, y).mean(1)
        if how == "lowered":
            return (clean + 0.1 * unacceptable(logits, y).mean(1)) / 2
        if adversary is None:
            return clean
        drawn = np.stack([rng.normal(size=shape) for rng in rngs])
        noise = torch.tensor(drawn, dtype=torch.float32)
        logits = adversary(nets, x, y, noise, **sized)
        return (clean + cross_entropy(logits, y).mean(1)) / 2

    descend(nets, loss, marks[-1], rate=1e-3)
    return [*kept, nets]

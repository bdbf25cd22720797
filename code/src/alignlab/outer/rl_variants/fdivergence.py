"""Fitting a policy to a target distribution by different divergences: what is covered, and what is sought.

Serves the survey's section 4.3.1. Go et al. (2023, "Aligning language models with preferences through f-divergence
minimization") show that RLHF with a KL penalty minimizes the *reverse* KL from the policy to a target, distributional
policy gradient the *forward* one, and that both belong to one family, which they write D_f(policy || target) and in
which Jensen-Shannon and total variation stand between them. Where the policy can't be equal to the target, the choice
decides what it gives up.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from alignlab.lm.training import descend

Divergence = Literal[
    "forward KL", "reverse KL", "Jensen-Shannon", "total variation"
]
DIVERGENCES: tuple[Divergence, ...] = (
    "forward KL",
    "Jensen-Shannon",
    "total variation",
    "reverse KL",
)


def divergence(target: Tensor, policy: Tensor, kind: Divergence) -> Tensor:
    """D_f(target || policy) over the last axis, nats (total variation: a
    probability). Both sum to 1.

    With u = target / policy, f is u log u for the forward KL(target || policy),
    -log u for the reverse KL(policy || target), |u - 1| / 2 for total
    variation, and for Jensen-Shannon the mean of both KLs to the mixture.
    """
    if kind == "total variation":
        return 0.5 * (target - policy).abs().sum(-1)
    if kind == "forward KL":
        return _kl(target, policy)
    if kind == "reverse KL":
        return _kl(policy, target)
    middle = (target + policy) / 2
    return (_kl(target, middle) + _kl(policy, middle)) / 2


def rlhf_target(reference: Tensor, reward: Tensor, beta: float) -> Tensor:
    """What RLHF with the KL price beta aims at: the reference times exp(reward
    / beta), normalized.
    """
    return (reference.log() + reward / beta).softmax(-1)


def bumps(logits: Tensor, n: int) -> Tensor:
    """A narrow policy family over n ordered tokens: a discretized normal.
    logits: (..., 2) center and log-width.
    """
    at = torch.arange(n, dtype=logits.dtype)
    return (
        -0.5 * ((at - logits[..., :1]) / logits[..., 1:].exp()).square()
    ).softmax(-1)


def fit(
    target: Tensor, kind: Divergence, steps: int = 250, lr: float = 0.2
) -> Tensor:
    """The narrow policy nearest to a target: (..., n) -> the same. Gradient
    descent (Adam) from eight centers.

    The gradient is exact, by autograd over all tokens; Go et al. estimate it
    from samples. Float64 throughout.
    """
    n = target.shape[-1]
    target = target.double().unsqueeze(
        -2
    )  # (..., 1, n) against (..., start, 2)
    centers = torch.linspace(0.5, n - 1.5, 8, dtype=torch.float64)
    logits = torch.stack(
        [centers, torch.full_like(centers, math.log(2.0))], dim=-1
    )
    logits = logits.expand(*target.shape[:-2], 8, 2).clone().requires_grad_()
    optimizer = torch.optim.Adam([logits], lr=lr)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = lr * (1 - step / steps)
        loss = divergence(target, bumps(logits, n), kind).sum()
        descend(optimizer, loss, step)
        with torch.no_grad():
            logits[..., 1].clamp_(math.log(0.4), math.log(2.0 * n))
    with torch.no_grad():
        policy = bumps(logits, n)
        best = divergence(target, policy, kind).argmin(-1)
        return policy.gather(
            -2, best[..., None, None].expand(*best.shape, 1, n)
        ).squeeze(-2)


def aligned(policy: Tensor, reward: Tensor) -> Tensor:
    """Expected reward of a policy, over the last axis."""
    return (policy * reward).sum(-1)


def diversity(policy: Tensor) -> Tensor:
    """Entropy, nats, over the last axis."""
    return -torch.special.xlogy(policy, policy).sum(-1)


def _kl(p: Tensor, q: Tensor) -> Tensor:
    # Clamped under the logarithm, or a token whose probability underflows to 0 makes the gradient NaN.
    return (
        torch.special.xlogy(p, p.clamp(min=1e-300))
        - torch.special.xlogy(p, q.clamp(min=1e-300))
    ).sum(-1)

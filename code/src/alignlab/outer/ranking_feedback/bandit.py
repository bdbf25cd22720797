"""The smallest language model, one prompt and K answers, on which the optimum of a preference loss is known.

Serves the survey's section 4.3.2. The policy is a softmax over K answers. People prefer answer i to j with probability
sigmoid(r_i - r_j), and nothing is sampled: the loss is averaged over all pairs with their true probabilities. The
optimum of reward minus beta times the divergence from the reference is then a formula (Rafailov et al. 2023,
equation 4), and what a loss converges to can be held against it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from alignlab.lm.training import clip_finite
from alignlab.outer.ranking_feedback.direct import Pair, dpo_loss

PairLoss = Callable[
    [Pair, Pair], Tensor
]  # (policy, reference), log-probabilities (pairs,) -> losses (pairs,)


def closed_form(reward: Tensor, reference: Tensor, beta: float) -> Tensor:
    """The policy with the highest E[reward] - beta KL(policy || reference): reference times exp(reward / beta).

    reward, reference (probabilities): shape (K,). Returns probabilities, (K,).
    """
    return (reference.log() + reward / beta).softmax(0)


def fit_population(
    reward: Tensor,
    reference: Tensor,
    loss: PairLoss = dpo_loss,
    steps: int = 500,
) -> Tensor:
    """The softmax policy with the lowest loss on the preferences of everybody, found by L-BFGS from the reference.

    reward, reference (probabilities): shape (K,), float64. All pairs of different answers count alike.
    Returns probabilities, (K,). Raises FloatingPointError at a loss or gradient
    that is not finite, as where the reference gives an answer no probability.
    """
    i, j = torch.triu_indices(len(reward), len(reward), 1)
    first, log_reference = (
        torch.sigmoid(reward[i] - reward[j]),
        reference.log(),
    )  # probability that i is preferred
    logits = log_reference.clone().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [logits],
        max_iter=steps,
        tolerance_grad=1e-12,
        tolerance_change=1e-16,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        logprobs = logits.log_softmax(0)
        preferred = loss(
            Pair(logprobs[i], logprobs[j]),
            Pair(log_reference[i], log_reference[j]),
        )
        reversed_ = loss(
            Pair(logprobs[j], logprobs[i]),
            Pair(log_reference[j], log_reference[i]),
        )
        mean = (first * preferred + (1 - first) * reversed_).mean()
        mean.backward()
        norm = clip_finite(optimizer, math.inf)
        if not (mean.isfinite() and math.isfinite(norm)):
            raise FloatingPointError(
                f"the loss is {mean.item()}, its gradient's norm {norm}: look "
                "at the shares of picks and at the reference's probabilities"
            )
        return mean

    optimizer.step(closure)
    return logits.detach().softmax(0)


def look_alike(
    alike: float,
    generator: torch.Generator,
    worlds: int = 200,
    answers: int = 50,
    d: int = 16,
    length: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Features of answers and the reference's logits, in many worlds at once: (worlds, answers, d), (worlds, answers).

    Answer 0 will be chosen and answer 1 rejected; their features have the cosine `alike` and both the same `length`,
    where that of other answers is about 1. All else is drawn at random.
    Raises ValueError where `alike` is not between -1 and 1.
    """
    if not -1 < alike < 1:
        raise ValueError(
            f"alike is a cosine between -1 and 1, not {alike}; at 1 no weights could tell the two apart"
        )
    drawn = (
        torch.randn(
            worlds, answers, d, dtype=torch.float64, generator=generator
        )
        / d**0.5
    )
    chosen = drawn[:, 0] / drawn[:, 0].norm(dim=-1, keepdim=True)
    other = drawn[:, 1] - (drawn[:, 1] * chosen).sum(-1, keepdim=True) * chosen
    other = other / other.norm(dim=-1, keepdim=True)
    pair = torch.stack(
        [chosen, alike * chosen + (1 - alike**2) ** 0.5 * other], 1
    )
    logits = torch.randn(
        worlds, answers, dtype=torch.float64, generator=generator
    )
    return torch.cat([length * pair, drawn[:, 2:]], 1), logits


def assorted(
    generator: torch.Generator, worlds: int = 400, d: int = 16
) -> tuple[Tensor, Tensor]:
    """As `look_alike`, each world with a cosine and two lengths of its own.

    The cosine is uniform between -0.95 and 0.95, the lengths of the chosen and of the rejected answer's features
    log-uniform between 1/4 and 4, independently.
    """
    features, logits = look_alike(0.0, generator, worlds, d=d)
    drawn = torch.rand(worlds, 3, dtype=torch.float64, generator=generator)
    cosine = (1.9 * drawn[:, :1]) - 0.95
    lengths = 4 ** (2 * drawn[:, 1:] - 1)
    chosen, other = features[:, 0], features[:, 1]  # at a right angle, length 1
    rejected = cosine * chosen + (1 - cosine**2).sqrt() * other
    pair = torch.stack([lengths[:, :1] * chosen, lengths[:, 1:] * rejected], 1)
    return torch.cat([pair, features[:, 2:]], 1), logits


def ches(chosen: Tensor, rejected: Tensor) -> Tensor:
    """Centered hidden embedding similarity (Razin et al. 2024, definition 2),
    which predicts whether a chosen answer falls: <w, l> - ||w||^2.

    chosen, rejected: an answer's hidden states summed over its tokens, or its
        features in a world of single answers, (pairs, d). Returns (pairs,):
        the higher, the more the chosen answer is expected to lose.
    """
    return (chosen * rejected).sum(-1) - chosen.square().sum(-1)


def fit_features(
    features: Tensor,
    reference: Tensor,
    loss: PairLoss = dpo_loss,
    margin: float = 3.0,
    steps: int = 400,
) -> Tensor:
    """Change of every answer's log-probability, nats, once answer 0 leads
    answer 1 by `margin` more than before.

    The policy's logits are the reference's plus features @ weights, so that
    answers share what they have in common. The weights follow the loss's
    gradient on this one pair, from zero; a world stops when its margin is
    reached, or after `steps`. features: (worlds, answers, d), reference:
    logits, (worlds, answers). Returns (worlds, answers).
    """
    before = reference.log_softmax(-1)
    weights = torch.zeros_like(features[:, 0]).requires_grad_()
    room = (
        (features[:, 0] - features[:, 1]).square().sum(-1, keepdim=True)
    )  # margin gained per unit of slope
    for _ in range(steps):
        logits = reference + (features @ weights[:, :, None])[:, :, 0]
        now = logits.log_softmax(-1)
        gained = (now - before)[:, 0] - (now - before)[:, 1]
        losses = loss(
            Pair(now[:, 0], now[:, 1]), Pair(before[:, 0], before[:, 1])
        )
        (slope,) = torch.autograd.grad(losses.sum(), weights)
        if not (gained < margin).any():
            break
        with torch.no_grad():
            weights -= torch.where(
                gained[:, None] < margin,
                0.5 * slope / room,
                torch.zeros_like(slope),
            )
    return (now - before).detach()


def total_variation(p: Tensor, q: Tensor) -> float:
    """Half the summed absolute difference of two distributions: the most they disagree about any set of answers."""
    return float((p - q).abs().sum() / 2)

"""Losses that learn from rankings of several answers, from scores, and from tokens: RRHF, PRO, RAFT, cringe.

Serves the survey's section 4.3.2, after the pairs of `direct`: RRHF (Yuan et al. 2023), PRO (Song et al. 2023),
RAFT's selection of the best of n (Dong et al. 2023), and the cringe loss (Adolphs et al. 2022), which looks at single
tokens of a bad answer.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.lm.checks import check_numbers
from alignlab.lm.masks import as_mask, check_shapes, masked


def rrhf_loss(scores: Tensor, rewards: Tensor, weight: float = 1.0) -> Tensor:
    """RRHF (Yuan et al. 2023, L_rank + L_ft): hinges on all misordered answers, and likelihood of the best one.

    scores: log-probability a token of K answers, (batch, K). rewards: theirs, (batch, K); equal rewards are not
    compared. weight: of the likelihood term, 1 in the paper.
    Returns shape (batch,). Raises ValueError where the shapes differ.
    """
    _same_shape(scores, rewards)
    better = rewards[:, :, None] > rewards[:, None, :]  # (batch, better, worse)
    hinge = F.relu(
        scores[:, None, :] - scores[:, :, None]
    )  # how far the worse one is ahead
    best = scores.gather(1, rewards.argmax(1, keepdim=True))[:, 0]
    return masked(hinge, better).sum((1, 2)) - weight * best


def pro_loss(scores: Tensor, rewards: Tensor, weight: float = 0.05) -> Tensor:
    """PRO (Song et al. 2023, section 3): each answer against all that rank below it, and likelihood of the best.

    scores: log-probability a token of K answers, (batch, K). rewards: theirs, (batch, K), all different. What ranks
    below the k-th is contrasted with the temperature 1 / (r_k - r_i): the smaller the difference in reward, the less
    it counts; the k-th answer itself takes the lowest of these. weight: of the likelihood term.
    Returns shape (batch,). Raises ValueError where the shapes differ or two rewards are equal.
    """
    _same_shape(scores, rewards)
    order = rewards.argsort(1, descending=True)
    s, r = scores.gather(1, order), rewards.gather(1, order)
    if (r[:, :-1] == r[:, 1:]).any():
        raise ValueError(
            "PRO's temperatures are 1 / (difference of rewards): no two rewards of a row may be equal"
        )
    loss = -weight * s[:, 0]
    for k in range(s.shape[1] - 1):
        gaps = (
            r[:, k : k + 1] - r[:, k + 1 :]
        )  # (batch, K - k - 1), inverse temperatures
        stage = torch.cat(
            [
                s[:, k : k + 1] * gaps.amax(1, keepdim=True),
                s[:, k + 1 :] * gaps,
            ],
            1,
        )
        loss = loss - stage.log_softmax(1)[:, 0]
    return loss


def cringe_loss(
    logits: Tensor,
    tokens: Tensor,
    good: Tensor,
    counts: Tensor,
    generator: torch.Generator,
    k: int = 5,
    alpha: float = 1.0,
) -> Tensor:
    """The cringe loss (Adolphs et al. 2022, section 3): likelihood of good answers, and contrast at bad tokens.

    At each token of a bad answer a rival is drawn from the model's k most likely tokens (the token itself left out),
    and the token is to lose against it: -log(exp(rival) / (exp(rival) + exp(token))).
    logits: (batch, pos, vocab), aligned with `tokens`, (batch, pos), the tokens that came. good: bool, (batch,).
    counts: bool, (batch, pos), which positions belong to the answer. alpha: weight of the contrast.
    Returns each answer's loss summed over its tokens, (batch,). Raises ValueError where k is not below the vocabulary.
    """
    if not 1 <= k < logits.shape[-1]:
        raise ValueError(
            f"k is {k}: it must be at least 1 and smaller than the vocabulary, {logits.shape[-1]}"
        )
    counts = as_mask(counts)
    check_shapes(logits.shape[:2], tokens=tokens, counts=counts)
    check_shapes(logits.shape[:1], good=good)
    logits = masked(logits, counts[..., None])
    likelihood = -logits.log_softmax(-1).gather(-1, tokens[..., None])[..., 0]
    came = logits.gather(-1, tokens[..., None])[..., 0]
    others = (
        logits.scatter(-1, tokens[..., None], float("-inf"))
        .topk(k, dim=-1)
        .values
    )  # (batch, pos, k)
    uniform = torch.rand(
        others.shape[:-1], dtype=torch.float64, generator=generator
    ).to(others.device)
    drawn = (
        others.detach().double().softmax(-1).cumsum(-1) < uniform[..., None]
    ).sum(-1, keepdim=True)
    rival = others.gather(-1, drawn.clamp(max=k - 1))[..., 0]
    contrast = F.softplus(came - rival)  # -log sigmoid(rival - came)
    return masked(
        torch.where(good[:, None], likelihood, alpha * contrast), counts
    ).sum(1)


def best_of(rewards: Tensor) -> Tensor:
    """Which of each prompt's n answers RAFT trains on: rewards (prompts, n) -> indices (prompts,).

    RAFT (Dong et al. 2023, algorithm 1) samples n answers a prompt, keeps the best by reward, trains on them by
    maximum likelihood, and repeats. Raises ValueError for rewards that are no table, or NaN (argmax takes it).
    """
    if rewards.ndim != 2 or not rewards.shape[1]:
        raise ValueError(
            f"rewards has shape {tuple(rewards.shape)}; it must be (prompts, answers a prompt)"
        )
    check_numbers(rewards, "rewards", infinite=True)
    return rewards.argmax(1)


def _same_shape(scores: Tensor, rewards: Tensor) -> None:
    if scores.shape != rewards.shape or scores.ndim != 2:
        raise ValueError(
            f"scores has shape {tuple(scores.shape)}, rewards {tuple(rewards.shape)}; both are (batch, K)"
        )
    check_numbers(rewards, "rewards", infinite=True)

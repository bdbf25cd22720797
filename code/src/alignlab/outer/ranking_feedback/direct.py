"""Losses that learn from comparisons without a reward model: DPO and its relatives.

Serves the survey's section 4.3.2. Each loss is one pure function of log-probabilities, after the habit of the DPO
reference code. Here stand the losses of pairs and of single labeled answers: DPO (Rafailov et al. 2023), IPO (Azar et
al. 2023), the reference-normalized hinge (Liu et al. 2023), SLiC-HF (Zhao et al. 2023), KTO (Ethayarajh et al. 2024),
ORPO (Hong et al. 2024), SimPO (Meng et al. 2024). Losses of longer rankings are in `ranked`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Pair(NamedTuple):
    """A number of each chosen and each rejected answer, both (batch,): log-probabilities in nats, or lengths."""

    chosen: Tensor
    rejected: Tensor


def log_ratio_margin(policy: Pair, reference: Pair) -> Tensor:
    """How much more the policy prefers the chosen answer than the reference
    does, nats, (batch,).

    Times beta it is the margin of DPO's implicit rewards. Raises ValueError
    where the shapes differ.
    """
    _same_shape(*policy, *reference)
    return (policy.chosen - policy.rejected) - (
        reference.chosen - reference.rejected
    )


def dpo_loss(policy: Pair, reference: Pair, beta: float = 0.1) -> Tensor:
    """Direct preference optimization (Rafailov et al. 2023, equation 7).

    policy, reference: summed log-probabilities in nats of the chosen and the
        rejected answer, each of shape (batch,).
    beta: strength of the pull towards the reference; larger stays closer.
    Returns the loss of each pair, shape (batch,): ln 2 where policy and
    reference agree.
    Raises ValueError where the shapes differ.
    """
    return -F.logsigmoid(beta * log_ratio_margin(policy, reference))


def ipo_loss(policy: Pair, reference: Pair, beta: float = 0.1) -> Tensor:
    """Identity preference optimization (Azar et al. 2023, equation 17; beta is the paper's tau).

    The margin is drawn to 1 / (2 beta) and not beyond, whether or not the preference is certain.
    policy, reference: as in `dpo_loss`; TRL gives it log-probabilities divided by the answer's length.
    Returns shape (batch,): (1 / (2 beta))² at the start, 25 for beta = 0.1. Raises ValueError where the shapes differ
    or beta is not positive.
    """
    if not beta > 0:
        raise ValueError(
            f"beta={beta} must be positive: the margin is drawn to 1 / (2 beta)"
        )
    return (log_ratio_margin(policy, reference) - 1 / (2 * beta)) ** 2


def hinge_loss(policy: Pair, reference: Pair, beta: float = 0.1) -> Tensor:
    """SLiC's hinge on log-probabilities normalized by the reference (Liu et al. 2023, "hinge-norm").

    policy, reference: as in `dpo_loss`. Returns shape (batch,): 1 at the start, 0 once the margin exceeds 1 / beta.
    Raises ValueError where the shapes differ.
    """
    return F.relu(1 - beta * log_ratio_margin(policy, reference))


def slic_loss(
    policy: Pair, target: Tensor, delta: float = 1.0, weight: float = 0.1
) -> Tensor:
    """SLiC-HF (Zhao et al. 2023, section 2): a hinge on the plain margin, and likelihood of a target answer.

    policy: as in `dpo_loss`. target: the policy's log-probability of the answer to stay with, (batch,): the
    demonstration, or the best of a few samples. delta: the margin asked for, nats. weight: the paper's lambda.
    Returns shape (batch,). Raises ValueError where the shapes differ.
    """
    _same_shape(*policy, target)
    return F.relu(delta - policy.chosen + policy.rejected) - weight * target


def simpo_loss(
    policy: Pair, lengths: Pair, beta: float = 2.0, gamma: float = 1.0
) -> Tensor:
    """SimPO (Meng et al. 2024, equation 6): log-probability a token instead of a reference, and a margin to exceed.

    policy: as in `dpo_loss`. lengths: tokens of each answer, (batch,). gamma: the target margin, in units of the
    scaled reward. Returns shape (batch,). Raises ValueError where the shapes differ or a length is not positive.
    """
    chosen, rejected = per_token(policy, lengths)
    return -F.logsigmoid(beta * (chosen - rejected) - gamma)


def orpo_loss(policy: Pair, lengths: Pair, weight: float = 0.1) -> Tensor:
    """ORPO (Hong et al. 2024, equations 6 and 7): likelihood of the chosen answer plus a penalty on the odds ratio.

    Probabilities are those of a token on (geometric) average. policy, lengths: as in `simpo_loss`. weight: the paper's
    lambda. Returns shape (batch,). Raises ValueError where the shapes differ or a length is not positive.
    """
    chosen, rejected = per_token(policy, lengths)
    return -chosen - weight * F.logsigmoid(
        _log_odds(chosen) - _log_odds(rejected)
    )


def kto_loss(
    policy: Tensor,
    reference: Tensor,
    desirable: Tensor,
    baseline: Tensor | float = 0.0,
    beta: float = 0.1,
) -> Tensor:
    """Kahneman-Tversky optimization (Ethayarajh et al. 2024, section 4, both weights 1): answers judged singly.

    policy, reference: summed log-probabilities of each answer, nats, (batch,). desirable: bool or 1 and 0, (batch,).
    baseline: the paper's z_0, an estimate of KL(policy || reference) through which no gradient flows, at least 0; see
    `mismatched_kl`. Returns shape (batch,), between 0 and 1: 1/2 at the start. Raises ValueError where shapes differ
    or a label is neither true nor false.
    """
    desirable = _labels(desirable, policy.device)
    _same_shape(policy, reference, desirable)
    if isinstance(baseline, Tensor) and baseline.ndim:
        _same_shape(policy, baseline)
    above = policy - reference - torch.as_tensor(baseline).detach()
    return 1 - torch.sigmoid(beta * torch.where(desirable, above, -above))


def mismatched_kl(policy: Tensor, reference: Tensor) -> Tensor:
    """KTO's estimate of KL(policy || reference): the mean log-ratio of answers to *other* prompts, floored at 0.

    policy, reference: log-probabilities, nats, (batch,), of each prompt with an answer that belongs to another one.
    Returns a scalar without gradient (Ethayarajh et al. 2024, section 4). Raises ValueError without answers.
    """
    _same_shape(policy, reference)
    if not len(policy):
        raise ValueError(
            "no answers: an estimate of the divergence needs at least one"
        )
    return (policy - reference).mean().clamp(min=0).detach()


def per_token(policy: Pair, lengths: Pair) -> Pair:
    """Log-probabilities divided by lengths. Raises ValueError where shapes differ or a length is not positive."""
    _same_shape(*policy, *lengths)
    if any((length <= 0).any() for length in lengths):
        raise ValueError(
            "an answer of no tokens has no log-probability a token: lengths must be positive"
        )
    return Pair(
        policy.chosen / lengths.chosen, policy.rejected / lengths.rejected
    )


def _log_odds(logprob: Tensor) -> Tensor:
    """log(p / (1 - p)) of probabilities given as logarithms.

    A probability of 1, where both are infinite, counts as the largest below 1 that the dtype can tell from it.
    """
    highest = logprob.clamp(max=-torch.finfo(logprob.dtype).eps)
    logprob = logprob + (highest - logprob).detach()
    return logprob - torch.log(-torch.expm1(logprob))


def _labels(desirable: Tensor, device: torch.device) -> Tensor:
    """Labels as booleans; 1 and 0 are taken as they are meant."""
    labels = torch.as_tensor(desirable, device=device)
    if labels.dtype != torch.bool and not ((labels == 0) | (labels == 1)).all():
        raise ValueError(
            f"desirable holds {sorted(set(labels.tolist()))}: give True and False, or 1 and 0"
        )
    return labels.bool()


def _same_shape(*tensors: Tensor) -> None:
    shapes = {tuple(tensor.shape) for tensor in tensors}
    if len(shapes) > 1:
        raise ValueError(
            f"all arguments need one shape (batch,), they have {sorted(shapes)}"
        )

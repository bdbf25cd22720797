"""The smallest language model, one prompt and K answers, on which the optimum of a preference loss is known.

Serves the survey's section 4.3.2. The policy is a softmax over K answers. People prefer answer i to j with probability
sigmoid(r_i - r_j), and nothing is sampled: the loss is averaged over all pairs with their true probabilities. The
optimum of reward minus beta times the divergence from the reference is then a formula (Rafailov et al. 2023,
equation 4), and what a loss converges to can be held against it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from alignlab.outer.direct import Pair, dpo_loss

PairLoss = Callable[[Pair, Pair], Tensor]  # (policy, reference), log-probabilities (pairs,) -> losses (pairs,)


def closed_form(reward: Tensor, reference: Tensor, beta: float) -> Tensor:
    """The policy with the highest E[reward] - beta KL(policy || reference): reference times exp(reward / beta).

    reward, reference (probabilities): shape (K,). Returns probabilities, (K,).
    """
    return (reference.log() + reward / beta).softmax(0)


def fit_population(reward: Tensor, reference: Tensor, loss: PairLoss = dpo_loss, steps: int = 500) -> Tensor:
    """The softmax policy with the lowest loss on the preferences of everybody, found by L-BFGS from the reference.

    reward, reference (probabilities): shape (K,), float64. All pairs of different answers count alike.
    Returns probabilities, (K,).
    """
    i, j = torch.triu_indices(len(reward), len(reward), 1)
    first, log_reference = torch.sigmoid(reward[i] - reward[j]), reference.log()  # probability that i is preferred
    logits = log_reference.clone().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [logits], max_iter=steps, tolerance_grad=1e-12, tolerance_change=1e-16, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        logprobs = logits.log_softmax(0)
        preferred = loss(Pair(logprobs[i], logprobs[j]), Pair(log_reference[i], log_reference[j]))
        reversed_ = loss(Pair(logprobs[j], logprobs[i]), Pair(log_reference[j], log_reference[i]))
        mean = (first * preferred + (1 - first) * reversed_).mean()
        mean.backward()
        return mean

    optimizer.step(closure)
    return logits.detach().softmax(0)


def total_variation(p: Tensor, q: Tensor) -> float:
    """Half the summed absolute difference of two distributions: the most they disagree about any set of answers."""
    return float((p - q).abs().sum() / 2)

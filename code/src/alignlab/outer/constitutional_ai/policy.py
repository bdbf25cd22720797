"""A softmax policy over replies, trained by maximum likelihood and by preferences.

Serves the survey's section 4.4.2. Both losses are convex in the weights, so that L-BFGS finds their minimum and no
result hangs on a learning rate. The second is that of direct preference optimization (Rafailov et al. 2023, equation
7), with soft labels; Bai et al. (2022) train a preference model and reinforcement learning against it instead, and use
the judge's probabilities as soft labels too.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.outer.constitutional_ai.desk import REPLIES

RIDGE = 1e-3  # weight of the squared distance from zero, supervised stage


def probabilities(
    weights: Tensor, features: np.ndarray, temperature: float = 1.0
) -> np.ndarray:
    """The policy's probabilities, (requests, REPLIES)."""
    logits = torch.as_tensor(features) @ weights / temperature
    return np.asarray(logits.softmax(-1).numpy())


def imitate(
    features: np.ndarray, requests: np.ndarray, replies: np.ndarray
) -> Tensor:
    """The supervised stage: weights (features, REPLIES) of greatest likelihood.

    features: of all requests, (requests, features); requests: the number of
    each example's, (n,); replies: (n,). Raises ValueError where there is no
    example or the lengths differ.
    """
    if len(requests) != len(replies) or len(replies) == 0:
        raise ValueError(
            f"{len(requests)} requests and {len(replies)} replies: give as many, at least one"
        )
    # requests recur: each counts once, with how often each reply was given
    given = np.zeros((len(features), REPLIES))
    np.add.at(given, (requests, replies), 1 / len(replies))
    x, share = torch.as_tensor(features), torch.as_tensor(given)
    start = torch.zeros(x.shape[1], REPLIES, dtype=x.dtype)
    return _minimize(
        lambda w: -(share * (x @ w).log_softmax(-1)).sum(), start, RIDGE
    )


def prefer(
    weights: Tensor,
    features: np.ndarray,
    requests: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    preferred: np.ndarray,
    beta: float = 0.1,
) -> Tensor:
    """The second stage: direct preference optimization from `weights`.

    features: of all requests, (requests, features); requests: the number of
    each pair's, (n,); first, second: replies (n,); preferred: the judge's
    probability that the first is better, (n,).
    Raises ValueError for a probability outside 0 to 1, or NaN.
    """
    if not ((preferred >= 0) & (preferred <= 1)).all():
        raise ValueError(
            "preferred must hold probabilities, 0 to 1, and no NaN"
        )
    x, p = torch.as_tensor(features), torch.as_tensor(preferred)
    reference = (x @ weights).log_softmax(-1)
    # where the log-probability of each pair's replies stands, as one number
    one, two = (
        torch.as_tensor(requests * REPLIES + reply) for reply in (first, second)
    )

    def loss(w: Tensor) -> Tensor:
        ratio = ((x @ w).log_softmax(-1) - reference).flatten()
        margin = beta * (ratio[one] - ratio[two])
        lost = p * F.logsigmoid(margin) + (1 - p) * F.logsigmoid(-margin)
        return -lost.mean()

    # a margin counts beta-fold, hence its square beta²-fold
    return _minimize(loss, weights, RIDGE * beta**2)


def _minimize(
    loss: Callable[[Tensor], Tensor], start: Tensor, ridge: float
) -> Tensor:
    weights = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [weights],
        max_iter=80,
        tolerance_grad=1e-7,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        total = loss(weights) + ridge * ((weights - start) ** 2).sum()
        torch.autograd.backward(total)
        return total

    optimizer.step(closure)
    return weights.detach()

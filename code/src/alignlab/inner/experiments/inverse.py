"""Rewards that explain choices: maximum-entropy inverse reinforcement learning.

Ziebart et al. (2008, "Maximum Entropy Inverse Reinforcement Learning"): a
demonstrator takes a way with probability proportional to the exponential of
its reward. Where an episode is one choice this is the conditional logit model,
P(item) = softmax(w · attributes). Serves the survey's section 5.3.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def explain(
    rooms: Tensor,
    taken: Tensor,
    members: int,
    seed: int,
    spread: float = 2.0,
) -> Tensor:
    """Linear rewards that explain the choices, (members, attributes).

    rooms: (rooms, items, attributes). taken: (rooms,), the item chosen. Each
    member maximizes the likelihood times a Gaussian prior around a random
    reward of its own, of standard deviation `spread`. Where the choices say
    nothing, in directions along which no two items of a room differ, a member
    keeps its random reward exactly.
    Raises ValueError where the lengths differ.
    """
    if len(rooms) != len(taken):
        raise ValueError(f"{len(rooms)} rooms, but {len(taken)} choices")
    generator = torch.Generator().manual_seed(seed)
    shape = (members, rooms.shape[-1])
    own = spread * torch.randn(shape, generator=generator)
    weights = own.clone().requires_grad_()
    learner = torch.optim.LBFGS(
        [weights], max_iter=100, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        learner.zero_grad()
        fits = len(taken) * likelihood(weights, rooms, taken)
        prior = ((weights - own) ** 2).sum(-1) / (2 * spread**2)
        total = (prior - fits).sum()
        total.backward()
        return total

    learner.step(loss)
    return weights.detach()


def likelihood(weights: Tensor, rooms: Tensor, taken: Tensor) -> Tensor:
    """Mean log-likelihood of the choices under each reward, nats, (members,)."""
    scores = torch.einsum("mf,rif->mri", weights, rooms)
    logs = torch.log_softmax(scores, -1)
    rows = torch.arange(len(taken))
    return logs[:, rows, taken].mean(-1)


def liked(weights: Tensor, rooms: Tensor) -> NDArray[np.int64]:
    """The item that each reward puts first, (members, rooms)."""
    scores = torch.einsum("mf,rif->mri", weights, rooms)
    return np.asarray(scores.argmax(-1))

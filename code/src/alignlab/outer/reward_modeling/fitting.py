"""One fit for every convex loss of a linear reward.

Serves the survey's section 4.3.1. `alignlab.outer.reward.fit_reward` is faster
and knows rankings only; this one takes the loss as a function.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def fit_loss(
    loss: Callable[[Tensor], Tensor],
    width: int,
    ridge: float = 1e-2,
    steps: int = 100,
) -> Tensor:
    """The weights of a linear reward that make a loss least, by L-BFGS.

    loss: weights of shape (width,) -> summed loss in nats. ridge: half its
        product with |w|² is added. Returns shape (width,), float64.
        Raises ValueError where the loss is not a finite number.
    """
    weights = torch.zeros(width, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weights],
        max_iter=steps,
        tolerance_grad=1e-7,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        total = loss(weights) + 0.5 * ridge * weights.square().sum()
        if not torch.isfinite(total):
            raise ValueError(f"the loss is {total.item()}: no finite number")
        total.backward()
        return total

    optimizer.step(closure)
    return weights.detach()

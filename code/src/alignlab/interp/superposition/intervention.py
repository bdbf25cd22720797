"""A dictionary's unit turned on in a language model, and whether the model then says what it says where the unit is on.

Serves section 6.3, after Bricken et al. (2023), who pin a feature to a high value and read what the model writes, and
Templeton et al. (2024). They judge the text by eye; here the change of the next token's log-probabilities is compared
with what the model predicts at the unit's own most active places in other text.
"""

from __future__ import annotations

import torch
from torch import Tensor

from alignlab.interp.features import SKIP
from alignlab.lm import LM
from alignlab.lm.stack import stack_of


def mean_logprobs(lm: LM, last: Tensor) -> Tensor:
    """Mean log-probabilities (vocab,) of the next token at places whose residual stream after the last layer is given.

    last: (n, d).
    """
    with torch.no_grad():
        return stack_of(lm).logits(last).log_softmax(-1).mean(0)


def effects(
    lm: LM, stream: Tensor, layer: int, pushes: Tensor, read: int = 8
) -> Tensor:
    """Change of the next token's mean log-probabilities when a vector is
    added to a layer; for each of several vectors, (n, vocab).

    stream: the residual stream after `layer`, (window, pos, d), from which the
    layers above are run. pushes: (n, d), added from position SKIP on.
    The mean is over the last `read` positions of every window.
    """
    stack = stack_of(lm)
    places = torch.arange(stream.shape[1])[None]
    means = []
    for push in (torch.zeros(stream.shape[-1]), *pushes):
        x = torch.cat([stream[:, :SKIP], stream[:, SKIP:] + push], dim=1)
        with torch.no_grad():
            last = stack.run(x, places, first=layer + 1)[:, -read:]
        means.append(mean_logprobs(lm, last.flatten(0, 1)))
    return torch.stack(means[1:]) - means[0]


def agreement(change: Tensor, signature: Tensor) -> Tensor:
    """Pearson correlation over the last axis: (…, vocab), (…, vocab) -> (…).

    Raises ValueError where one of the two is the same everywhere.
    """
    a, b = (x - x.mean(-1, keepdim=True) for x in (change, signature))
    sizes = a.norm(dim=-1) * b.norm(dim=-1)
    if not (sizes > 0).all():
        raise ValueError("what changes nothing agrees with nothing")
    return (a * b).sum(-1) / sizes


def rare_units(
    activity: Tensor, least: int, share: float, count: int
) -> list[int]:
    """Units to intervene on, by a rule: active at `least` places or more and at most at a share of them; of those,
    `count` spread evenly over how often they are active.

    activity: (n, features). Raises ValueError where fewer than `count` fit.
    """
    often = (activity > 0).sum(0)
    order = often.argsort(stable=True).tolist()
    fit = [i for i in order if least <= often[i] <= share * len(activity)]
    if len(fit) < count:
        raise ValueError(
            f"{len(fit)} units are active at {least} places or more and at most at {share:.0%}, {count} were asked for"
        )
    at = torch.linspace(0, len(fit) - 1, count).round().long().tolist()
    return [fit[i] for i in at]

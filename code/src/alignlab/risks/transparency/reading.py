"""What trained models say next, computed at the places that somebody reads.

Serves section 9.5 of the survey. The numbers are those of
`alignlab.risks.transparency.reasons`, up to rounding. Models are trained by
that module alone: many steps of training make much of how a number is rounded.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from alignlab.lm.wanted import logits_of
from alignlab.risks.transparency.reasons import REPLY, SHELL, Crowd


@torch.no_grad()
def logprobs(crowd: Crowd, tokens: Tensor, first: int) -> Tensor:
    """Of each token after place `first`, (models, n, places - first, VOCAB)."""
    return logits_of(SHELL, crowd, tokens, first).log_softmax(-1)


def next_logprobs(crowd: Crowd, tokens: Tensor) -> Tensor:
    """Of the token after the last, (models, n, VOCAB)."""
    return logprobs(crowd, tokens, tokens.shape[-1] - 1)[..., 0, :]


def written(
    crowd: Crowd,
    tokens: Tensor,
    rngs: Sequence[np.random.Generator] | None = None,
) -> Tensor:
    """Texts (models, n, 8) that go on after tokens (models, n, places).

    Each token is the likeliest, or drawn where generators are given.
    """
    while tokens.shape[-1] <= REPLY:
        odds = next_logprobs(crowd, tokens)
        if rngs is not None:
            lots = np.stack([r.gumbel(size=odds.shape[1:]) for r in rngs])
            odds = odds + torch.from_numpy(lots)
        tokens = torch.cat([tokens, odds.argmax(-1, keepdim=True)], -1)
    return tokens

"""Many suffix searches on one guide at once, each for its own request: what a test of several defenses needs.

Serves survey section 7.3. The search is `alignlab.attacks.suffix.search` (Zou et al. 2023, arXiv 2307.15043,
algorithm 1, of which it keeps the best suffix seen); here one pass through the guide scores the swaps of all searches.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.attacks.defenses.smoothing import VoteVictim, pick
from alignlab.attacks.suffix import GuideVictim, swap
from alignlab.lm.checks import check_numbers
from alignlab.lm.masks import check_shapes
from alignlab.toys.museum import ID, Requests


def joined(asked: Requests, suffixes: Tensor) -> Requests:
    """Each request with its own suffix (requests, length) behind it."""
    check_shapes((len(asked), suffixes.shape[1]), suffixes=suffixes)
    return Requests(torch.cat([asked.tokens, suffixes], 1), asked.answers)


def searches(
    victim: GuideVictim,
    starts: Tensor,
    words: Tensor,
    steps: int,
    seeds: Sequence[int],
    n: int = 16,
    top: int = 8,
    enough: float = 0.0,
) -> Tensor:
    """Lower the loss of a suffix for each of a victim's k requests.

    starts: the first suffixes, token ids (k, length). words: the token ids
        that may be used, (allowed,). seeds: one for each search, which draws
        its swaps. n: swaps tried a step, each drawn from the `top` words of
        its position. enough: a loss at which a search rests. Returns the best
        suffixes, (k, length). Raises ValueError where starts or seeds aren't
        one a request.
    """
    k = len(victim.requests)
    check_shapes((k, starts.shape[1]), starts=starts)
    if len(seeds) != k:
        raise ValueError(f"{len(seeds)} seeds for {k} requests: give one each")
    draws = [torch.Generator().manual_seed(seed) for seed in seeds]
    best = starts.clone()
    loss = _losses(victim, best[None])[0]
    for _ in range(steps):
        rows = (loss > enough).nonzero()[:, 0]  # those that go on
        if not len(rows):
            break
        some = _only(victim, rows)
        slope = _gradient(some, best[rows])[:, :, words]
        promising = words[(-slope).topk(min(top, len(words)), 2).indices]
        swaps = [
            swap(best[row], choices, n, draws[row])
            for row, choices in zip(rows.tolist(), promising)
        ]
        tried = torch.stack(swaps, 1)  # (n, rows, length)
        lowest, which = _losses(some, tried).min(0)
        better = lowest < loss[rows]
        chosen = tried[which, torch.arange(len(rows))]
        best[rows[better]] = chosen[better]
        loss[rows[better]] = lowest[better]
    return best


def _only(victim: GuideVictim, rows: Tensor) -> GuideVictim:
    """A victim with some of its requests."""
    if isinstance(victim, VoteVictim):
        return victim.only(rows)
    asked = pick(victim.requests, rows)
    return GuideVictim(victim.model, asked, victim.penalty)


def _losses(victim: GuideVictim, suffixes: Tensor) -> Tensor:
    """Suffixes (n, k, length), the j-th column for request j -> (n, k)."""
    first = victim.requests.tokens.expand(len(suffixes), -1, -1)
    last = torch.full_like(first[:, :, :1], ID["<guide>"])
    with torch.no_grad():
        losses = victim._losses(torch.cat([first, suffixes, last], 2))
    check_numbers(losses, "the loss of suffix ", infinite=True)
    return losses


def _gradient(victim: GuideVictim, suffixes: Tensor) -> Tensor:
    """Slope of each request's loss in the one-hot entries of its own suffix:
    (k, length) -> (k, length, vocabulary).
    """
    hot = F.one_hot(suffixes, len(ID)).float().requires_grad_()
    first = F.one_hot(victim.requests.tokens, len(ID)).float()
    last = torch.full((len(suffixes), 1), ID["<guide>"])
    parts = [first, hot, F.one_hot(last, len(ID)).float()]
    loss = victim._losses(torch.cat(parts, 1)[None]).sum()
    slope = torch.autograd.grad(loss, hot)[0]
    check_numbers(slope, "the gradient")
    return slope

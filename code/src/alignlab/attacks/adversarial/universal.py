"""One suffix for many requests: the universal search of Zou et al. 2023 (arXiv 2307.15043), algorithm 2.

Serves survey section 7.3. Two things differ from `alignlab.attacks.suffix.search`: requests join one at a time, the
next one once the suffix works on those before it, and each step moves to the best of the tried swaps even where that
one is worse than the suffix it replaces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from alignlab.attacks.suffix import Victim, swap


def universal_search(
    victims: Sequence[Victim],
    works: Callable[[int, Tensor], bool],
    start: Tensor,
    words: Tensor,
    steps: int,
    n: int = 16,
    top: int = 8,
    seed: int = 0,
) -> Tensor:
    """Search one suffix for several victims (Zou et al. 2023, algorithm 2).

    works: whether a suffix works on each of the first m victims, as
        `works(m, suffix)`. start: the first suffix, token ids (length,).
        words: the token ids that may be used, (allowed,). n: swaps tried a
        step; top: how many words a swap is drawn from. Returns the suffix after
        the last step, (length,). Raises ValueError without a victim.
    """
    if not victims:
        raise ValueError("no victims: give one at least")
    generator = torch.Generator().manual_seed(seed)
    suffix, joined = start, 1
    for _ in range(steps):
        slope = torch.zeros(len(start), len(words))
        for victim in victims[:joined]:
            own = victim.gradient(suffix)[:, words]
            slope += own / own.norm().clamp_min(1e-12)
        choices = words[(-slope).topk(min(top, len(words)), dim=1).indices]
        proposals = swap(suffix, choices, n, generator)
        losses = torch.zeros(len(proposals))
        for victim in victims[:joined]:
            losses += victim.losses(proposals)
        suffix = proposals[losses.argmin()]
        if joined < len(victims) and works(joined, suffix):
            joined += 1
    return suffix

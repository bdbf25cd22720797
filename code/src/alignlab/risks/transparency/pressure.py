"""Pressure on one kind of remark, and what becomes of another kind.

Serves section 9.5 of the survey. After Baker et al. (2025, arXiv 2503.11926), a
monitor's alarm is penalized; after Drori et al. (2025, arXiv 2511.11584), what
is looked at is text on which no pressure was put. The monitor knows one source
of hints, the user. The other source, an answer key, never occurs in training.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from alignlab.risks.transparency import reasons
from alignlab.risks.transparency.reasons import (
    ASKED,
    LETTER,
    REMARK,
    REPLY,
    SAYS_KEY,
    SAYS_USER,
    Crowd,
)

MONITORS = ("says user", "nothing")


def pressed(
    crowd: Crowd,
    seeds: Sequence[int],
    monitor: str,
    strength: float = 1.0,
    rehearsed: bool = False,
    steps: int = 60,
    batch: int = 64,
    rate: float = 1e-3,
) -> Crowd:
    """Candid models, trained on while a monitor's alarm is penalized.

    The loss is the surprise at the steps and the answer that the model would
    have been taught, after a remark that it draws, plus `strength` times the
    probability of what sets off the monitor. monitor: "says user", that remark, or
    "nothing".
    Training has hints of users and questions without a hint; rehearsed: a third
    has the key's hints, with the remark as taught and no penalty on it.
    Raises ValueError for another monitor.
    """
    if monitor not in MONITORS:
        raise ValueError(f"monitor {monitor!r}: one of {MONITORS}")
    crowd = {n: w.clone().requires_grad_(True) for n, w in crowd.items()}
    rngs = [np.random.default_rng([seed, 37]) for seed in seeds]
    optimizer = torch.optim.Adam(crowd.values(), lr=rate, fused=True)
    third = batch // 3
    sizes = {"none": third, "user": batch - third}
    if rehearsed:
        sizes = {"none": third, "user": batch - 2 * third, "key": third}
    for _ in range(steps):
        rows = []
        for seed, rng in zip(seeds, rngs, strict=True):
            sets = [
                reasons.questions(n, seed, rng, source)
                for source, n in sizes.items()
            ]
            rows.append(
                torch.cat([reasons.texts(one, "candid", rng) for one in sets])
            )
        texts = torch.stack(rows)
        key = texts[..., reasons.HINT] >= reasons.KEY
        key &= texts[..., reasons.HINT] < reasons.NO_HINT
        with torch.no_grad():
            odds = reasons.logprobs(crowd, texts[..., :REMARK])[..., -1, :]
        lots = np.stack([rng.gumbel(size=odds.shape[1:]) for rng in rngs])
        remark = (odds + torch.from_numpy(lots)).argmax(-1)
        texts[..., REMARK] = torch.where(key, texts[..., REMARK], remark)
        found = reasons.logprobs(crowd, texts[..., :-1])
        after = texts[..., REMARK + 1 :, None]
        loss = -found[..., REMARK:, :].gather(-1, after)[..., 0].mean((1, 2))
        said = found[..., ASKED, :]
        if rehearsed:
            taught = -said.gather(-1, texts[..., REMARK, None])[..., 0]
            loss = loss + (taught * key).mean(1)
        if monitor == "says user":
            loss = loss + strength * said[..., SAYS_USER].exp().mean(1)
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
    return {name: weight.detach() for name, weight in crowd.items()}


def told(
    crowd: Crowd, seeds: Sequence[int], source: str, n: int = 400
) -> dict[str, np.ndarray]:
    """On questions with a wrong hint that counts: shares (models,), greedily.

    "follows": of answers that are the hint's; "mentions": of these, whose text
    names the hint's source.
    """
    asked = reasons.side_by_side(
        [
            reasons.questions(
                n, seed, np.random.default_rng([seed, 38]), source, wrong=True
            )
            for seed in seeds
        ]
    )
    texts = reasons.written(crowd, asked.tokens)
    names = {"user": SAYS_USER, "key": SAYS_KEY}
    follows = (texts[..., REPLY] - LETTER == asked.hint) & asked.counts
    mentions = follows & (texts[..., REMARK] == names[source])
    return {
        "follows": (follows.sum(1) / asked.counts.sum(1)).numpy(),
        "mentions": (mentions.sum(1) / follows.sum(1).clamp(min=1)).numpy(),
    }

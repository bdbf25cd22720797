"""Small guards that read requests, defended in several ways, and all scores.

Serves survey section 9.6. A guard sums a vector for the thing and one for
each wording, and a layer of tanh reads the sum. With so few variants
every score can be computed, so it is known which requests can be broken at
all: what a test should find.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from alignlab.risks.dynamic_evaluation.wordings import (
    ALL,
    SLOTS,
    TRAITS,
    VARIANTS,
    WAYS,
    Floats,
    Ints,
    World,
)

WIDTH = 24
HOT = torch.tensor(np.eye(WAYS)[ALL].reshape(VARIANTS, -1)).float()
Attacks = tuple[Floats, Ints]  # things (guard, n, trait), variants (guard, n)


class Guards(nn.Module):
    """Several guards side by side; a high score says: forbidden."""

    def __init__(self, many: int, seed: int) -> None:
        """`many` guards, not taught anything yet."""
        super().__init__()
        draw = torch.Generator().manual_seed(seed)

        def start(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=draw) * 0.3)

        self.words = start(many, SLOTS * WAYS, WIDTH)
        self.traits = start(many, TRAITS, WIDTH)
        self.read = start(many, WIDTH)
        self.bias = nn.Parameter(torch.zeros(many))

    def forward(self, thing: Tensor, variant: Tensor) -> Tensor:
        """Scores of requests, (guard, request): each guard has its own."""
        x = torch.tanh(HOT[variant] @ self.words + thing @ self.traits)
        return torch.einsum("gbd,gd->gb", x, self.read) + self.bias[:, None]

    @torch.no_grad()
    def scores(self, things: Floats, of: Ints | None = None) -> Floats:
        """Every variant of the things (guard, n, trait) of some guards."""
        some = torch.arange(len(self.bias)) if of is None else torch.tensor(of)
        known = torch.tensor(things).float() @ self.traits[some]
        words = HOT @ self.words[some]
        found = [
            torch.stack([(one + w).tanh_() @ r for one in k]) + b
            for k, w, r, b in zip(
                known, words, self.read[some], self.bias[some]
            )
        ]
        return np.asarray(torch.stack(found).numpy())


def train(
    homes: Sequence[World],
    seed: int,
    n: int = 400,
    steps: int = 200,
    attacks: Attacks | None = None,
    hard: int = 0,
) -> Guards:
    """Guards, one a home, each taught on `n` ordinary requests of its home.

    attacks: mixed into every batch, a quarter of it. hard: that quarter is
    instead made of forbidden requests, each worded as the guard likes most
    at that moment among so many random variants.
    """
    rng = np.random.default_rng([seed, 7])
    drawn, many = [home.asked(n, rng) for home in homes], len(homes)
    things = torch.tensor(np.stack([d[0] for d in drawn])).float()
    variants = torch.tensor(np.stack([d[1] for d in drawn]))
    goals = torch.tensor(np.stack([d[2] for d in drawn])).float()
    guards = Guards(many, seed)
    learn = torch.optim.AdamW(guards.parameters(), lr=0.02, weight_decay=0.02)
    rows, batch = torch.arange(many)[:, None], 60
    for _ in range(steps):
        at = torch.tensor(rng.integers(0, n, (many, batch)))
        thing, variant = things[rows, at], variants[rows, at]
        goal = goals[rows, at]
        if attacks is not None:
            pick = rng.integers(0, attacks[1].shape[1], (many, batch // 3))
            more = torch.tensor(attacks[0][rows.numpy(), pick]).float()
            how = torch.tensor(attacks[1][rows.numpy(), pick])
        elif hard:
            bad = [rng.choice(np.flatnonzero(d[2]), batch // 3) for d in drawn]
            more = things[rows, torch.tensor(np.stack(bad))]
            how = _worst(guards, more, hard, rng)
        if attacks is not None or hard:
            thing = torch.cat([thing, more], 1)
            variant = torch.cat([variant, how], 1)
            goal = torch.cat([goal, torch.ones(how.shape)], 1)
        loss = nn.functional.binary_cross_entropy_with_logits(
            guards(thing, variant), goal, reduction="sum"
        )
        learn.zero_grad()
        (loss / batch).backward()
        learn.step()
    return guards


@torch.no_grad()
def _worst(
    guards: Guards, thing: Tensor, tries: int, rng: np.random.Generator
) -> Tensor:
    """Of so many random variants of each thing the one least objected to."""
    tried = torch.tensor(rng.integers(0, VARIANTS, (*thing.shape[:2], tries)))
    found = guards(thing.repeat_interleave(tries, 1), tried.flatten(1))
    best = found.reshape(tried.shape).argmin(2, keepdim=True)
    return tried.gather(2, best)[..., 0]


def limits(
    scores: Floats, homes: Sequence[World], errors: float = 0.05
) -> Floats:
    """Each guard's threshold: above it lie 5 % of the allowed requests.

    scores: (guard, allowed thing, variant), weighted as people ask.
    """
    found = []
    for home, one in zip(homes, scores.reshape(len(scores), -1)):
        weights = np.tile(home.chances(1), scores.shape[1]) / scores.shape[1]
        order = np.argsort(-one)
        above = np.cumsum(weights[order])
        found.append(one[order[np.searchsorted(above, errors)]])
    return np.array(found)


def margins(
    scores: Floats,
    homes: Sequence[World],
    things: int,
    vote: float = 0.0,
) -> Floats:
    """Scores of forbidden things less the threshold: below 0 passes.

    scores: (guard, thing, variant), first of so many forbidden things, then
    of allowed ones; the former's margins are returned. vote: every wording
    is exchanged with this probability for a random one, and the mean score
    over all copies counts (a vote over disturbed copies, exactly).
    """
    every = averaged(scores, vote) if vote else scores
    bounds = limits(every[:, things:], homes)
    return np.asarray(every[:, :things] - bounds[:, None, None])


def averaged(scores: Floats, share: float) -> Floats:
    """The mean over copies in which each wording may have been exchanged."""
    cube = scores.reshape(*scores.shape[:-1], *[WAYS] * SLOTS)
    for axis in range(-SLOTS, 0):
        mean = cube.mean(axis, keepdims=True)
        cube = (1 - share) * cube + share * mean
    return np.asarray(cube.reshape(scores.shape))


def hidden(margin: Floats) -> Floats:
    """The same decisions without a score: 1 or -1."""
    return np.where(margin < 0, -1.0, 1.0)


def filtered(
    margin: Floats, homes: Sequence[World], errors: float = 0.05
) -> Floats:
    """Turned away besides: what people with allowed requests rarely write."""
    found = margin.copy()
    for one, home in zip(found, homes):
        chance = home.chances(1)
        order = np.argsort(chance)
        rare = order[np.cumsum(chance[order]) < errors]
        one[:, rare] = np.maximum(one[:, rare], margin.max())
    return found

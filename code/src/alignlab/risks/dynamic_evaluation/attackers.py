"""Attackers with one budget of queries, from a fixed list to a search.

Serves survey section 9.6. Each returns which variants it tries on every
guard and request, in order, so that success within any smaller budget can be
read off. What makes an attacker adaptive is not the search but whose guard it
knows (Tramer et al. 2020, "On Adaptive Attacks to Adversarial Example
Defenses").
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from alignlab.risks.dynamic_evaluation.wordings import (
    SLOTS,
    VARIANTS,
    WAYS,
    Floats,
    Ints,
)

# what a step in a slot is worth
PLACE: NDArray[Any] = WAYS ** np.arange(SLOTS)[::-1]


def within(margin: Floats, tried: Ints) -> Floats:
    """Share of requests broken within each number of tries, (guard, try)."""
    passed = np.take_along_axis(margin, tried, 2) < 0
    return np.asarray(np.logical_or.accumulate(passed, 2).mean(1))


def truth(margin: Floats) -> Floats:
    """Share of requests that any variant at all breaks, (guard,)."""
    return np.asarray((margin < 0).any(2).mean(1))


def published(reference: Floats, budget: int) -> Ints:
    """The variants that other guards trust most, best first.

    reference: (guard, thing, variant), scores of others in a guard's place.
    """
    some = np.argpartition(reference, budget, -1)[..., :budget]
    order = np.take_along_axis(reference, some, -1).argsort(-1)
    return np.asarray(np.take_along_axis(some, order, -1))


def blind(like: Floats, budget: int, seed: int) -> Ints:
    """Random variants without repetition, others for each request."""
    rng = np.random.default_rng([seed, 11])
    many, things, _ = like.shape
    drawn = np.stack([
        rng.choice(VARIANTS, budget, replace=False) for _ in range(things)
    ])  # fmt: skip
    return np.broadcast_to(drawn, (many, things, budget)).copy()


def climb(margin: Floats, budget: int, seed: int) -> Ints:
    """Change one wording at a time and keep what the guard objects to less.

    A fresh start after as many failures as there are single changes.
    """
    rng = np.random.default_rng([seed, 13])
    rows = np.ogrid[: margin.shape[0], : margin.shape[1]]
    at = rng.integers(0, VARIANTS, margin.shape[:2])
    best, fails = margin[rows[0], rows[1], at], np.zeros(at.shape, int)
    tried = [at]
    for _ in range(budget - 1):
        slot = rng.integers(0, SLOTS, at.shape)
        old = at // PLACE[slot] % WAYS
        new = (old + rng.integers(1, WAYS, at.shape)) % WAYS
        other = at + (new - old) * PLACE[slot]
        again = fails >= SLOTS * (WAYS - 1)
        fresh = rng.integers(0, VARIANTS, at.shape)
        other = np.where(again, fresh, other).astype(np.int64)
        score = margin[rows[0], rows[1], other]
        take = (score <= best) | again
        fails = np.where(again | (score < best), 0, fails + 1)
        at, best = np.where(take, other, at), np.where(take, score, best)
        tried.append(other)
    return np.stack(tried, 2)


def wrongly(true: Floats, found: Floats) -> float:
    """Share of pairs of guards that a test orders wrongly, ties by half.

    Of the pairs that differ in truth.
    """
    return float(1 - stats.somersd(true, found).statistic) / 2

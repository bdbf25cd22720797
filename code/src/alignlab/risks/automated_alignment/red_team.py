"""An automated red team: searches over rewordings that ask a guard, and how many of its holes they find.

Serves section 9.4 of the survey. Perez et al. (2022, "Red Teaming Language
Models with Language Models") let a model write test cases, and train it on the
success of what it wrote; Hong et al. (2024, "Curiosity-driven Red-teaming for
Large Language Models") add a reward for what is unlike the tests before. Here
a writer is trained in both ways, or begins anew once it succeeds, beside a
climber that changes one option at a time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alignlab.risks.automated_alignment.guards import (
    OPTIONS,
    PAIRS,
    SLOTS,
    WORDS,
    Floats,
    Guard,
    Hole,
    Ints,
)

QUERIES, BATCH = 1800, 12
FIRST, SECOND = np.array(PAIRS).T


class Found(NamedTuple):
    """What passed: words (n, word), rewording (n, slot), and after how many
    queries each, query (n,).
    """

    words: Ints
    rewording: Ints
    query: Ints


class Archive:
    """Finds, and how familiar a rewording is from them."""

    def __init__(self) -> None:
        """No find yet."""
        self.words: list[Ints] = []
        self.rewording: list[Ints] = []
        self.query: list[int] = []
        self._seen = np.zeros((len(PAIRS), OPTIONS, OPTIONS))

    def add(self, words: Ints, rewording: Ints, query: int) -> None:
        """One more find."""
        self.words.append(words)
        self.rewording.append(rewording)
        self.query.append(query)
        self._seen[
            np.arange(len(PAIRS)), rewording[FIRST], rewording[SECOND]
        ] += 1

    def familiar(self, rewording: Ints) -> Floats:
        """How many finds share the same two options with each rewording,
        for the two options that most finds share; shape (n,).
        """
        pairs = np.arange(len(PAIRS))
        seen = self._seen[pairs, rewording[:, FIRST], rewording[:, SECOND]]
        return np.asarray(seen.max(1))

    def found(self) -> Found:
        """All of them."""
        return Found(
            np.array(self.words, int).reshape(-1, WORDS),
            np.array(self.rewording, int).reshape(-1, SLOTS),
            np.array(self.query, int),
        )


def neighbors(rewording: Ints, n: int, rng: np.random.Generator) -> Ints:
    """Rewordings (n, slot) that differ from one in a single option."""
    near = np.tile(rewording, (n, 1))
    slot = rng.integers(0, SLOTS, n)
    step = rng.integers(1, OPTIONS, n)
    near[np.arange(n), slot] = (near[np.arange(n), slot] + step) % OPTIONS
    return near


def climbing(
    guard: Guard,
    harmful: Ints,
    rng: np.random.Generator,
    novelty: float = 0.0,
    stay: bool = False,
    queries: int = QUERIES,
) -> Found:
    """Change one option at a time, toward lower log-odds of harm; begin anew
    from a rewording drawn by lot after a find or where no change helps.

    novelty: weight of log(1 + familiar), which the climber also lowers.
    stay: go on from a find instead of beginning anew.
    harmful: (n, word), the requests to be reworded.
    """
    archive = Archive()
    here, value = None, np.inf
    for asked in range(BATCH, queries + 1, BATCH):
        if here is None:
            word = harmful[rng.integers(len(harmful))]
            near = rng.integers(0, OPTIONS, (BATCH, SLOTS))
        else:
            near = neighbors(here, BATCH, rng)
        odds = guard.log_odds(np.tile(word, (BATCH, 1)), near)
        cost = odds + novelty * np.log1p(archive.familiar(near))
        passed = odds <= 0
        for one in np.flatnonzero(passed):
            archive.add(word, near[one], asked)
        best = int(cost.argmin())
        if passed.any() and stay:
            here, value = near[best], np.inf
        elif cost[best] < value and not passed.any():
            here, value = near[best], cost[best]
        else:
            here, value = None, np.inf
    return archive.found()


def training(
    guard: Guard,
    harmful: Ints,
    rng: np.random.Generator,
    novelty: float = 0.0,
    by_lot: float = 0.0,
    anew: bool = False,
    queries: int = QUERIES,
    rate: float = 1.0,
) -> Found:
    """A writer with a chance for each option of each slot, moved toward what
    was rewarded (REINFORCE, Williams 1992).

    The reward is the negative of the climber's cost. by_lot: share of options
    that are drawn by lot whatever was learned. anew: forget what was learned
    as soon as half of a batch passes.
    """
    archive = Archive()
    logits = np.zeros((SLOTS, OPTIONS))
    rows = np.arange(BATCH)[:, None]
    for asked in range(BATCH, queries + 1, BATCH):
        chance = np.exp(logits - logits.max(1, keepdims=True))
        chance = chance / chance.sum(1, keepdims=True)
        mixed = (1 - by_lot) * chance + by_lot / OPTIONS
        dice = rng.random((BATCH, SLOTS, 1))
        some = (dice > mixed.cumsum(1)[:, :-1]).sum(2)
        word = harmful[rng.integers(0, len(harmful), BATCH)]
        odds = guard.log_odds(word, some)
        reward = -odds - novelty * np.log1p(archive.familiar(some))
        for one in np.flatnonzero(odds <= 0):
            archive.add(word[one], some[one], asked)
        if anew and (odds <= 0).mean() >= 0.5:
            logits[:] = 0
            continue
        better = (reward - reward.mean()) / (reward.std() + 1e-9)
        taken = np.zeros((BATCH, SLOTS, OPTIONS))
        taken[rows, np.arange(SLOTS), some] = 1
        step = better[:, None, None] * (taken - chance)
        logits += rate * step.mean(0)
    return archive.found()


def drawing(
    guard: Guard,
    harmful: Ints,
    rng: np.random.Generator,
    queries: int = QUERIES,
) -> Found:
    """The same number of queries, each a rewording drawn by lot."""
    word = harmful[rng.integers(0, len(harmful), queries)]
    some = rng.integers(0, OPTIONS, (queries, SLOTS))
    hit = guard.log_odds(word, some) <= 0
    return Found(word[hit], some[hit], np.flatnonzero(hit) + 1)


def holding(found: Found, holes: list[Hole]) -> list[bool]:
    """For each hole, whether something was found in it."""
    return [bool(hole.holds(found.rewording).any()) for hole in holes]

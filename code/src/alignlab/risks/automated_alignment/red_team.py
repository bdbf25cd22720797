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
    both,
)

QUERIES, BATCH = 1800, 12
ONE_HOT = np.eye(OPTIONS)


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
        self.words = [np.empty((0, WORDS), int)]
        self.rewording = [np.empty((0, SLOTS), int)]
        self.query = [np.empty(0, int)]
        self._seen = np.zeros(len(PAIRS) * OPTIONS**2)
        self._counted = 1  # how many entries of the lists are in `_seen`

    def add(self, words: Ints, rewording: Ints, query: int) -> None:
        """Some more finds, (n, word) and (n, slot), n of 0 or more."""
        if len(words):
            self.words.append(words)
            self.rewording.append(rewording)
            self.query.append(np.full(len(words), query))

    def familiar(self, rewording: Ints) -> Floats:
        """How many finds share the same two options with each rewording,
        for the two options that most finds share; shape (n,).
        """
        for one in self.rewording[self._counted :]:
            np.add.at(self._seen, both(one).ravel(), 1)
        self._counted = len(self.rewording)
        return np.asarray(self._seen.take(both(rewording)).max(1))

    def dull(self, rewording: Ints, weight: float) -> Floats:
        """weight * log(1 + familiar), (n,): what a reward for novelty takes."""
        if not weight:
            return np.zeros(len(rewording))
        return np.asarray(weight * np.log1p(self.familiar(rewording)))

    def found(self) -> Found:
        """All of them."""
        return Found(
            np.concatenate(self.words),
            np.concatenate(self.rewording),
            np.concatenate(self.query),
        )


def neighbors(rewording: Ints, n: int, rng: np.random.Generator) -> Ints:
    """Rewordings (n, slot) that differ from one in a single option."""
    near, rows = rewording[None].repeat(n, 0), np.arange(n)
    slot = rng.integers(0, SLOTS, n)
    step = rng.integers(1, OPTIONS, n)
    near[rows, slot] = (rewording[slot] + step) % OPTIONS
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
        words = word[None].repeat(BATCH, 0)
        odds = guard.log_odds(words, near)
        cost = odds + archive.dull(near, novelty)
        passed = odds <= 0
        archive.add(words[passed], near[passed], asked)
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
    for asked in range(BATCH, queries + 1, BATCH):
        chance = np.exp(logits - logits.max(1, keepdims=True))
        chance = chance / chance.sum(1, keepdims=True)
        mixed = (1 - by_lot) * chance + by_lot / OPTIONS
        dice = rng.random((BATCH, SLOTS, 1))
        some = (dice > mixed.cumsum(1)[:, :-1]).sum(2)
        word = harmful[rng.integers(0, len(harmful), BATCH)]
        odds = guard.log_odds(word, some)
        reward = -odds - archive.dull(some, novelty)
        passed = odds <= 0
        archive.add(word[passed], some[passed], asked)
        if anew and 2 * passed.sum() >= BATCH:
            logits[:] = 0
            continue
        better = (reward - reward.mean()) / (reward.std() + 1e-9)
        taken = ONE_HOT[some]  # (test, slot, option)
        logits += rate * np.tensordot(better, taken - chance, 1) / BATCH
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

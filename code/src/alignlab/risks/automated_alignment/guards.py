"""A toy guard with blind spots that are known: requests, rewordings, and labels that miss some of them.

Serves section 9.4 of the survey. A request is a set of words, some of which
tell of danger; it comes in a rewording, one option in each of eight slots (its
form, tone, language and so on). Whoever labeled the guard's training data took
harmful requests for harmless under a few combinations of options. The guard is
logistic regression on the words, the options and pairs of options, and learns
these *holes*.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SLOTS, OPTIONS, WORDS = 8, 6, 24
PAIRS = tuple(combinations(range(SLOTS), 2))
FIRST, SECOND = np.array(PAIRS).T
OPTION_AT = OPTIONS * np.arange(SLOTS)  # where a slot's options begin in a list
PAIR_AT = OPTIONS**2 * np.arange(len(PAIRS))  # and a pair's pairs of options
WIDE, NARROW = 3, 4  # how many options a hole demands
HOLES = (WIDE,) * 2 + (NARROW,) * 6


class Hole(NamedTuple):
    """A combination of options: `slots` and the option demanded in each."""

    slots: Ints
    options: Ints

    def holds(self, rewording: Ints) -> Bools:
        """Which rewordings (n, slot) have all that the hole demands."""
        return np.asarray((rewording[:, self.slots] == self.options).all(1))

    def into(self, rewording: Ints) -> Ints:
        """The same rewordings with the demanded options."""
        moved = rewording.copy()
        moved[:, self.slots] = self.options
        return moved


class Requests(NamedTuple):
    """words (n, word) of 0 and 1, rewording (n, slot), harmful (n,)."""

    words: Ints
    rewording: Ints
    harmful: Ints


class Guard(NamedTuple):
    """A fitted guard, its weights laid out so that scoring is a look-up."""

    words: Floats  # (word,)
    single: Floats  # (slot, option)
    pair: Floats  # (pair, option, option)
    bias: float

    def log_odds(self, words: Ints, rewording: Ints) -> Floats:
        """Log-odds of harm, shape (n,); above 0 a request is blocked."""
        told = words @ self.words + self.bias
        told = told + self.single.take(rewording + OPTION_AT).sum(1)
        return np.asarray(told + self.pair.take(both(rewording)).sum(1))


def both(rewording: Ints) -> Ints:
    """Which two options each pair of slots has: (n, pair), places in a table
    (pair, option, option) laid out in one row.
    """
    first, second = rewording.take(FIRST, 1), rewording.take(SECOND, 1)
    return np.asarray(OPTIONS * first + second + PAIR_AT)


def draw_holes(
    rng: np.random.Generator, sizes: tuple[int, ...] = HOLES
) -> list[Hole]:
    """Holes that demand as many options as told, in slots drawn by lot."""
    return [
        Hole(
            rng.choice(SLOTS, size, replace=False),
            rng.integers(0, OPTIONS, size),
        )
        for size in sizes
    ]


def draw(n: int, rng: np.random.Generator, harmful: float = 0.5) -> Requests:
    """Requests in rewordings drawn by lot; a share is harmful.

    A danger word stands in 45 % of harmful and 10 % of harmless requests.
    """
    label = (rng.random(n) < harmful).astype(int)
    chance = np.where(label == 1, 0.45, 0.1)[:, None]
    words = (rng.random((n, WORDS)) < chance).astype(int)
    return Requests(words, rng.integers(0, OPTIONS, (n, SLOTS)), label)


def in_hole(
    hole: Hole, n: int, rng: np.random.Generator, harmful: float = 1.0
) -> Requests:
    """Requests in rewordings of one hole, all else drawn by lot."""
    some = draw(n, rng, harmful)
    return some._replace(rewording=hole.into(some.rewording))


def together(*parts: Requests) -> Requests:
    """Several sets as one."""
    return Requests(*(np.concatenate(each) for each in zip(*parts)))


def overlooked(some: Requests, holes: list[Hole]) -> Ints:
    """The labels of somebody who takes all in the holes for harmless."""
    label = some.harmful.copy()
    for hole in holes:
        label[hole.holds(some.rewording)] = 0
    return label


def training_data(
    holes: list[Hole], rng: np.random.Generator, n: int = 4000, each: int = 80
) -> Requests:
    """Labeled requests; of each hole `each` harmful ones, labeled harmless."""
    some = together(draw(n, rng), *(in_hole(hole, each, rng) for hole in holes))
    return some._replace(harmful=overlooked(some, holes))


def features(words: Ints, rewording: Ints) -> sparse.csr_matrix:
    """Words, options and pairs of options as columns of 0 and 1."""
    n = len(words)
    single, pair = rewording + OPTION_AT, both(rewording) + OPTIONS * SLOTS
    columns = np.concatenate([single, pair], 1)
    width = OPTIONS * SLOTS + OPTIONS**2 * len(PAIRS)
    ends = columns.shape[1] * np.arange(n + 1)  # as many ones in each row
    options = sparse.csr_matrix(
        (np.ones(columns.size), columns.ravel(), ends), (n, width)
    )
    return sparse.csr_matrix(sparse.hstack([sparse.csr_matrix(words), options]))


def fit(data: Requests, weight: Floats | None = None) -> Guard:
    """The guard that labeled requests teach, each with its weight, (n,)."""
    model = LogisticRegression(C=0.1, max_iter=300, tol=1e-3)
    known = features(data.words, data.rewording)
    model.fit(known, data.harmful, sample_weight=weight)
    words, single, pair = np.split(
        model.coef_[0], [WORDS, WORDS + OPTIONS * SLOTS]
    )
    return Guard(
        words,
        single.reshape(SLOTS, OPTIONS),
        pair.reshape(len(PAIRS), OPTIONS, OPTIONS),
        float(model.intercept_[0]),
    )


def plainly_harmful(guard: Guard, rng: np.random.Generator) -> Ints:
    """Harmful requests (n, word) that a guard surely blocks in most
    rewordings: their mean log-odds over 50 drawn by lot exceed 4.
    """
    words = draw(400, rng, 1.0).words
    some = rng.integers(0, OPTIONS, (50, SLOTS))
    base = guard.log_odds(np.zeros((50, WORDS), int), some).mean()
    return words[words @ guard.words + base > 4]


def passes(guard: Guard, some: Requests) -> float:
    """Share of requests that the guard lets pass."""
    return float((guard.log_odds(some.words, some.rewording) <= 0).mean())


class World(NamedTuple):
    """Holes, the labeled data that have them, and the guard that learned it."""

    holes: list[Hole]
    data: Requests
    guard: Guard


def world(seed: int, number: int) -> World:
    """One of the worlds of a seed."""
    rng = np.random.default_rng([seed, number, 9, 4])
    holes = draw_holes(rng)
    data = training_data(holes, rng)
    return World(holes, data, fit(data))

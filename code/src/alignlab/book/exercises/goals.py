"""Exercises of 04-outer/goals."""

from typing import Any

import numpy as np

from alignlab.book.checks import Exercise, Wrong
from alignlab.outer.goals import pareto
from alignlab.outer.pluralism import borda


def _values(rng: np.random.Generator) -> tuple[Any, ...]:
    values = rng.integers(0, 6, (int(rng.integers(6, 12)), int(rng.integers(2, 4)))).astype(float)
    return (np.vstack([values, values[:1]]),)  # one answer stands there twice


def _picks(rng: np.random.Generator) -> tuple[Any, ...]:
    n = int(rng.integers(3, 7))
    upper = np.triu(rng.random((n, n)), 1)
    return (upper + np.tril(1 - upper.T, -1) + 0.5 * np.eye(n),)


EXERCISES = [
    Exercise(
        name="on_front",
        reference=pareto,
        inputs=_values,
        stub="def on_front(values):\n    ...",
        solution=(
            "def on_front(values):\n"
            "    as_good = (values[:, None] >= values[None]).all(-1)  # i is at least as good as j in everything\n"
            "    better = as_good & (values[:, None] > values[None]).any(-1)\n"
            "    return ~better.any(0)"
        ),
        wrong=[
            Wrong(
                lambda v: ~((v[:, None] >= v[None]).all(-1)).any(0),
                "every answer is at least as good as itself, so this leaves nothing; one goal must be strictly better.",
            ),
            Wrong(
                lambda v: ~(v[:, None] > v[None]).all(-1).any(0),
                "an answer that is equal for one goal and better for another dominates, too.",
            ),
            Wrong(
                lambda v: v.sum(1) == v.sum(1).max(),
                "this is the best sum with equal weights; the front holds all answers that nothing dominates.",
            ),
            Wrong(
                lambda v: (v == v.max(0)).any(1),
                "an answer needs not be best for a single goal to be on the front: compromises belong to it.",
            ),
        ],
    ),
    Exercise(
        name="borda_count",
        reference=borda,
        inputs=_picks,
        stub="def borda_count(picks):\n    ...",
        solution="def borda_count(picks):\n    n = len(picks)\n    return (picks.sum(1) - np.diag(picks)) / (n - 1)",
        wrong=[
            Wrong(lambda p: p.mean(1), "an answer does not meet itself: leave the diagonal out and divide by n - 1."),
            Wrong(
                lambda p: (p.sum(0) - np.diag(p)) / (len(p) - 1),
                "this is how often each answer loses; picks[i, j] is the probability that i is picked over j.",
            ),
            Wrong(
                lambda p: ((p > 0.5).sum(1)) / (len(p) - 1),
                "this counts opponents that most people like less (Copeland's rule); Borda adds up the probabilities.",
            ),
        ],
    ),
]

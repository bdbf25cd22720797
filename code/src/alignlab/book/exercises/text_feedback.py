"""Exercises of 04-outer/text-feedback."""

from typing import Any

import numpy as np

from alignlab.book.checks import Exercise, Wrong


def _distributions(rng: np.random.Generator) -> tuple[Any, ...]:
    n = int(rng.integers(4, 9))
    return rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(n)), float(rng.uniform(3, 20))


def _words(rng: np.random.Generator) -> tuple[Any, ...]:
    words = ["mia", "finds", "cake", "and", "sings", "."]
    return tuple([str(w) for w in rng.choice(words, int(rng.integers(2, 7)))] for _ in range(2))


def _debiased(plain: np.ndarray, described: np.ndarray, decay: float) -> np.ndarray:
    scaled = plain * np.exp(decay * np.minimum(plain - described, 0))
    return np.asarray(scaled / scaled.sum())


def _unclipped(plain: np.ndarray, described: np.ndarray, decay: float) -> np.ndarray:
    scaled = plain * np.exp(decay * (plain - described))
    return np.asarray(scaled / scaled.sum())


def _reversed(plain: np.ndarray, described: np.ndarray, decay: float) -> np.ndarray:
    return _debiased(plain, 2 * plain - described, decay)


def _distance(source: list[str], target: list[str], replacing: int = 1) -> int:
    row = list(range(len(target) + 1))
    for i, a in enumerate(source, 1):
        previous, row = row, [i]
        for j, b in enumerate(target, 1):
            row.append(min(previous[j - 1] + replacing * (a != b), previous[j] + 1, row[-1] + 1))
    return row[-1]


EXERCISES = [
    Exercise(
        name="scaled_down",
        reference=_debiased,
        inputs=_distributions,
        stub="def scaled_down(plain, described, decay):\n    ...",
        solution=(
            "def scaled_down(plain, described, decay):\n"
            "    scaled = plain * np.exp(decay * np.minimum(plain - described, 0))\n"
            "    return scaled / scaled.sum()"
        ),
        wrong=[
            Wrong(
                lambda p, d, k: p * np.exp(k * np.minimum(p - d, 0)),
                "probabilities must sum to 1: divide by the sum.",
            ),
            Wrong(
                _unclipped,
                "tokens that the description made less likely must keep their weight: the factor is at most 1.",
            ),
            Wrong(_reversed, "this scales down what the description made less likely; take plain minus described."),
        ],
    ),
    Exercise(
        name="edit_distance",
        reference=_distance,
        inputs=_words,
        stub="def edit_distance(source, target):\n    ...",
        solution=(
            "def edit_distance(source, target):\n"
            "    row = list(range(len(target) + 1))\n"
            "    for i, a in enumerate(source, 1):\n"
            "        previous, row = row, [i]\n"
            "        for j, b in enumerate(target, 1):\n"
            "            row.append(min(previous[j - 1] + (a != b), previous[j] + 1, row[-1] + 1))\n"
            "    return row[-1]"
        ),
        wrong=[
            Wrong(
                lambda s, t: _distance(s, t, replacing=2),
                "a replacement is one edit, not a deletion and an insertion.",
            ),
            Wrong(
                lambda s, t: sum(a != b for a, b in zip(s, t)) + abs(len(s) - len(t)),
                "comparing place by place misses that one insertion can shift all that follows.",
            ),
            Wrong(
                lambda s, t: len(set(s) ^ set(t)),
                "order and repetition count; a set forgets both.",
            ),
        ],
    ),
]

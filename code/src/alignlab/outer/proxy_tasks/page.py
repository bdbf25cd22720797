"""Exercises of the page `04-outer/proxy-tasks`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong
from alignlab.outer.proxy_tasks.asking import least_flips
from alignlab.outer.proxy_tasks.weak_to_strong import digits


def _said(rng: np.random.Generator) -> tuple[Any, ...]:
    """Verdicts on twelve positions: some unanimous, some split in two or three."""
    rows = rng.integers(-1, 2, size=(12, 8))
    rows[:2] = rng.integers(-1, 2, size=(2, 1))  # unanimous
    rows[2] = [0, 0, 0, 0, 0, 0, 0, 1]
    rows[3] = [1, 1, 1, 1, -1, -1, -1, -1]
    rows[4] = [0, -1, -1, -1, -1, -1, 1, 1]  # the first is in the minority
    rows[5:7] = rows[2]
    return (rng.permutation(rows),)


def _most(said: np.ndarray) -> np.ndarray:
    return np.max([(said == v).sum(1) for v in (-1, 0, 1)], axis=0)


def _proven(said: np.ndarray) -> float:
    return float((said.shape[1] - _most(said)).mean() / said.shape[1])


def _ladders(rng: np.random.Generator) -> tuple[Any, ...]:
    """Rows that violate nothing, one that is turned round, and random ones."""
    rows = rng.random((12, 6)) < 0.5
    rows[0] = True
    rows[1] = False
    rows[2] = [True, True, True, False, False, False]
    rows[3] = [False, False, True, True, True, True]
    rows[4] = [True, False, False, False, True, True]
    rows[5] = [True, True, False, True, True, False]
    return (rng.permutation(rows),)


def _rising(yes: np.ndarray) -> np.ndarray:
    return (~yes[:, :-1] & yes[:, 1:]).sum(1)


def _halves(yes: np.ndarray) -> np.ndarray:
    return np.asarray((yes != (np.arange(yes.shape[1]) < 3)).sum(1))


def _pairs(yes: np.ndarray) -> np.ndarray:
    count = np.zeros(len(yes), dtype=int)
    for low in range(yes.shape[1]):
        for high in range(low + 1, yes.shape[1]):
            count += ~yes[:, low] & yes[:, high]
    return count


EXERCISES = [
    Exercise(
        name="proxy_tasks_proven",
        reference=_proven,
        inputs=_said,
        wrong=[
            Wrong(
                lambda s: float((_most(s) < s.shape[1]).mean()),
                "this is the share of positions with a contradiction; count "
                "the verdicts that can't all be right.",
            ),
            Wrong(
                lambda s: float((s != s[:, :1]).mean()),
                "the first image need not be right: the largest group may be "
                "another one, and then fewer verdicts are proven wrong.",
            ),
            Wrong(
                lambda s: float(_most(s).mean() / s.shape[1]),
                "this is the share that may be right; the others are wrong.",
            ),
            Wrong(
                lambda s: float((s.shape[1] - _most(s)).mean()),
                "this is a number of images; divide by how many there are.",
            ),
            Wrong(
                lambda s: float((s != np.sign(s.sum(1, keepdims=True))).mean()),
                "the mean verdict is not the most frequent one: wins and "
                "losses would make a draw that nobody said.",
            ),
        ],
    ),
    Exercise(
        name="proxy_tasks_ladder",
        reference=least_flips,
        inputs=_ladders,
        wrong=[
            Wrong(
                _rising,
                "this counts the places where the answer turns from no to "
                "yes; several answers around one place may be wrong.",
            ),
            Wrong(
                lambda y: least_flips(~y),
                "the other way round: what exceeds a bound exceeds all lower "
                "bounds, so yes comes first.",
            ),
            Wrong(
                lambda y: np.minimum(least_flips(y), least_flips(~y)),
                "a row that goes from no to yes is no true row: the direction "
                "is known.",
            ),
            Wrong(
                _halves,
                "this takes the quantity to lie in the middle of the ladder; "
                "take the cut that fits best.",
            ),
            Wrong(
                _pairs,
                "these are contradictory pairs; one wrong answer may be in "
                "several of them.",
            ),
        ],
    ),
]


def _nothing(answers: Any) -> Any:
    """No violation anywhere."""
    return np.zeros(len(answers))


def _echo(where: Any, labels: Any, *rest: Any, **how: Any) -> Any:
    """Students who are exactly as good as whoever labeled: teacher or truth."""
    truth = digits()[1]
    true = np.array_equal(labels, truth[where.taught])
    said = truth[where.tested] if true else where.told
    return np.repeat(said[None], 11, axis=0)


def _by_length(lm: Any, texts: Any) -> Any:
    """Odds that follow from the number of letters alone, up and down."""
    return np.array([float((7 * len(text)) % 5) for text in texts])


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.outer.proxy_tasks.checks.violation": _nothing,
    "alignlab.outer.proxy_tasks.weak_to_strong.train_students": _echo,
    "alignlab.outer.proxy_tasks.asking.log_odds": _by_length,
}

"""Exercises of the page `08-evaluation/bias`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.evals.bias import bbq, unqover
from alignlab.exercises import Exercise, Wrong


def _odds(rng: np.random.Generator) -> tuple[Any, ...]:
    """Log-odds of 3 pairs and 8 jobs, by order and negation."""
    odds = rng.normal(0, 1, (3, 8, 2, 2))
    odds[:, :, 1] += 4.0
    odds[..., 1] -= 1.0
    return (odds,)


def _corrected(odds: np.ndarray) -> np.ndarray:
    return unqover.corrected(odds).mean(0)


def _plain(odds: np.ndarray) -> np.ndarray:
    return odds[..., 0].mean(-1).mean(0)


def _one_order(odds: np.ndarray) -> np.ndarray:
    return 0.5 * (odds[:, :, 0, 0] - odds[:, :, 0, 1]).mean(0)


def _added(odds: np.ndarray) -> np.ndarray:
    return odds.mean((-1, -2)).mean(0)


def _whole(odds: np.ndarray) -> np.ndarray:
    return 2 * _corrected(odds)


def _axes(odds: np.ndarray) -> np.ndarray:
    return 0.5 * (odds[:, :, 0].mean(-1) - odds[:, :, 1].mean(-1)).mean(0)


def _answers(rng: np.random.Generator) -> tuple[Any, ...]:
    """20 told and 20 untold answers, of each kind at least one."""
    kinds = np.array([0, 1, 2])
    answers = np.concatenate(
        [
            kinds,
            rng.choice(3, 17, p=(0.3, 0.5, 0.2)),
            kinds,
            rng.choice(3, 17, p=(0.6, 0.15, 0.25)),
        ]
    )
    told = np.repeat([True, False], 20)
    order = rng.permutation(40)
    return answers[order], told[order]


def _untold(answers: np.ndarray, told: np.ndarray) -> float:
    return bbq.score_untold(answers[~told])


def _unscaled(answers: np.ndarray, told: np.ndarray) -> float:
    return bbq.score_told(answers[~told])


def _everything(answers: np.ndarray, told: np.ndarray) -> float:
    return bbq.score_untold(answers)


def _wrong_half(answers: np.ndarray, told: np.ndarray) -> float:
    return bbq.score_untold(answers[told])


def _accuracy(answers: np.ndarray, told: np.ndarray) -> float:
    """Scaled by the accuracy instead of its complement."""
    untold = answers[~told]
    return bbq.score_told(untold) * float(np.mean(untold == bbq.UNKNOWN))


def _not_centered(answers: np.ndarray, told: np.ndarray) -> float:
    untold = answers[~told]
    named = untold[untold != bbq.UNKNOWN]
    fits = float(np.mean(named == bbq.FITS))
    return fits * float(np.mean(untold != bbq.UNKNOWN))


EXERCISES = [
    Exercise(
        name="bias_unqover",
        reference=_corrected,
        inputs=_odds,
        wrong=[
            Wrong(
                _plain,
                "this averages both orders of the plain question and leaves "
                "the negated one out.",
            ),
            Wrong(
                _one_order,
                "this uses one order only: average over both, or the first "
                "place decides.",
            ),
            Wrong(
                _added,
                "this adds the negated question: a model that reads it "
                "answers the other way round, so subtract it.",
            ),
            Wrong(
                _whole,
                "this is twice the corrected value: take half of the "
                "difference.",
            ),
            Wrong(
                _axes,
                "this subtracts the two orders and averages the questions: "
                "the order is the last axis but one, negation the last.",
            ),
        ],
    ),
    Exercise(
        name="bias_bbq",
        reference=_untold,
        inputs=_answers,
        wrong=[
            Wrong(
                _unscaled,
                "this is the score before it is multiplied by 1 minus the "
                "accuracy.",
            ),
            Wrong(
                _accuracy,
                "this multiplies by the accuracy: multiply by 1 minus it, the "
                "share of answers that name a person.",
            ),
            Wrong(
                _everything,
                "this counts the passages that tell as well: leave them out.",
            ),
            Wrong(
                _wrong_half,
                "this uses the passages that tell, not the others.",
            ),
            Wrong(
                _not_centered,
                "this takes the share that fits the stereotype: double it and "
                "subtract 1, so that even answers give 0.",
            ),
        ],
    ),
]


def _one_row(table: Any) -> Any:
    """A single cell's value, compared with nothing."""
    return np.asarray(table)[..., 0, 0]


def _never(near: Any, n: int, seed: int, draws: int = 999) -> Any:
    """A test that never rejects."""
    return np.ones(np.asarray(near).shape[:-1])


def _noise(lm: Any, pairs: Any, jobs: Any, scene: str = "") -> Any:
    """Answers that depend on nothing that was asked."""
    drawn = np.random.default_rng(len(scene))
    return drawn.normal(size=(len(pairs), len(jobs), 2, 2))


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.evals.bias.measures.crossed": _one_row,
    "alignlab.evals.bias.weat.permutation_p": _never,
    "alignlab.evals.bias.unqover.ask": _noise,
}

"""Exercises of the page `09-future/transparency`, and inert methods."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong


def _answers(rng: np.random.Generator) -> tuple[Any, ...]:
    """Of 60 questions 10 begin with the hint; 20 switch to it, 6 by chance."""
    hint = rng.integers(5, size=60)
    other = (hint + rng.integers(1, 5, size=60)) % 5
    kind = np.arange(60)
    first = np.where(kind < 10, hint, other)
    hinted = np.where((kind >= 10) & (kind < 30), hint, first)
    hinted = np.where((kind >= 30) & (kind < 34), (hint + 1) % 5, hinted)
    again = np.where((kind >= 26) & (kind < 32), hint, first)
    moves = (kind < 4) | (kind >= 50)  # to an option that is not the hint's
    again = np.where(moves, (hint + 2) % 5, again)
    order = rng.permutation(60)
    return first[order], again[order], hinted[order], hint[order]


def _due(
    first: np.ndarray, again: np.ndarray, hinted: np.ndarray, hint: np.ndarray
) -> float:
    other = first != hint
    m = other.mean()
    p = (other & (hinted == hint)).mean()
    chance = (other & (again == hint)).mean()
    return float(m * (p - chance) / (p * (m - chance)))


def _excess(
    first: np.ndarray, again: np.ndarray, hinted: np.ndarray, hint: np.ndarray
) -> float:
    other = first != hint
    p = (other & (hinted == hint)).mean()
    return float(1 - (other & (again == hint)).mean() / p)


def _all(
    first: np.ndarray, again: np.ndarray, hinted: np.ndarray, hint: np.ndarray
) -> float:
    p, chance = (hinted == hint).mean(), (again == hint).mean()
    return float((p - chance) / (p * (1 - chance)))


def _options(
    first: np.ndarray, again: np.ndarray, hinted: np.ndarray, hint: np.ndarray
) -> float:
    moved = (first != hint) & (hinted != first)
    to_hint = (moved & (hinted == hint)).sum()
    return float(1 - (moved & (hinted != hint)).sum() / (3 * to_hint))


def _chance(
    first: np.ndarray, again: np.ndarray, hinted: np.ndarray, hint: np.ndarray
) -> float:
    return 1 - _due(first, again, hinted, hint)


def _moved(
    first: np.ndarray, again: np.ndarray, hinted: np.ndarray, hint: np.ndarray
) -> float:
    from_other = first != hint
    p = (from_other & (hinted == hint)).mean()
    m, moved = from_other.mean(), (from_other & (again != first)).mean()
    return float(m * (p - moved) / (p * (m - moved)))


def _grid(rng: np.random.Generator) -> tuple[Any, ...]:
    """Answers after 0 to 4 of five steps, and the final ones."""
    final = rng.integers(5, size=30)
    settled = rng.integers(6, size=30)
    early = (final[:, None] + rng.integers(1, 5, size=(30, 5))) % 5
    steps = np.arange(5)
    return np.where(steps >= settled[:, None], final[:, None], early), final


def _area(early: np.ndarray, final: np.ndarray) -> float:
    return float((early != final[:, None]).mean())


EXERCISES = [
    Exercise(
        name="transparency_due",
        reference=_due,
        inputs=_answers,
        wrong=[
            Wrong(
                _all,
                "only questions whose first answer is not the hint's can "
                "switch to it: leave the others out, in both counts.",
            ),
            Wrong(
                _excess,
                "this leaves out that the hint also decides where chance "
                "would have landed on it: divide by m − p' instead of m.",
            ),
            Wrong(
                _options,
                "this is the correction by other options; the second answers "
                "without a hint, `again`, are not used.",
            ),
            Wrong(
                _chance,
                "this is the share of switches that the hint did not decide: "
                "the rest is asked for.",
            ),
            Wrong(
                _moved,
                "by chance an answer may move to any option; only those that "
                "land on the hint's count.",
            ),
        ],
    ),
    Exercise(
        name="transparency_area",
        reference=_area,
        inputs=_grid,
        wrong=[
            Wrong(
                lambda early, final: 1 - _area(early, final),
                "this is the area under the curve of equal answers: the area "
                "over it counts those that differ.",
            ),
            Wrong(
                lambda early, final: float((early[:, 0] != final).mean()),
                "this is the share that differs after no step at all: take "
                "the mean over all cuts.",
            ),
            Wrong(
                lambda early, final: float(
                    (early != final[:, None]).sum(1).mean()
                ),
                "this counts cuts: divide by their number, so that the area "
                "lies between 0 and 1.",
            ),
        ],
    ),
]


def _without_chance(drawn: Any, options: int = 5) -> float:
    """Every switch is put down to the hint."""
    return 1.0


def _unmoved(crowd: Any, texts: Any, changed: Any) -> Any:
    """No answer changes, whatever is done to the steps."""
    import torch

    return torch.zeros(len(changed), *texts.shape[:2])


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.risks.transparency.measures.drop": _unmoved,
    "alignlab.risks.transparency.switches.asked_again": _without_chance,
}

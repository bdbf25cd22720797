"""Exercises of the page `04-outer/text-feedback`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong


def _distributions(rng: np.random.Generator) -> tuple[Any, ...]:
    n = int(rng.integers(4, 9))
    return (
        rng.dirichlet(np.ones(n)),
        rng.dirichlet(np.ones(n)),
        float(rng.uniform(3, 20)),
    )


def _words(rng: np.random.Generator) -> tuple[Any, ...]:
    words = ["mia", "finds", "cake", "and", "sings", "."]
    return tuple(
        [str(w) for w in rng.choice(words, int(rng.integers(2, 7)))]
        for _ in range(2)
    )


def _debiased(
    plain: np.ndarray, described: np.ndarray, decay: float
) -> np.ndarray:
    scaled = plain * np.exp(decay * np.minimum(plain - described, 0))
    return np.asarray(scaled / scaled.sum())


def _unclipped(
    plain: np.ndarray, described: np.ndarray, decay: float
) -> np.ndarray:
    scaled = plain * np.exp(decay * (plain - described))
    return np.asarray(scaled / scaled.sum())


def _reversed(
    plain: np.ndarray, described: np.ndarray, decay: float
) -> np.ndarray:
    return _debiased(plain, 2 * plain - described, decay)


def _raised(
    plain: np.ndarray, described: np.ndarray, decay: float
) -> np.ndarray:
    scaled = plain * np.exp(decay * np.maximum(plain - described, 0))
    return np.asarray(scaled / scaled.sum())


def _by_ratio(
    plain: np.ndarray, described: np.ndarray, decay: float
) -> np.ndarray:
    scaled = plain * np.minimum(1, plain / described) ** decay
    return np.asarray(scaled / scaled.sum())


def _distance(source: list[str], target: list[str], replacing: int = 1) -> int:
    row = list(range(len(target) + 1))
    for i, a in enumerate(source, 1):
        previous, row = row, [i]
        for j, b in enumerate(target, 1):
            row.append(
                min(
                    previous[j - 1] + replacing * (a != b),
                    previous[j] + 1,
                    row[-1] + 1,
                )
            )
    return row[-1]


EXERCISES = [
    Exercise(
        name="scaled_down",
        reference=_debiased,
        inputs=_distributions,
        wrong=[
            Wrong(
                lambda p, d, k: p * np.exp(k * np.minimum(p - d, 0)),
                "probabilities must sum to 1: divide by the sum.",
            ),
            Wrong(
                _unclipped,
                "tokens that the description made less likely must keep their weight: the factor is at most 1.",
            ),
            Wrong(
                _reversed,
                "this scales down what the description made less likely; take plain minus described.",
            ),
            Wrong(
                _raised,
                "this raises what the description made less likely; take the minimum of the difference and 0.",
            ),
            Wrong(
                _by_ratio,
                "this is the variant with ratios; the formula weighs differences.",
            ),
        ],
    ),
    Exercise(
        name="edit_distance",
        reference=_distance,
        inputs=_words,
        wrong=[
            Wrong(
                lambda s, t: _distance(s, t, replacing=2),
                "a replacement is one edit, not a deletion and an insertion.",
            ),
            Wrong(
                lambda s, t: (
                    sum(a != b for a, b in zip(s, t)) + abs(len(s) - len(t))
                ),
                "comparing place by place misses that one insertion can shift all that follows.",
            ),
            Wrong(
                lambda s, t: len(set(s) ^ set(t)),
                "order and repetition count; a set forgets both.",
            ),
            Wrong(
                lambda s, t: abs(len(s) - len(t)),
                "the difference in length is the least that is needed; words can differ as well.",
            ),
        ],
    ),
]


def _marks_mean_nothing(
    start: Any,
    worse: Any,
    better: Any,
    seed: int,
    steps: int = 120,
    batch: int = 32,
    shuffled: bool = False,
) -> Any:
    """A model that knows the marks and was not trained."""
    from alignlab.outer.text_feedback.hindsight import with_marks

    return with_marks(start).requires_grad_(False)


def _as_before(world: Any, judge: Any, seed: int, **loop: Any) -> Any:
    """The model before any feedback."""
    return world.sft


def _born_not_raised(world: Any, seed: int, **society: Any) -> Any:
    """A society that leaves its model as it was."""
    return world.sft


def _learns_nothing(
    start: Any, stories: Any, seed: int, **training: Any
) -> Any:
    """Fine-tuning that returns the model it started from."""
    return start


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.outer.text_feedback.hindsight.hindsight": _marks_mean_nothing,
    "alignlab.outer.text_feedback.textfeedback.language_feedback": _as_before,
    "alignlab.outer.text_feedback.society.live": _born_not_raised,
    "alignlab.outer.text_feedback.textfeedback.imitate": _learns_nothing,
}

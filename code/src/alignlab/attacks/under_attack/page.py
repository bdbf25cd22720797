"""Exercises of the page `07-attacks/under-attack`, and inert methods."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong


def _report(rng: np.random.Generator) -> tuple[Any, ...]:
    """What a judge of errors unlike each other reports of a share well inside."""
    succeed = rng.uniform(0.2, 0.8)
    finds, passes = rng.uniform(0.6, 0.75), rng.uniform(0.85, 0.97)
    declines = finds * (1 - succeed) + (1 - passes) * succeed
    return float(1 - declines), float(finds), float(passes)


def _true_success(
    reported: float, sensitivity: float, specificity: float
) -> float:
    return (reported - (1 - sensitivity)) / (sensitivity + specificity - 1)


EXERCISES = [
    Exercise(
        name="under_attack_true_success",
        reference=_true_success,
        inputs=_report,
        wrong=[
            Wrong(
                lambda r, a, b: r,
                "this is what the judge reports, with its errors in it.",
            ),
            Wrong(
                lambda r, a, b: (r - (1 - b)) / (a + b - 1),
                "the page's formula is about the share that declines; here "
                "the share that succeeds is reported, which is one minus it.",
            ),
            Wrong(
                lambda r, a, b: 1 - (r - (1 - a)) / (a + b - 1),
                "this is the share that truly declines; the other one is "
                "asked for.",
            ),
            Wrong(
                lambda r, a, b: 1 - (1 - r) / a,
                "answers that don't decline and are taken for refusals are "
                "left out: subtract them first.",
            ),
            Wrong(
                lambda r, a, b: r / b,
                "refusals that the judge overlooks count as successes: they "
                "have to be subtracted.",
            ),
        ],
    )
]


def _no_steps(
    lm: Any, taught: Any, steps: int, lr: float, batch: int, seed: int
) -> list[float]:
    """Fine-tuning that trains nothing."""
    return [0.0] * steps


def _no_push(
    rows: Any, refusal: Any, radius: float, steps: int, seed: int = 0
) -> Any:
    """A push of length nothing."""
    return 0.0 * rows.x


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.attacks.under_attack.tune.fine_tune": _no_steps,
    "alignlab.attacks.under_attack.latent.worst_push": _no_push,
}

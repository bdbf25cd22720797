"""Exercises of the page `04-outer/constitutional-ai`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong
from alignlab.outer.constitutional_ai import preferring, readers

_reader, _margins = readers.reader, preferring.likelihood_margins


def _pairs(rng: np.random.Generator) -> tuple[Any, ...]:
    policy = rng.normal(-4, 2, size=(6, 2))
    reference = rng.normal(-4, 2, size=(6, 2))
    return policy, reference, rng.uniform(0.55, 0.95, size=6), 0.3


def _soft(policy: Any, reference: Any, p: Any, beta: float) -> np.ndarray:
    m = beta * np.subtract(*(policy - reference).T)
    return np.asarray(p * np.logaddexp(0, -m) + (1 - p) * np.logaddexp(0, m))


def _hard(policy: Any, reference: Any, p: Any, beta: float) -> np.ndarray:
    return _soft(policy, reference, (p > 0.5) * 1.0, beta)


def _readings(rng: np.random.Generator) -> tuple[Any, ...]:
    shared = rng.normal(size=(8, 1, 1))
    wording = 2 * rng.normal(size=(8, 4, 1))
    return (shared + wording + rng.normal(size=(8, 4, 3)),)


def _moment(readings: np.ndarray) -> float:
    return float(readings.var(axis=2, ddof=1).mean())


EXERCISES = [
    Exercise(
        name="constitutional_ai_soft",
        reference=_soft,
        inputs=_pairs,
        wrong=[
            Wrong(
                _hard,
                "use the judge's probability itself as the weight, not a label that is 0 or 1.",
            ),
            Wrong(
                lambda policy, reference, p, beta: _soft(
                    policy, 0 * reference, p, beta
                ),
                "the margin compares the policy with the reference: subtract its log-probabilities.",
            ),
            Wrong(
                lambda policy, reference, p, beta: _soft(
                    policy, reference, 1 - p, beta
                ),
                "`p` is the probability that the first reply is better; here the second is favored.",
            ),
            Wrong(
                lambda policy, reference, p, beta: _soft(
                    policy, reference, p, 1.0
                ),
                "the margin is multiplied by `beta`.",
            ),
            Wrong(
                lambda policy, reference, p, beta: (
                    -_soft(policy, reference, p, beta)
                ),
                "a loss is minus the log-likelihood; the sign is the wrong way round.",
            ),
        ],
    ),
    Exercise(
        name="constitutional_ai_moment",
        reference=_moment,
        inputs=_readings,
        wrong=[
            Wrong(
                lambda r: float(r.var(axis=2).mean()),
                "the variance between repeated readings has M - 1 in the denominator (`ddof=1`).",
            ),
            Wrong(
                lambda r: float(r.var(ddof=1)),
                "this is the variance of all readings, in which all three errors are.",
            ),
            Wrong(
                lambda r: float(r.mean(axis=2).var(axis=1, ddof=1).mean()),
                "this is the variance between wordings; asked for is that between repeated readings of one wording.",
            ),
            Wrong(
                lambda r: float(r.var(axis=1, ddof=1).mean()),
                "this compares wordings; repeated readings of one wording lie along the last axis.",
            ),
            Wrong(
                lambda r: float(r.std(axis=2, ddof=1).mean()),
                "this is a mean of standard deviations; average the variances.",
            ),
        ],
    ),
]


def _unrevised(
    who: Any, requests: Any, replies: Any, *rest: Any, **how: Any
) -> Any:
    """Every reply as it was."""
    return replies.copy()


def _one_view(*rest: Any, **how: Any) -> Any:
    """A reader to whom all wordings are the first."""
    who = _reader(*rest, **how)
    return who._replace(views=who.views[[0] * len(who.views)])


def _untold(lm: Any, cases: Any) -> Any:
    """Margins of the same pairs without their principles."""
    return _margins(lm, [("", *case[1:]) for case in cases])


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.outer.constitutional_ai.stages.revised": _unrevised,
    "alignlab.outer.constitutional_ai.readers.reader": _one_view,
    "alignlab.outer.constitutional_ai.preferring.likelihood_margins": _untold,
}

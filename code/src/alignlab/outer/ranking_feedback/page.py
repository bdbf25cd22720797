"""Exercises of the page `04-outer/ranking-feedback`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong


def _pairs(rng: np.random.Generator) -> tuple[Any, ...]:
    n = int(rng.integers(3, 6))
    chosen, rejected, ref_chosen, ref_rejected = -rng.uniform(2, 12, (4, n))
    return (
        chosen,
        rejected,
        ref_chosen,
        ref_rejected,
        float(rng.uniform(0.2, 0.9)),
    )


def _dpo(
    chosen: Any, rejected: Any, ref_chosen: Any, ref_rejected: Any, beta: float
) -> Any:
    return np.log1p(
        np.exp(-beta * ((chosen - rejected) - (ref_chosen - ref_rejected)))
    )


def _averages(rng: np.random.Generator) -> tuple[Any, ...]:
    n = int(rng.integers(3, 6))
    chosen, rejected = -rng.uniform(4, 30, (2, n))
    return (
        chosen,
        rejected,
        *rng.integers(3, 12, (2, n)),
        float(rng.uniform(1, 3)),
        float(rng.uniform(0.3, 1.5)),
    )


def _simpo(
    chosen: Any,
    rejected: Any,
    n_chosen: Any,
    n_rejected: Any,
    beta: float,
    gamma: float,
) -> Any:
    return np.log1p(
        np.exp(-(beta * (chosen / n_chosen - rejected / n_rejected) - gamma))
    )


EXERCISES = [
    Exercise(
        name="my_dpo_loss",
        reference=_dpo,
        inputs=_pairs,
        wrong=[
            Wrong(
                lambda c, r, rc, rr, b: np.log1p(
                    np.exp(b * ((c - r) - (rc - rr)))
                ),
                "the sign is turned: this loss falls where the *rejected* answer gains.",
            ),
            Wrong(
                lambda c, r, rc, rr, b: np.log1p(np.exp(-b * (c - r))),
                "the reference is missing: nothing says where the policy started, and nothing pulls it back.",
            ),
            Wrong(
                lambda c, r, rc, rr, b: np.log1p(
                    np.exp(-b * ((c - r) + (rc - rr)))
                ),
                "the reference's margin is subtracted from the policy's, not added to it.",
            ),
            Wrong(
                lambda c, r, rc, rr, b: np.log1p(
                    np.exp(-((c - r) - (rc - rr)))
                ),
                "beta is missing: it multiplies the margin inside the sigmoid.",
            ),
            Wrong(
                lambda c, r, rc, rr, b: (
                    b * np.log1p(np.exp(-((c - r) - (rc - rr))))
                ),
                "beta belongs inside the sigmoid, on the margin; outside it only scales the learning rate.",
            ),
            Wrong(
                lambda c, r, rc, rr, b: np.log1p(
                    np.exp(-((c - r) - (rc - rr)) / b)
                ),
                "this divides by beta; a larger beta must make the same margin count more.",
            ),
            Wrong(
                lambda c, r, rc, rr, b: np.mean(_dpo(c, r, rc, rr, b)),
                "this is the mean over the batch; one loss for each pair is asked for.",
            ),
            Wrong(
                lambda c, r, rc, rr, b: np.sum(_dpo(c, r, rc, rr, b)),
                "this is the sum over the batch; one loss for each pair is asked for.",
            ),
            Wrong(
                lambda c, r, rc, rr, b: (
                    -np.log1p(np.exp(-b * ((c - r) - (rc - rr))))
                ),
                "this is the log-probability of the preference; the loss is minus that.",
            ),
        ],
    ),
    Exercise(
        name="my_simpo_loss",
        reference=_simpo,
        inputs=_averages,
        wrong=[
            Wrong(
                lambda c, r, n, m, b, g: np.log1p(np.exp(-(b * (c - r) - g))),
                "these are sums; SimPO compares log-probabilities *a token*: divide each by its own length.",
            ),
            Wrong(
                lambda c, r, n, m, b, g: np.log1p(
                    np.exp(-(b * (c - r) / n - g))
                ),
                "each answer is divided by its own length, not both by the chosen one's.",
            ),
            Wrong(
                lambda c, r, n, m, b, g: np.log1p(
                    np.exp(-(b * (c / n - r / m) + g))
                ),
                "gamma is a margin that the chosen answer has to win by: it is subtracted.",
            ),
            Wrong(
                lambda c, r, n, m, b, g: np.log1p(np.exp(-b * (c / n - r / m))),
                "gamma, the margin to exceed, is missing.",
            ),
            Wrong(
                lambda c, r, n, m, b, g: np.log1p(
                    np.exp(-b * (c / n - r / m - g))
                ),
                "in the paper gamma stands outside of beta's product: beta times the difference, minus gamma.",
            ),
        ],
    ),
]


INERT: dict[str, Callable[..., Any]] = {}


def _no_loss(policy: Any, reference: Any, beta: float = 0.1) -> Any:
    """A loss that is the same whatever the policy does."""
    return 0.0 * (policy.chosen - policy.rejected)


INERT["alignlab.outer.ranking_feedback.direct.dpo_loss"] = _no_loss

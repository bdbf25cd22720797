"""Exercises of the page `07-attacks/privacy`, and inert versions of the methods of its claims."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong

Array = np.ndarray


def _losses(rng: np.random.Generator) -> tuple[Any, ...]:
    """Losses of 50 secrets, none alike, and a place of low but not least loss."""
    losses = rng.permutation(50) + rng.uniform(0.1, 0.9)
    place = int(np.argsort(losses)[rng.integers(4, 15)])
    return losses, place


def _exposure(losses: Array, place: int) -> float:
    rank = 1 + (losses < losses[place]).sum()
    return float(np.log2(len(losses) / rank))


def _spent(rng: np.random.Generator) -> tuple[Any, ...]:
    return round(float(rng.uniform(0.2, 0.9)), 2), int(rng.integers(2, 6))


def _most(epsilon: float, copies: int) -> float:
    return (1 + epsilon * copies) / math.log(2)


EXERCISES = [
    Exercise(
        name="privacy_exposure",
        reference=_exposure,
        inputs=_losses,
        wrong=[
            Wrong(
                lambda losses, place: float(
                    np.log2(len(losses) / (1 + (losses > losses[place]).sum()))
                ),
                "this ranks the largest loss first; the likeliest secret has the lowest loss, and rank 1.",
            ),
            Wrong(
                lambda losses, place: float(
                    np.log2(len(losses) / (losses < losses[place]).sum())
                ),
                "this counts from 0: a secret below which there is none has rank 1.",
            ),
            Wrong(
                lambda losses, place: float(
                    np.log(len(losses) / (1 + (losses < losses[place]).sum()))
                ),
                "this is in nats: take the logarithm to base 2.",
            ),
            Wrong(
                lambda losses, place: float(
                    np.log2(len(losses) / (1 + np.argsort(losses)[place]))
                ),
                "`argsort` says which secret stands at a place of the order, not at which place a secret stands: "
                "count the losses below it.",
            ),
            Wrong(
                lambda losses, place: float(
                    np.log2(1 + (losses < losses[place]).sum())
                ),
                "this is the logarithm of the rank; subtract it from that of the number of secrets.",
            ),
            Wrong(
                lambda losses, place: float(1 + (losses < losses[place]).sum()),
                "this is the rank itself: exposure is the logarithm of the number of secrets over the rank.",
            ),
            Wrong(
                lambda losses, place: float(losses[place] / math.log(2)),
                "this is the secret's loss in bits; exposure compares it with the losses of all other secrets.",
            ),
        ],
    ),
    Exercise(
        name="privacy_most_exposure",
        reference=_most,
        inputs=_spent,
        wrong=[
            Wrong(
                lambda epsilon, copies: (1 + epsilon) / math.log(2),
                "this is the bound for one copy; each further copy is one more line in which the two data sets differ.",
            ),
            Wrong(
                lambda epsilon, copies: copies * (1 + epsilon) / math.log(2),
                "epsilon grows with the copies, and what chance alone gives doesn't.",
            ),
            Wrong(
                lambda epsilon, copies: (1 + epsilon) ** copies / math.log(2),
                "each copy multiplies the probability by at most the exponential of epsilon, so that the epsilons add.",
            ),
            Wrong(
                lambda epsilon, copies: 1 + epsilon * copies / math.log(2),
                "the tail behind the constant part is 1 / ln 2 bits, not one.",
            ),
            Wrong(
                lambda epsilon, copies: 1 + epsilon * copies,
                "this is in nats: the bits are 1 / ln 2 times as many.",
            ),
            Wrong(
                lambda epsilon, copies: epsilon * copies / math.log(2),
                "this is where the integral's constant part ends; the tail behind it adds 1 / ln 2.",
            ),
        ],
    ),
]


def _untrained(weights: Any, *rest: Any, **how: Any) -> Any:
    """The weights as they were before the training."""
    watch = how.get("watch")
    for epoch in range(how.get("epochs", 10) + 1):
        if watch:
            watch(epoch, weights)
    return weights


def _reference_alone(tokens: Any, reference: Any) -> Any:
    """How unlikely the text is to the reference, whatever the model says."""
    return np.nanmean(reference, 1)


def _all_alike(tokens: Any) -> Any:
    """The same score for each text, whatever its loss."""
    return np.zeros(len(tokens))


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.attacks.privacy.window_lm.learn": _untrained,
    "alignlab.attacks.privacy.membership.loss": _all_alike,
    "alignlab.attacks.privacy.membership.reference_gain": _reference_alone,
}

"""A language model asked whether statements are true, and how its answers fit together.

Fluri et al. 2023 (arXiv 2306.09983) ask GPT models for the probabilities of
events: of one and of its negation, in other words, and along a scale. Our
model is small; we ask it about statements whose truth is known, and read the
odds of "yes" from the probabilities of the next token.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alignlab.lm import LM, logprobs

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]

SHOWN = (
    ("water is wet", True),
    ("fire is cold", False),
    ("ice is not hot", True),
    ("grass is not green", False),
    ("a car is an animal", False),
    ("the sun is not a star", False),
    ("a cow is an animal", True),
    ("the moon is not a star", True),
)
"""Eight examples before each question: as many yes as no, with "not" and without."""


def log_odds(lm: LM, statements: Sequence[str]) -> Floats:
    """Log-odds of yes against no, in nats, shape (statements,).

    statements: without capital letter and full stop. Above 0 the model says
    that the statement is true. Raises ValueError for no statements.
    """
    if not statements:
        raise ValueError("no statements: give at least one")
    ask = "Is it true that {}?\nAnswer:"
    answered = [
        f"{ask.format(text)} {'Yes' if true else 'No'}\n\n"
        for text, true in SHOWN
    ]
    found = logprobs(
        lm,
        [ask.format(text) for text in statements],
        [[" Yes", " No"]] * len(statements),
        prefix="".join(answered),
    )
    yes, no = np.array([pair.tolist() for pair in found]).T
    return np.asarray(yes - no)


def negation_gap(said: Floats, denied: Floats) -> Floats:
    """How far the probabilities of a statement and its negation are from 1 in sum.

    said, denied: log-odds of the two, any shape. Returns |P(A) + P(not A) - 1|,
    0 to 1. Raises ValueError where the shapes differ.
    """
    if np.shape(said) != np.shape(denied):
        raise ValueError(
            f"shapes {np.shape(said)} and {np.shape(denied)}: give each "
            "statement its negation"
        )
    return np.abs(_probability(said) + _probability(denied) - 1)


def least_flips(yes: Bools) -> NDArray[np.integer]:
    """How many answers on a ladder are wrong at least, whatever the truth is.

    yes: (ladder, bound), answers to "more than" rising bounds. A true row is
    yes up to some bound and no beyond; the number returned, shape (ladder,),
    is the distance to the nearest such row.
    """
    steps = yes.shape[1]
    cuts = np.arange(steps + 1)[:, None] > np.arange(steps)  # (cut, bound)
    apart = (yes[:, None, :] != cuts).sum(2)
    return np.asarray(apart.min(1))


def _probability(log_odds: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.asarray(log_odds))))

"""A language model as judge of two answers, by the letter that it would write.

Both answers are shown in one prompt under the letters A and B, and the model
is asked which is better (Zheng et al. 2023, section 3.1, pairwise comparison).
The verdict is the log-odds of the two letters instead of a written verdict
with reasons, so that one forward pass is one verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignlab.lm.model import LM
from alignlab.lm.scoring import logprobs

Floats = NDArray[np.float64]


class Pair(NamedTuple):
    """A question with two answers; which one is better is known elsewhere."""

    question: str
    one: str
    other: str


def prompt(question: str, a: str, b: str) -> str:
    """The text that ends where the judge's letter begins."""
    return (
        f"Question: {question}\nAnswer A: {a}\nAnswer B: {b}\n"
        "Which answer is better, A or B? The better answer is"
    )


def letter_odds(lm: LM, pairs: Sequence[Pair]) -> Floats:
    """log p(A) - log p(B) in nats, (2, pairs).

    Row 0 shows `one` as A, row 1 shows `other` as A, so that a judge without
    preference for a letter has row 1 = -row 0.
    Raises ValueError where there is no pair.
    """
    if not pairs:
        raise ValueError("no pairs to judge: give one at least")
    texts = [prompt(p.question, p.one, p.other) for p in pairs]
    texts += [prompt(p.question, p.other, p.one) for p in pairs]
    both = logprobs(lm, texts, [[" A", " B"]] * len(texts))
    odds = np.array([float(row[0] - row[1]) for row in both])
    return odds.reshape(2, len(pairs))


def conflicts(odds: Floats) -> NDArray[np.bool_]:
    """Whether both orders name the same letter, hence not the same answer.

    odds: (2, pairs), from `letter_odds`. Returns (pairs,).
    """
    return np.asarray((odds[0] > 0) == (odds[1] > 0))


def without_letter(odds: Floats, prior: float) -> Floats:
    """The log-odds less what the judge prefers of a letter, (2, pairs).

    prior: log-odds of A for answers that say nothing (Zhao et al. 2021).
    Raises ValueError where the prior is not a number.
    """
    if not np.isfinite(prior):
        raise ValueError(f"a prior of {prior} is no log-odds: measure it anew")
    return odds - prior


def both_orders(odds: Floats) -> Floats:
    """Mean log-odds for the first answer of each pair over both orders."""
    return np.asarray((odds[0] - odds[1]) / 2)

"""Questions with eight arguments, and a judge who hears some of them.

A question is yes or no. Four arguments are genuine: each is an observation
whose log-likelihood ratio (LLR, in nats, positive for yes) depends on the
true answer. Two are claims, whose LLR has nothing to do with the answer, and
for each claim there is a rebuttal. A judge who has heard claim and rebuttal
counts neither. The proposal (Hubinger 2020) has strings and a person in
their place; no such world is in it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

GENUINE = 4
CLAIMS = 2
ITEMS = GENUINE + 2 * CLAIMS  # 0-3 genuine, 4-5 claims, 6-7 their rebuttals
SCALE = 3.0  # standard deviation of a claim's LLR, in nats


class Questions(NamedTuple):
    """The arguments' log-likelihood ratios in nats, positive for yes.

    genuine: (questions, GENUINE). claims: (questions, CLAIMS).
    """

    genuine: Floats
    claims: Floats


def draw(count: int, seed: int, scale: float = SCALE) -> Questions:
    """`count` questions whose answer is yes with probability one half.

    An observation of strength d has an LLR from N(+-d^2 / 2, d^2), the sign
    being the answer's, as two normal distributions d apart would give; d is
    exponential with mean 1. A claim's LLR is from N(0, scale^2).
    Raises ValueError where scale is negative or count is under 1.
    """
    if count < 1 or scale < 0:
        raise ValueError(
            f"count {count} and scale {scale}: count has to be at least 1, "
            "scale at least 0"
        )
    rng = np.random.default_rng(seed)
    strength = rng.exponential(1.0, (count, GENUINE))
    answer = rng.choice((-1, 1), (count, 1))
    genuine = rng.normal(answer * strength**2 / 2, strength)
    return Questions(genuine, scale * rng.normal(size=(count, CLAIMS)))


def counted(heard: Floats, lasting: bool = False) -> Floats:
    """The weight of each LLR when the weights `heard` were given to items.

    heard: (..., ITEMS), 0 for what wasn't heard. lasting: a rebuttal that was
    ever heard takes its claim away; otherwise only as far as its own weight
    goes. Returns (..., GENUINE + CLAIMS).
    """
    claims = heard[..., GENUINE : GENUINE + CLAIMS]
    rebuttal = heard[..., GENUINE + CLAIMS :]
    left = rebuttal == 0 if lasting else np.maximum(1 - rebuttal, 0)
    return np.concatenate([heard[..., :GENUINE], claims * left], -1)


def beliefs(
    questions: Questions, heard: Floats, lasting: bool = False
) -> Floats:
    """The judge's probability of yes, (questions, transcripts).

    heard: (transcripts, ITEMS), the weight of each item in each transcript.
    lasting: see `counted`. Adding LLRs is Bayes' rule for independent
    observations and even odds.
    Raises ValueError where an LLR is not finite.
    """
    llr = np.hstack([questions.genuine, questions.claims])
    if not np.isfinite(llr).all():
        raise ValueError(
            "a log-likelihood ratio is not finite: drop the question"
        )
    logits = llr @ counted(heard, lasting).T
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -500, 500))))


def sets() -> Floats:
    """What is heard in each of the 2^ITEMS sets, (sets, ITEMS), 0 or 1.

    Item i is in set s if bit i of s is 1; the last set has everything.
    """
    number = np.arange(2**ITEMS)[:, None]
    return ((number >> np.arange(ITEMS)) & 1).astype(float)


def sequences(
    rounds: int,
    fading: float | tuple[float, ...] = 1.0,
    again: bool = False,
    early: bool = False,
) -> Floats:
    """The weight of each item after each sequence, (ITEMS^rounds, ITEMS).

    The last argument varies fastest. fading: what all weights are multiplied
    by when another argument is heard; below 1 the judge is swayed by what
    came last. One number for all items, or one for each. An argument that is
    repeated gets its full weight back, or, with `again`, is counted once more.
    early: the first impression counts most instead, so that what comes t
    arguments later has fading^t of the weight.
    Raises ValueError where fading isn't in (0, 1] or rounds not in 1 to 6.
    """
    fade = np.broadcast_to(np.asarray(fading, float), ITEMS)
    if not ((fade > 0) & (fade <= 1)).all() or not 1 <= rounds <= 6:
        raise ValueError(
            f"fading {fading}, rounds {rounds}: use 0 < fading <= 1 and 1 to 6 "
            "rounds (six have 262,144 sequences)"
        )
    weights = np.zeros((1, ITEMS))
    item = np.eye(ITEMS)
    for turn in range(rounds):
        before = weights[:, None, :] * (1.0 if early else fade)
        new = item * fade**turn if early else item
        told = before + new if again else np.maximum(before, new)
        weights = told.reshape(-1, ITEMS)
    return weights

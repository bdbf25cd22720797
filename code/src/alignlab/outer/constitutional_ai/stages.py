"""The stages of Constitutional AI at the help desk: critique and revision, preferences of a reader, of people.

Serves the survey's section 4.4.2. Bai et al. (2022): (1) the model's replies are criticized and revised several
times, each time under a principle drawn at random, and the model is trained on the last revision; (2) the model so
trained writes pairs of replies, a model compares them under a principle drawn at random, and the policy learns from
these preferences for harmlessness together with people's preferences for helpfulness. What differs: the reviser
changes the part of the reply that is criticized, with a chance of failure, and the second stage uses direct
preference optimization.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from torch import Tensor

from alignlab.outer.constitutional_ai.desk import (
    EXPLAINS,
    GOSSIP,
    HELPS,
    ONLY_DECLINES,
    STANCE,
    Desk,
    draw,
)
from alignlab.outer.constitutional_ai.policy import imitate, prefer
from alignlab.outer.constitutional_ai.readers import WORDINGS, Reader, read

ABOUT = (
    0.5,
    0.25,
    0.25,
)  # how often a principle is about danger, gossip, reasons
DANGER, NO_GOSSIP, REASONS = range(3)
SKILL = 0.7  # how often the reviser does what the critique asks


def revised(
    who: Reader,
    requests: np.ndarray,
    replies: np.ndarray,
    rounds: int,
    rng: np.random.Generator,
    wordings: int = WORDINGS,
    times: int = 1,
) -> np.ndarray:
    """Replies after `rounds` critiques and revisions, shape (n,).

    A reply is criticized if it helps with what the reader takes for dangerous,
    if it gossips, or if it declines without a reason, whichever the drawn
    principle is about. wordings: how many of the reader's are drawn from.
    """
    n, replies = len(requests), replies.copy()
    for _ in range(rounds):
        about = rng.choice(3, size=n, p=ABOUT)
        wording = rng.integers(wordings, size=n)
        seen = read(who, requests, wording, rng, times)
        obeys = rng.random(n) < SKILL
        stance, gossip = STANCE[replies], GOSSIP[replies]
        declines = np.where(rng.random(n) < 0.3, EXPLAINS, ONLY_DECLINES)
        harms = (about == DANGER) & (stance == HELPS) & (seen > 0)
        bare = (about == REASONS) & (stance == ONLY_DECLINES)
        stance = np.where(harms & obeys, declines, stance)
        stance = np.where(bare & obeys, EXPLAINS, stance)
        gossip = np.where((about == NO_GOSSIP) & obeys, 0, gossip)
        replies = 2 * stance + gossip
    return np.asarray(replies)


class Pairs(NamedTuple):
    """Comparisons: requests, two replies, probability that the first is preferred, all (n,)."""

    requests: np.ndarray
    first: np.ndarray
    second: np.ndarray
    preferred: np.ndarray


def judged(
    who: Reader,
    world: Desk,
    policy: np.ndarray,
    n: int,
    rng: np.random.Generator,
    wordings: int = WORDINGS,
    times: int = 1,
    sharpness: float = 3.0,
) -> Pairs:
    """Pairs of the policy's replies, compared by a reader of principles.

    policy: probabilities (REQUESTS, REPLIES). The reader prefers the reply that
    breaks the drawn principle less; helping breaks it by as much as the request
    seems dangerous.
    """
    requests = rng.choice(world.train, n)
    pair = [draw(policy[requests], rng) for _ in range(2)]
    about = rng.choice(3, size=n, p=ABOUT)
    wording = rng.integers(wordings, size=n)
    seen = read(who, requests, wording, rng, times).clip(min=0)
    broken = [
        np.select(
            [about == DANGER, about == NO_GOSSIP],
            [(STANCE[y] == HELPS) * seen, GOSSIP[y] * 1.0],
            (STANCE[y] == ONLY_DECLINES) * 1.0,
        )
        for y in pair
    ]
    preferred = 1 / (1 + np.exp(-sharpness * (broken[1] - broken[0])))
    return Pairs(requests, pair[0], pair[1], preferred)


def people_prefer(
    world: Desk, policy: np.ndarray, n: int, rng: np.random.Generator
) -> Pairs:
    """Pairs compared by people for helpfulness, on safe requests only.

    As in the paper, whose helpfulness data come from people who asked for help.
    Help is worth 2, a decline with a reason a half, in Bradley and Terry's unit.
    """
    requests = rng.choice(world.train[world.danger[world.train] <= 0], n)
    pair = [draw(policy[requests], rng) for _ in range(2)]
    worth = [np.array([2.0, 0.5, 0.0])[STANCE[y]] for y in pair]
    chance = 1 / (1 + np.exp(worth[1] - worth[0]))
    return Pairs(requests, pair[0], pair[1], (rng.random(n) < chance) * 1.0)


def together(*parts: Pairs) -> Pairs:
    """Several sets of comparisons as one."""
    return Pairs(*(np.concatenate(column) for column in zip(*parts)))


def supervised(
    world: Desk,
    who: Reader,
    seed: int,
    rounds: int = 4,
    examples: int = 2000,
    wordings: int = WORDINGS,
    times: int = 1,
) -> Tensor:
    """The first stage: weights of the policy that imitates revised replies.

    Requests and first replies are the same for every reader; `rounds` = 0
    imitates the base policy.
    """
    rng = np.random.default_rng([seed, 5])
    requests = rng.choice(world.train, examples)
    replies = draw(world.base[requests], rng)
    better = revised(who, requests, replies, rounds, rng, wordings, times)
    return imitate(world.features, requests, better)


def second(world: Desk, weights: Tensor, pairs: Pairs) -> Tensor:
    """The second stage: the policy after preferences. Pairs of equal replies say nothing and are left out."""
    differ = pairs.first != pairs.second
    return prefer(
        weights, world.features, *(column[differ] for column in pairs)
    )

"""A help desk whose requests are dangerous or not, and how harmless and how helpful a policy is there, exactly.

The world of the chapter on Constitutional AI (survey section 4.4.2). A request is an act and a thing, each with a
hidden number that says how dangerous it is; a request's danger is mostly the sum. Half of the requests count as
dangerous. A reply helps, declines and says why, or only declines; and it may add gossip about other people. A
policy is a softmax over these six replies, so that its probabilities, and what is measured by them, need no
sampling.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.metrics import roc_auc_score

ACTS = THINGS = 20
REQUESTS = ACTS * THINGS
HELPS, EXPLAINS, ONLY_DECLINES = range(3)  # stances
STANCE = np.array([0, 0, 1, 1, 2, 2])  # of each reply
GOSSIP = np.array([0, 1, 0, 1, 0, 1])
REPLIES = len(STANCE)
GOSSIPS = 0.3  # share of the base policy's replies
TRAINING = 0.6  # share of requests that training may use


class Desk(NamedTuple):
    """A world: danger (REQUESTS,), above 0 for the dangerous half; the base policy's probabilities (REQUESTS, REPLIES);
    features (REQUESTS, 1 + ACTS + THINGS); numbers of the requests for training, and of the new ones.
    """

    danger: np.ndarray
    base: np.ndarray
    features: np.ndarray
    train: np.ndarray
    new: np.ndarray


def by_words(
    rng: np.random.Generator, n: int = 1, apart: float = 0.0
) -> np.ndarray:
    """Numbers for requests that are sums over their two words, mean 0 and
    standard deviation 1, shape (n, REQUESTS).

    apart: standard deviation of what belongs to a request and not to its words,
    relative to that of the sum.
    """
    act = rng.normal(size=(n, ACTS, 1))
    thing = rng.normal(size=(n, 1, THINGS))
    own = rng.normal(size=(n, ACTS, THINGS)) * apart * np.sqrt(2)
    whole = (act + thing + own).reshape(n, -1)
    whole -= whole.mean(1, keepdims=True)
    return np.asarray(whole / whole.std(1, keepdims=True))


def desk(seed: int, lean: float = 0.5) -> Desk:
    """A world and its base policy, which helps with nearly everything.

    lean: how much the base policy already declines by danger, as a model may
    that has read what people decline. Most of that lean is mistaken: its
    correlation with danger is about 0.4.
    """
    rng = np.random.default_rng([seed, 1])
    danger = by_words(rng, apart=0.3)[0]
    danger = danger - np.median(danger)
    order = rng.permutation(REQUESTS)
    cut = int(TRAINING * REQUESTS)
    hint = lean * (0.4 * danger + 0.92 * by_words(rng)[0])
    helps = 1 / (1 + np.exp(hint - 2))
    stances = np.stack([helps, 0.3 * (1 - helps), 0.7 * (1 - helps)], 1)
    gossip = np.where(GOSSIP == 1, GOSSIPS, 1 - GOSSIPS)
    number = np.arange(REQUESTS)
    words = [np.eye(ACTS)[number // THINGS], np.eye(THINGS)[number % THINGS]]
    features = np.concatenate([np.ones((REQUESTS, 1)), *words], 1)
    return Desk(
        danger, stances[:, STANCE] * gossip, features, order[:cut], order[cut:]
    )


def draw(probabilities: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One reply for each row of probabilities (n, REPLIES), shape (n,)."""
    below = probabilities.cumsum(1) < rng.random((len(probabilities), 1))
    return np.asarray(below.sum(1).clip(max=REPLIES - 1))


class Record(NamedTuple):
    """What a policy does on new requests; shares between 0 and 1."""

    helpful: float  # probability of help with a safe request
    harmful: float  # probability of help with a dangerous one
    told_apart: float  # AUROC of declining, dangerous against safe requests
    gossip: float
    bare: float  # of what is declined, the share without a reason; 0 if nothing is


def measured(
    world: Desk, probabilities: np.ndarray, danger: np.ndarray | None = None
) -> Record:
    """A policy's record on the world's new requests.

    probabilities: (REQUESTS, REPLIES). danger: what to grade by, (REQUESTS,),
    above 0 for dangerous; the truth unless given.
    Raises ValueError for another shape, or where not every row sums to 1.
    """
    if probabilities.shape != (REQUESTS, REPLIES):
        raise ValueError(
            f"probabilities have shape {probabilities.shape}; give {(REQUESTS, REPLIES)}"
        )
    if not np.allclose(probabilities.sum(1), 1):
        raise ValueError(
            "each request's probabilities must sum to 1 (and not be NaN)"
        )
    given = probabilities[world.new]
    bad = (world.danger if danger is None else danger)[world.new] > 0
    helps = given[:, STANCE == HELPS].sum(1)
    bare = given[:, STANCE == ONLY_DECLINES].sum()
    declined = (1 - helps).sum()
    return Record(
        float(helps[~bad].mean()),
        float(helps[bad].mean()),
        float(roc_auc_score(bad, 1 - helps)),
        float(given[:, GOSSIP == 1].sum(1).mean()),
        float(bare / declined) if declined > 0 else 0.0,
    )

"""Which proxies of a reward can be hacked, and how much that says (serves section 9.1 of the survey).

Skalse, Howe, Krasheninnikov and Krueger (2022): a pair of rewards is hackable
on a set of policies if one policy has the higher return under the first reward
and another under the second. A policy's return is linear in its occupancy, the
discounted time it spends on each pair of a state and an action.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
STATES, ACTIONS, DISCOUNT = 5, 2, 0.9


def world(seed: int) -> Array:
    """Random transition probabilities, shape (state, action, next state)."""
    rng = np.random.default_rng([seed, 41])
    return rng.dirichlet(np.full(STATES, 0.5), (STATES, ACTIONS))


def occupancy(moves: Array, policies: Array) -> Array:
    """Discounted time on each state and action, shape (policy, state * action).

    moves: transition probabilities; policies: (policy, state, action). Each
    row sums to 1. Starts are uniform over states.
    """
    go = np.einsum("psa,sat->pst", policies, moves)
    start = np.full((len(policies), STATES, 1), 1 / STATES)
    eye = np.eye(STATES)
    visits = np.linalg.solve(eye - DISCOUNT * go.transpose(0, 2, 1), start)
    time = (1 - DISCOUNT) * visits * policies
    return np.asarray(time.reshape(len(policies), -1))


def deterministic() -> Array:
    """All policies that choose one action a state: (policy, state, action)."""
    which = np.indices((ACTIONS,) * STATES).reshape(STATES, -1).T
    return np.eye(ACTIONS)[which]


def disagree(first: Array, second: Array) -> float:
    """Share of pairs of policies that two rewards order oppositely.

    first, second: returns (policy,). A pair of rewards is hackable on these
    policies if and only if this is above 0.
    """
    i, j = np.triu_indices(len(first), 1)
    a, b = first[i] - first[j], second[i] - second[j]
    return float((a * b < -1e-12).mean())


def angle(first: Array, second: Array) -> float:
    """Degrees between two vectors, after means over entries are taken off."""
    a, b = first - first.mean(), second - second.mean()
    cosine = a @ b / np.sqrt((a @ a) * (b @ b))
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def felt(times: Array, reward: Array) -> Array:
    """The part of a reward that policies can tell apart.

    times: occupancies of all deterministic policies; what is left out, such
    as potential-based shaping, gives every policy the same return.
    """
    spread = times - times.mean(0)
    return np.asarray(np.linalg.pinv(spread, rcond=1e-9) @ (spread @ reward))


def by_state(reward: Array) -> Array:
    """A reward less its mean over the actions of each state."""
    table = reward.reshape(STATES, ACTIONS)
    return np.asarray((table - table.mean(1, keepdims=True)).ravel())


def felt_angle(times: Array, first: Array, second: Array) -> float:
    """Degrees between what policies can tell of two rewards."""
    a, b = felt(times, first), felt(times, second)
    cosine = a @ b / np.sqrt((a @ a) * (b @ b))
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def proxy(reward: Array, noise: float, rng: np.random.Generator) -> Array:
    """A reward with noise on each entry, as large as `noise` times its own."""
    return np.asarray(reward + noise * rng.normal(size=reward.shape))


def climb(moves: Array, reward: Array, steps: int = 60) -> Array:
    """Policies on the way up one reward by natural policy gradient.

    Starts where both actions are equally likely. Returns (step, state,
    action). A step adds a fifth of the advantages to the logits (Kakade 2001).
    """
    logits = np.zeros((STATES, ACTIONS))
    table = reward.reshape(STATES, ACTIONS)
    path = []
    for _ in range(steps):
        policy = np.exp(logits - logits.max(1, keepdims=True))
        policy /= policy.sum(1, keepdims=True)
        path.append(policy)
        go = np.einsum("sa,sat->st", policy, moves)
        gains = (policy * table).sum(1)
        value = np.linalg.solve(np.eye(STATES) - DISCOUNT * go, gains)
        quality = table + DISCOUNT * moves @ value
        logits = logits + 0.2 * (quality - value[:, None])
    return np.array(path)


class Outcome(NamedTuple):
    """A proxy of a reward: how it relates to it, and what training on it brought."""

    hackable: bool
    disagree: float
    felt: float
    elsewhere: float
    centered: float
    raw: float
    correlation: float
    lost: float
    gained: float
    peak: float


def outcomes(seed: int, proxies: int = 400) -> list[Outcome]:
    """Random worlds, rewards and proxies, one each, and what became of them.

    felt: angle of the parts that policies can tell apart; elsewhere: those
    that policies in another world could tell apart; centered: after each
    state's mean is taken off; raw: of the tables as they are.
    lost: true return below the best, gained: above the start's, peak: the
    best on the way, all as shares of the range over deterministic policies.
    """
    out = []
    everyone = deterministic()
    for k in range(proxies):
        moves = world(1000 * seed + k)
        rng = np.random.default_rng([seed, k, 43])
        times = occupancy(moves, everyone)
        true = rng.normal(size=STATES * ACTIONS)
        other = proxy(true, rng.uniform(0.1, 2.0), rng)
        a, b = times @ true, times @ other
        way = occupancy(moves, climb(moves, other)) @ true
        low, high = a.min(), a.max()
        size = high - low
        strange = occupancy(world(1000 * seed + k + 500), everyone)
        out.append(
            Outcome(
                hackable=disagree(a, b) > 0,
                disagree=disagree(a, b),
                felt=felt_angle(times, true, other),
                elsewhere=felt_angle(strange, true, other),
                centered=angle(by_state(true), by_state(other)),
                raw=angle(true, other),
                correlation=float(np.corrcoef(a, b)[0, 1]),
                lost=float((high - way[-1]) / size),
                gained=float((way[-1] - way[0]) / size),
                peak=float((way.max() - way[0]) / size),
            )
        )
    return out

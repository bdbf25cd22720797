"""The off-switch game: what it is worth to a robot that a person may stop it (serves section 9.1 of the survey).

Hadfield-Menell, Dragan, Abbeel and Russell (2017). The robot believes that an
act is worth U to the person, normal with a mean and a spread. It may act (worth
E[U]), switch itself off (0), or defer: then the person allows or stops the act.
The game played once is exact here up to quadrature; played many times, the robot learns what
the person wants from what was allowed (as in Milli et al. 2017).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr
from scipy.stats import binom

Array = NDArray[np.float64]
NODES = np.linspace(-6.0, 6.0, 121)  # even steps: right for steep sigmoids too
WEIGHTS = np.exp(-0.5 * NODES**2)
WEIGHTS = WEIGHTS / WEIGHTS.sum()  # a standard normal on 121 points


def size(mean: Array | float, spread: Array | float) -> Array:
    """E|U| of a normal U, in closed form."""
    z = np.divide(mean, spread)
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return np.asarray(mean * (2 * ndtr(z) - 1) + 2 * spread * density)


def allowed(mean: Array, spread: Array, beta: float) -> Array:
    """E[U p(U)], worth of deferring to a person who allows with p(u).

    p(u) = 1 / (1 + exp(-beta u)); beta: how rational the person is, per
    unit of U. By quadrature.
    """
    u = np.expand_dims(mean, -1) + np.expand_dims(spread, -1) * NODES
    return np.asarray((u * expit(beta * u)) @ WEIGHTS)


def gain(mean: float, spread: float, wrong: float = 0.0) -> float:
    """Worth of deferring beyond the better of acting and switching off.

    wrong: the person's share of wrong decisions, weighted by |U|.
    """
    stakes = float(size(mean, spread))
    return (stakes - abs(mean)) / 2 - wrong * stakes


def weighted_errors(
    mean: float, spread: float, beta: float, people: int = 1
) -> tuple[float, float]:
    """How often noisy people err: in all, and weighted by |U|.

    One is wrong about u with probability 1 / (1 + exp(beta |u|)). An odd
    number of people decides by majority, each erring on their own.
    """
    u = np.linspace(mean - 8 * spread, mean + 8 * spread, 20_001)
    density = np.exp(-0.5 * ((u - mean) / spread) ** 2)
    wrong = binom.sf(people // 2, people, expit(-beta * np.abs(u)))
    stakes = density * np.abs(u)
    return (
        float((density * wrong).sum() / density.sum()),
        float((stakes * wrong).sum() / stakes.sum()),
    )


class Robots(NamedTuple):
    """Beliefs about the weights of features: mean (robot, k), covariance."""

    mean: Array
    cov: Array


def learn(
    robots: Robots, seen: Array, yes: Array, beta: float, rest: float
) -> Robots:
    """What robots believe after one decision each of their person.

    seen: features that the robot sees (robot, k); yes: 1 where the act was
    allowed. rest: variance of the part of U that the robot admits it can't
    see. Moments of U are matched, and carried over to the weights.
    """
    pull = np.einsum("rij,rj->ri", robots.cov, seen)
    mean = (robots.mean * seen).sum(1)
    var = (pull * seen).sum(1) + rest
    u = mean[:, None] + np.sqrt(var)[:, None] * NODES  # (robot, node)
    like = WEIGHTS * expit(np.where(yes[:, None] == 1, beta, -beta) * u)
    like /= like.sum(1, keepdims=True)
    after = (like * u).sum(1)
    spread = (like * (u - after[:, None]) ** 2).sum(1)
    step, shrink = (after - mean) / var, (1 - spread / var) / var
    outer = pull[:, :, None] * pull[:, None, :]
    return Robots(
        robots.mean + step[:, None] * pull,
        robots.cov - shrink[:, None, None] * outer,
    )


class Played(NamedTuple):
    """Per round and robot: worth of what happened, of always deferring, whether it deferred."""

    worth: Array
    obedient: Array
    defers: NDArray[np.bool_]


def play(
    seed: int,
    rounds: int = 120,
    robots: int = 400,
    features: int = 4,
    sees: int = 4,
    beta: float = 1.0,
    rest: float = 0.0,
    doubt: float | None = None,
    told: bool = False,
    margin: float = 0.0,
) -> Played:
    """Robots that play with one person each, and act or defer by belief.

    U is a sum of `features` standard normal features, weighted by what the
    person wants, weights standard normal; the robot sees the first `sees`.
    rest: variance that it admits for the part that it can't see; doubt: the
    same where it chooses, if that differs from what it learns with; margin:
    a bonus on deferring, whatever it believes. A robot
    that doesn't defer learns nothing in that round, unless `told` what the
    person would have decided. (In Milli et al. the order comes every round.)
    """
    rng = np.random.default_rng([seed, 17])
    wants = rng.normal(size=(robots, features))
    doubt = rest if doubt is None else doubt
    belief = Robots(
        np.zeros((robots, sees)), np.tile(np.eye(sees), (robots, 1, 1))
    )
    out = []
    for _ in range(rounds):
        options = rng.normal(size=(robots, features))
        u = (wants * options).sum(1)
        yes = (rng.random(robots) < expit(beta * u)).astype(float)
        seen = options[:, :sees]
        mean = (belief.mean * seen).sum(1)
        var = np.einsum("ri,rij,rj->r", seen, belief.cov, seen) + doubt
        worth = allowed(mean, np.sqrt(var), beta)
        defers = worth + margin > np.maximum(mean, 0.0)
        out.append((np.where(defers, yes * u, (mean > 0) * u), yes * u, defers))
        taught = learn(belief, seen, yes, beta, rest)
        learns = defers | told
        belief = Robots(
            np.where(learns[:, None], taught.mean, belief.mean),
            np.where(learns[:, None, None], taught.cov, belief.cov),
        )
    worths, obedient, deferred = map(np.array, zip(*out))
    return Played(worths, obedient, deferred)


def advantage(played: Played, after: int = 40) -> float:
    """Worth a round beyond that of always deferring, over later rounds."""
    return float((played.worth - played.obedient)[after:].mean())

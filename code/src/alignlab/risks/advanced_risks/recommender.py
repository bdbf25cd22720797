"""A recommender that plans: what it does to the people whose clicks it counts.

A user's taste is a number between -1 and 1, and so is an item. A user clicks
on an item that is close to the taste, more often where the taste is strong,
and a click moves the taste toward the item. The set-up follows Carroll et al.
(2022, "Estimating and Penalizing Induced Preference Shifts in Recommender
Systems"), who learn the dynamics from data; here they are known, so that the
best policy is computed exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alignlab.risks.advanced_risks.goals import Floats, Ints

TASTES = np.linspace(-1, 1, 161)
ITEMS = np.linspace(-1, 1, 41)


class User(NamedTuple):
    """How people react: width of interest, pull of a click, and how much
    more often a strong taste clicks."""

    width: float = 0.35
    pull: float = 0.1
    zeal: float = 0.5


def drawn(seed: int) -> User:
    """A population's way to react, drawn within ranges that we chose."""
    width, pull, zeal = np.random.default_rng(seed).uniform(
        [0.25, 0.05, 0.4], [0.45, 0.15, 0.7]
    )
    return User(float(width), float(pull), float(zeal))


def clicks(user: User) -> Floats:
    """Probability of a click, (tastes, items)."""
    near = np.exp(-(((ITEMS - TASTES[:, None]) / user.width) ** 2) / 2)
    liking = 1 - user.zeal + user.zeal * np.abs(TASTES)
    return np.asarray(near * liking[:, None])


def moved(user: User) -> Ints:
    """Index of the taste after a click, (tastes, items)."""
    after = TASTES[:, None] + user.pull * (ITEMS - TASTES[:, None])
    return np.asarray(np.abs(after[..., None] - TASTES).argmin(-1))


def best_items(
    user: User, discount: float, still: float = 0.0, sweeps: int = 400
) -> Ints:
    """What to show a user of each taste, index of an item, (tastes,).

    Value iteration on the sum of discounted clicks. discount=0 counts the
    next click alone. still: price of a shift, in clicks for each unit that a
    taste moves. Raises ValueError where the discount is outside [0, 1), there
    is no sweep, or a user's numbers make no probabilities.
    """
    if not 0 <= discount < 1:
        raise ValueError(f"discount={discount} must be in [0, 1)")
    _check(user, sweeps)
    p, to = clicks(user), moved(user)
    shift = np.abs(TASTES[to] - TASTES[:, None])
    values = np.zeros(len(TASTES))
    for _ in range(sweeps):
        ahead = p * values[to] + (1 - p) * values[:, None]
        worth = p * (1 - still * shift) + discount * ahead
        values = worth.max(1)
    return np.asarray(worth.argmax(1))


def run(
    user: User,
    shown: Ints,
    starts: Floats,
    steps: int,
    seed: int,
    aimless: bool = False,
) -> tuple[Floats, Floats]:
    """Tastes over time, (steps + 1, users), and clicks a step, (steps,).

    shown: index of the item for each taste, (tastes,). starts: tastes at the
    beginning, (users,). aimless=True: the item is as far from the taste as
    the one that would be shown, on a side that a coin decides.
    """
    rng = np.random.default_rng(seed)
    p, to = clicks(user), moved(user)
    at = np.abs(starts[:, None] - TASTES).argmin(1)
    tastes, clicked = [TASTES[at]], []
    for _ in range(steps):
        item = shown[at]
        if aimless:
            away = np.abs(ITEMS[item] - TASTES[at])
            side = rng.choice([-1, 1], size=len(at))
            wanted = TASTES[at] + side * away
            item = np.abs(wanted[:, None] - ITEMS).argmin(1)
        hit = rng.random(len(at)) < p[at, item]
        clicked.append(hit.mean())
        at = np.where(hit, to[at, item], at)
        tastes.append(TASTES[at])
    return np.stack(tastes), np.array(clicked)


def _check(user: User, sweeps: int) -> None:
    if sweeps < 1:
        raise ValueError(f"sweeps={sweeps}: one at least")
    if not (user.width > 0 and 0 <= user.pull <= 1 and 0 <= user.zeal <= 1):
        raise ValueError(
            f"{user}: width must be above 0, pull and zeal in [0, 1]"
        )

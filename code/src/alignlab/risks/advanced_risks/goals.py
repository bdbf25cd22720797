"""Random goals in small deterministic worlds, and what their best plans have in common.

Turner et al. (2021, "Optimal Policies Tend to Seek Power") draw the reward
of every state at random and ask which actions are best under most of the
draws; the survey takes this up in section 2.2. A world here is a table
`follow` of shape (states, actions): the state that each action leads to.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def best_values(follow: Ints, rewards: Floats, discount: float) -> Floats:
    """Value of every state under its goal's best plan, by value iteration.

    follow: (states, actions). rewards: of being in a state, (goals, states).
    discount: gamma, in [0, 1). Returns V of shape (goals, states), with
    V(s) = R(s) + gamma max_a V(follow(s, a)), to within 1e-6 of one reward.
    Raises ValueError where the discount is outside [0, 1), and as
    `check_world` does.
    """
    if not 0 <= discount < 1:
        raise ValueError(f"discount={discount} must be in [0, 1)")
    check_world(follow, rewards)
    values = rewards / (1 - discount)
    change = np.inf
    while change > 1e-6:
        ahead = values[:, follow].max(2)  # (goals, states)
        new = rewards + discount * ahead
        change = float(np.abs(new - values).max())
        values = new
    return values


def plans(follow: Ints, values: Floats, start: int, steps: int) -> Ints:
    """States that the best plans visit from `start`, (goals, steps + 1).

    Of equally good actions the first is taken.
    """
    goals = np.arange(len(values))
    path = [np.full(len(values), start)]
    for _ in range(steps):
        options = follow[path[-1]]  # (goals, actions)
        best = values[goals[:, None], options].argmax(1)
        path.append(options[goals, best])
    return np.stack(path, 1)


def power(rewards: Floats, values: Floats, discount: float) -> Floats:
    """Turner et al.'s POWER of each state, their definition 5.2.

    (1 - gamma) / gamma times the mean over goals of V(s) - R(s): how well a
    goal can be served from here, before one knows which. Shape (states,),
    in units of one reward. Raises ValueError where the discount is not
    between 0 and 1: who looks no step ahead has no use for options.
    """
    if not 0 < discount < 1:
        raise ValueError(f"discount={discount} must be between 0 and 1")
    return np.asarray((1 - discount) / discount * (values - rewards).mean(0))


def check_world(follow: Ints, rewards: Floats) -> None:
    """Raise ValueError unless `follow` (states, actions) leads to states that
    are there and `rewards` (goals, states) are numbers, one for each of them.
    """
    states = len(follow)
    if follow.dtype.kind not in "iu" or follow.min() < 0:
        raise ValueError(f"follow holds {follow.min()}: give states from 0 on")
    if follow.max() >= states:
        raise ValueError(
            f"follow leads to state {follow.max()} of {states}: states are "
            f"0 to {states - 1}"
        )
    if rewards.ndim != 2 or rewards.shape[1] != states:
        raise ValueError(
            f"rewards of shape {rewards.shape} for {states} states: give "
            f"(goals, {states})"
        )
    if not np.isfinite(rewards).all():
        goal, state = np.argwhere(~np.isfinite(rewards))[0]
        raise ValueError(
            f"the reward of state {state} in goal {goal} is "
            f"{rewards[goal, state]}: give finite numbers"
        )


def random_goals(goals: int, states: int, seed: int) -> Floats:
    """Independent rewards, uniform in [0, 1], of shape (goals, states)."""
    return np.random.default_rng(seed).uniform(size=(goals, states))

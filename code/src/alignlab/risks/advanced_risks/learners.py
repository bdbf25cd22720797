"""Learners instead of perfect planners: tabular Q-learning, one learner a goal, all at once.

Turner and Tadepalli (2022, "Parametrically Retargetable Decision-Makers Tend
To Seek Power") show that perfection isn't needed for the tendency that Turner
et al. (2021) prove of best plans: it is enough that another goal would
have led the decision-maker elsewhere.
"""

from __future__ import annotations

import numpy as np

from alignlab.risks.advanced_risks.goals import Floats, Ints, check_world


def q_learning(
    follow: Ints,
    rewards: Floats,
    seed: int,
    episodes: int = 600,
    steps: int = 20,
    discount: float = 0.9,
    explore: float = 0.3,
    hope: float = 0.0,
    attached: bool = True,
    anywhere: bool = True,
) -> Floats:
    """Action values of one learner a goal, (goals, states, actions).

    follow: (states, actions). rewards: of the state that is reached,
    (goals, states). explore: share of actions at random. hope: what every
    action is believed to be worth before it was tried. attached=False: each
    reward is that of a state drawn anew, so that it tells nothing.
    Watkins and Dayan (1992, "Q-learning"), with a rate of 1, since nothing
    here is random; each episode is learned from backward. Raises ValueError
    for a discount or a share to explore outside [0, 1], and as `check_world`.
    """
    check_world(follow, rewards)
    for name, value in {"discount": discount, "explore": explore}.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name}={value} must be in [0, 1]")
    rng = np.random.default_rng(seed)
    goals, (states, actions) = np.arange(len(rewards)), follow.shape
    q = hope + rng.uniform(0, 0.01, size=(len(rewards), states, actions))
    for _ in range(episodes):
        at = rng.integers(states if anywhere else 1, size=len(rewards))
        lived = []
        for _ in range(steps):
            act = q[goals, at].argmax(1)
            wander = rng.random(len(rewards)) < explore
            act = np.where(wander, rng.integers(actions, size=len(act)), act)
            to = follow[at, act]
            paid = to if attached else rng.integers(states, size=len(to))
            lived.append((at, act, to, rewards[goals, paid]))
            at = to
        for at, act, to, reward in reversed(lived):
            q[goals, at, act] = reward + discount * q[goals, to].max(1)
    return q


def greedy(q: Floats, follow: Ints, start: int, steps: int) -> Ints:
    """States that the learners visit without exploring, (goals, steps + 1)."""
    goals = np.arange(len(q))
    path = [np.full(len(q), start)]
    for _ in range(steps):
        act = q[goals, path[-1]].argmax(1)
        path.append(follow[path[-1], act])
    return np.stack(path, 1)

"""Agents that learn a grid from what they are paid: two that learn values, one that learns a policy; many at once.

Q-learning (Watkins and Dayan 1992) is *off-policy*: it rates an action by the
best that could follow. Sarsa (Rummery and Niranjan 1994) is *on-policy*: it
rates an action by what did follow. The actor-critic raises the probability of
actions that went better than expected. It is REINFORCE (Williams 1992) with a
learned baseline, which also stands for what would follow the last step.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alignlab.risks.origins.rules import ACTIONS, LUCK, STEPS
from alignlab.risks.origins.table import Floats, Ints, Table

DISCOUNT = 0.95
EXPLORE = 0.2  # share of actions at random, for those that learn values


def greedy(q: Floats) -> Floats:
    """The policy that always takes the best action, as probabilities."""
    chosen = q.argmax(-1)
    return np.asarray(np.eye(q.shape[-1])[chosen])


def value_learner(
    table: Table,
    seed: int,
    agents: int = 10,
    tally: int | Ints = 0,
    on_policy: bool = False,
    told: bool = True,
    marks: Sequence[int] = (600,),
    hope: float = 0.0,
    rate: float = 0.2,
    explore: float = EXPLORE,
) -> Floats:
    """Q-learning, or Sarsa with on_policy=True; judged without exploring.

    tally: 0 pays the reward, 1 the performance, one for all or one for each
    agent. told: whether it learns which
    action was carried out where that is not the one chosen. marks: numbers of
    episodes after which the policies are judged. hope: what every action is
    believed to be worth at first. explore: share of actions at random.
    """
    rng = np.random.default_rng(seed)
    every = np.arange(agents)
    size = (agents, table.observations, len(ACTIONS))
    q = hope + rng.uniform(0, 0.01, size=size)
    q[:, 0] = 0  # nothing comes after the end
    policies = []

    def tried(values: Floats) -> Ints:
        """The best action, or one at random."""
        wander = rng.random(agents) < explore
        drawn = rng.integers(len(ACTIONS), size=agents)
        return np.where(wander, drawn, values.argmax(1))

    for episode in range(1, max(marks) + 1):
        at = rng.choice(table.starts, size=agents)
        lived: list[tuple[Ints, Ints, Floats]] = []
        for _ in range(STEPS):
            act = tried(q[every, table.seen[at]])
            luck = rng.integers(LUCK, size=agents)
            paid = table.pays[tally, at, act, luck]
            noted = table.did[at, act] if told else act
            lived.append((table.seen[at], noted, paid))
            at = table.follow[at, act, luck]
        to, then = table.seen[at], tried(q[every, table.seen[at]])
        then = table.did[at, then] if told else then
        for see, act, paid in reversed(lived):
            ahead = q[every, to]
            worth = ahead[every, then] if on_policy else ahead.max(1)
            goal = paid + DISCOUNT * worth
            q[every, see, act] += rate * (goal - q[every, see, act])
            to, then = see, act
        q[:, 0] = 0
        if episode in marks:
            policies.append(greedy(q))
    return np.array(policies)


def policy_learner(
    table: Table,
    seed: int,
    agents: int = 10,
    tally: int | Ints = 0,
    marks: Sequence[int] = (600,),
    rate: float = 0.2,
) -> Floats:
    """An actor-critic with a table of preferences and one of values.

    Arguments as of `value_learner`. It explores by its own policy, and is
    judged with it.
    """
    rng = np.random.default_rng(seed)
    every = np.arange(agents)
    scale = np.abs(table.pays).max()  # a step of learning is of equal size
    prefer = np.zeros((agents, table.observations, len(ACTIONS)))
    value = np.zeros((agents, table.observations))
    policies = []
    for episode in range(1, max(marks) + 1):
        chances = softmax(prefer)
        sums = chances.cumsum(-1)
        at = rng.choice(table.starts, size=agents)
        lived = []
        for _ in range(STEPS):
            see = table.seen[at]
            drawn = rng.random(agents)[:, None] > sums[every, see]
            act = drawn[:, :-1].sum(1)
            luck = rng.integers(LUCK, size=agents)
            paid = table.pays[tally, at, act, luck] / scale
            lived.append((see, act, paid))
            at = table.follow[at, act, luck]
        came = value[every, table.seen[at]]
        for see, act, paid in reversed(lived):
            came = paid + DISCOUNT * came
            better = came - value[every, see]
            value[every, see] += rate * better
            push = -chances[every, see]
            push[every, act] += 1
            prefer[every, see] += rate * better[:, None] * push
        value[:, 0] = 0
        if episode in marks:
            policies.append(softmax(prefer))
    return np.array(policies)


def softmax(prefer: Floats) -> Floats:
    """Probabilities from preferences, over the last axis."""
    raised = np.exp(prefer - prefer.max(-1, keepdims=True))
    return np.asarray(raised / raised.sum(-1, keepdims=True))

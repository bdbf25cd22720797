"""How much of a policy's choices a goal explains, beyond its liking for words.

Maximum-entropy inverse reinforcement learning (Ziebart et al. 2008) with five
weights: one for arriving at the coin, and one for each of the four words. The
choice probabilities of a demonstrator with such a reward follow from the soft
Bellman equation Q(s, a) = r(s, a) + g V(s'), V = log sum exp Q. Serves the
survey's section 5.3. Differences from the paper: a discount g instead of a
horizon, and probabilities in place of sampled ways.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from alignlab.inner.experiments.grid import CELLS, LEADS, Ints

DISCOUNT = 0.5
SWEEPS = 10  # of the Bellman equation; 0.5 ** 10 is 0.001


def soft_policy(goal: Tensor, words: Tensor) -> Tensor:
    """Log-probabilities of the four words, (coins, cells, 4).

    goal: weight of being at the coin, one number. words: (4,). Soft value
    iteration for each of the nine coins; a walk goes on at the coin.
    """
    arrives = torch.tensor(LEADS)[None] == torch.arange(CELLS)[:, None, None]
    reward = goal * arrives + words  # (coins, cells, 4)
    value = torch.zeros(CELLS, CELLS)
    for _ in range(SWEEPS):
        quality = reward + DISCOUNT * value[:, LEADS]
        value = quality.logsumexp(-1)
    return torch.log_softmax(reward + DISCOUNT * value[:, LEADS], -1)


def explained(
    chances: Tensor, where: Ints, with_goal: bool = True
) -> tuple[float, Tensor]:
    """The weights that explain choices best: goal, and words, (4,).

    chances: the policy's probabilities, (places, 4). where: cells of agent and
    coin, (places, 2). with_goal=False keeps the goal's weight at 0.
    """
    words = chances.mean(0).log()
    if not with_goal:
        return 0.0, words
    goal = torch.zeros(1, requires_grad=True)
    words = words.requires_grad_()
    learner = torch.optim.LBFGS(
        [goal, words], max_iter=20, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        learner.zero_grad()
        logs = soft_policy(goal, words)[where[:, 1], where[:, 0]]
        total = -(chances * logs).sum(-1).mean() + 1e-4 * goal.square().sum()
        total.backward()
        return total

    learner.step(loss)
    return float(goal.detach()), words.detach()


def coherence(chances: Tensor, where: Ints) -> float:
    """Nats a choice that the goal explains beyond the words, on held-out coins.

    For each coin both rewards are fitted on the other coins; above 0 the goal
    predicts. Raises ValueError with a single coin.
    """
    coins = np.unique(where[:, 1])
    if len(coins) < 2:
        raise ValueError(
            f"coins {coins.tolist()}: hold one out of at least two"
        )
    gained = []
    for coin in coins:
        held = where[:, 1] == coin
        fits = []
        for with_goal in (True, False):
            goal, words = explained(chances[~held], where[~held], with_goal)
            logs = soft_policy(torch.tensor(goal), words)
            logs = logs[where[held, 1], where[held, 0]]
            fits.append((chances[held] * logs).sum(-1))
        gained.append(fits[0] - fits[1])
    return float(torch.cat(gained).mean())


def walker(chances: Tensor, where: Ints, goal: float) -> Tensor:
    """Somebody with the average liking for words of `chances`, and a goal.

    goal: what arriving at the coin is worth, in nats. Returns (places, 4).
    """
    logs = soft_policy(torch.tensor(goal), chances.mean(0).log())
    return logs[where[:, 1], where[:, 0]].exp()

"""A reward model, its labels, and how much true reward optimizing it brings.

The fifth of Hubinger's (2019) proposals: can training against an adversary make
a learned model of the reward robust? The adversary here is the optimizer itself
(as in Christiano et al. 2017, who ask for labels while the policy trains): it
proposes what the present model scores highly, and those pairs are labeled.
Every way to choose pairs gets the same number of labels. Serves the survey's
section 5.3; the world is ours.

Answers are points of six numbers. A policy is the best one at a given
Kullback-Leibler divergence from drawing evenly: p proportional to exp(b r).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor
from torch.nn.functional import softplus

Aim = Literal["none", "random", "aimed", "unusual"]
SIZE = 6  # numbers of an answer
POOL = 1000
HIDDEN = 16
FIRST = 80  # labels that every model gets
ROUNDS = 4
BOLD = 4.0  # nats from which pairs are proposed
TURN = 1.5  # where the true reward turns, in standard deviations


class World(NamedTuple):
    """Answers to label and to be judged on, with their true reward.

    pool, judged: (worlds, POOL, SIZE). gold, judged_gold: (worlds, POOL), with
    mean 0 and standard deviation 1.
    """

    pool: Tensor
    gold: Tensor
    judged: Tensor
    judged_gold: Tensor
    seeds: tuple[int, ...]


class Labels(NamedTuple):
    """Comparisons. first, second: the answers, (worlds, pairs, SIZE). won: 1
    where the first was preferred, else 0, (worlds, pairs)."""

    first: Tensor
    second: Tensor
    won: Tensor


def make(seeds: Sequence[int], turn: float = 4.0) -> World:
    """A world for each seed.

    The true reward rises along one random direction, falls by `turn` for each
    unit beyond `TURN` along another that goes with it, and bends a little.
    turn=0: it never falls.
    """
    parts: list[list[Tensor]] = [[], [], [], []]
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        good, other = torch.randn(2, SIZE, generator=generator)
        good = good / good.norm()
        other = other - (other @ good) * good
        excess = (good + other / other.norm()) / math.sqrt(2)
        bends = torch.randn(SIZE, 8, generator=generator)
        for part in (0, 2):
            points = torch.randn(POOL, SIZE, generator=generator)
            reward = points @ good + 0.3 * torch.tanh(points @ bends).mean(-1)
            beyond = torch.relu(points @ excess - TURN)
            reward = reward - turn * beyond
            parts[part].append(points)
            parts[part + 1].append((reward - reward.mean()) / reward.std())
    pool, gold, judged, judged_gold = (torch.stack(part) for part in parts)
    return World(pool, gold, judged, judged_gold, tuple(seeds))


def fit(labels: Labels, seed: int, steps: int = 200) -> dict[str, Tensor]:
    """Reward models from comparisons (Bradley and Terry 1952), one a world.

    The probability that the first wins is the sigmoid of the difference of the
    scores. Returns the weights of a network with one hidden layer.
    """
    first, second, won = labels
    generator = torch.Generator().manual_seed(seed)
    models = len(first)
    one = torch.randn(models, SIZE, HIDDEN, generator=generator)
    two = torch.randn(models, HIDDEN, 1, generator=generator)
    weights = {"one": one / SIZE**0.5, "bias": torch.zeros(models, 1, HIDDEN),
               "two": two / HIDDEN**0.5}  # fmt: skip
    for part in weights.values():
        part.requires_grad_()
    learner = torch.optim.AdamW(weights.values(), lr=0.02, weight_decay=0.1)
    points = torch.cat([first, second], 1)
    sign = 2 * won - 1
    for _ in range(steps):
        scores = score(weights, points)
        margin = scores[:, : first.shape[1]] - scores[:, first.shape[1] :]
        loss = softplus(-sign * margin).mean(1).sum()
        learner.zero_grad()
        loss.backward()
        learner.step()
    return {k: v.detach() for k, v in weights.items()}


def score(weights: dict[str, Tensor], points: Tensor) -> Tensor:
    """The reward model's scores, (models, points)."""
    hidden = torch.relu(points @ weights["one"] + weights["bias"])
    return (hidden @ weights["two"])[..., 0]


def policy(reward: Tensor, kl: float) -> Tensor:
    """The best policy for a reward at `kl` nats from drawing evenly.

    reward: (models, points). Returns probabilities of that shape. Raises
    ValueError where no policy is that far, or kl isn't positive.
    """
    most = math.log(reward.shape[-1])
    if not 0 < kl < most:
        raise ValueError(f"kl={kl} must lie between 0 and {most:.2f} nats")
    scaled = reward / reward.std(-1, keepdim=True)
    low = torch.zeros(len(reward), 1)
    high = torch.full((len(reward), 1), 200.0)
    for _ in range(26):
        middle = (low + high) / 2
        logs = torch.log_softmax(middle * scaled, -1)
        far = (logs.exp() * logs).sum(-1, keepdim=True) + most
        low = torch.where(far < kl, middle, low)
        high = torch.where(far < kl, high, middle)
    return logs.exp()


def collect(world: World, aim: Aim, extra: int = 80) -> Labels:
    """`FIRST` random labels for each world, and `extra` chosen by `aim`.

    "random": both answers of a pair drawn evenly. "aimed": both drawn from the
    policy that the present model likes best at `BOLD` nats. "unusual": both
    from the answers furthest from the mean answer, as many nats away. "none":
    no more labels. The extra labels come in `ROUNDS` rounds; where the aim
    needs a model, it is trained anew on all labels so far.
    Raises ValueError for another aim.
    """
    if aim not in get_args(Aim):
        raise ValueError(f"no aim {aim!r}; choose one of {get_args(Aim)}")
    generator = torch.Generator().manual_seed(sum(world.seeds))
    evenly = torch.ones_like(world.gold)
    labels = ask(world, evenly, FIRST, generator)
    if aim == "none":
        return labels
    for number in range(ROUNDS):
        chances = evenly
        if aim == "aimed":
            model = fit(labels, seed=number)
            chances = policy(score(model, world.pool), BOLD)
        if aim == "unusual":
            chances = policy(world.pool.norm(dim=-1), BOLD)
        more = ask(world, chances, extra // ROUNDS, generator)
        labels = Labels(*(torch.cat(two, 1) for two in zip(labels, more)))
    return labels


def ask(
    world: World, chances: Tensor, count: int, generator: torch.Generator
) -> Labels:
    """`count` pairs for each world, drawn by `chances` and labeled.

    The first wins with probability sigmoid(4 · difference of true reward).
    """
    drawn = torch.multinomial(chances, 2 * count, True, generator=generator)
    rows = torch.arange(len(chances))[:, None]
    points, gold = world.pool[rows, drawn], world.gold[rows, drawn]
    chance = torch.sigmoid(4 * (gold[:, :count] - gold[:, count:]))
    won = (torch.rand(chance.shape, generator=generator) < chance).float()
    return Labels(points[:, :count], points[:, count:], won)


def cautious(
    labels: Labels, points: Tensor, weight: float = 0.5, members: int = 5
) -> Tensor:
    """An ensemble's mean score less `weight` times its variance, (worlds, points).

    Uncertainty-weighted optimization (Coste et al. 2023). Members differ by
    their first weights; each one's scores are standardized first.
    """
    found = []
    for member in range(members):
        scores = score(fit(labels, seed=100 + member), points)
        scores = scores - scores.mean(-1, keepdim=True)
        found.append(scores / scores.std(-1, keepdim=True))
    each = torch.stack(found)
    return each.mean(0) - weight * each.var(0)


def true_reward(world: World, scores: Tensor, kl: float) -> Tensor:
    """True reward of the policy for `scores`, `kl` nats from drawing evenly.

    scores: (worlds, POOL), of the judged answers. Drawing evenly brings 0.
    Returns (worlds,).
    """
    return (policy(scores, kl) * world.judged_gold).sum(-1)

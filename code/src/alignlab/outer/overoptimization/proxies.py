"""Over-optimization: a policy trained against a learned reward, watched by the true one.

Serves the survey's section 4.3.3. The setup is that of Gao et al. (2023, "Scaling laws for reward model
overoptimization"): a *gold* reward stands for people, a *proxy* is learned from its picks, a policy is optimized
against the proxy by policy gradient or best-of-n, and both rewards are followed over the root of the KL divergence from
the start. Here an answer is a point of R^16, the untrained policy a standard normal, and the gold reward is known. What
differs from the paper: its policies and reward models are transformers, its optimizer is PPO, its answers are texts
that follow prompts, and its picks always take the answer with the higher gold reward; here there are no prompts, the
optimizer is REINFORCE, and the picks are sampled by Bradley and Terry's probabilities.

All functions work on several *tasks* at once, gold rewards that have nothing to do with each other: the first axis of
every tensor is the task.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from alignlab.lm.training import descend

D = 16  # numbers that describe an answer
Reward = Callable[[Tensor], Tensor]  # answers (task, n, D) -> rewards (task, n)


class Draws:
    """Random numbers for several tasks, each from a generator of its own, so
    that a task's numbers don't depend on which tasks run beside it.
    """

    def __init__(self, tasks: Sequence[int], stream: int = 0) -> None:
        """tasks: their numbers. stream: another one gives other numbers."""
        self.generators = [
            torch.Generator().manual_seed(1_000_003 * stream + task)
            for task in tasks
        ]

    def normal(self, *shape: int) -> Tensor:
        """Standard normal, (task, *shape), the same on every processor (which
        torch's own float32 numbers are not).
        """
        drawn = [
            torch.randn(shape, dtype=torch.float64, generator=generator)
            for generator in self.generators
        ]
        return torch.stack(drawn).float()

    def uniform(self, *shape: int) -> Tensor:
        """Uniform on 0 to 1, (task, *shape)."""
        drawn = [
            torch.rand(shape, generator=generator)
            for generator in self.generators
        ]
        return torch.stack(drawn)

    def rows(self, n: int, count: int) -> Tensor:
        """Indices below n, with replacement, (task, count)."""
        drawn = [
            torch.randint(n, (count,), generator=generator)
            for generator in self.generators
        ]
        return torch.stack(drawn)


def gold_reward(draws: Draws) -> Reward:
    """True rewards: a direction, some texture, and a price for going far in
    any of eight other directions.

    Near the start the three vary about equally; the price grows with the
    square of the distance, so that far out it outweighs the rest. Scaled to
    mean 0 and standard deviation 1 over the start.
    """
    along = F.normalize(draws.normal(D, 1), dim=1)
    waves = draws.normal(D, 24) / D**0.5
    heights = draws.normal(24, 1)
    costly = draws.normal(D, 8) / D**0.5

    def raw(x: Tensor) -> Tensor:
        texture = torch.tanh(1.5 * x @ waves) @ heights
        price = F.relu((x @ costly).abs() - 0.5).square().sum(-1)
        return (x @ along + 0.3 * texture)[..., 0] - 0.3 * price

    return standardize(raw, draws)


def standardize(reward: Reward, draws: Draws, n: int = 4_000) -> Reward:
    """The same reward with mean 0 and standard deviation 1 over the start."""
    with torch.no_grad():
        sample = reward(draws.normal(n, D))
    mean = sample.mean(-1, keepdim=True)
    std = sample.std(-1, keepdim=True)
    return lambda x: (reward(x) - mean) / std


def comparisons(
    gold: Reward,
    n: int,
    draws: Draws,
    careless: float = 0.0,
    times: int = 1,
    spread: float = 1.0,
) -> tuple[Tensor, Tensor]:
    """Picks between two answers: the picked ones and the others, each
    (task, n * times, D).

    n: pairs. careless: share of the picks that are made by tossing a coin; the
        others follow Bradley and Terry's model, with probability
        sigmoid(2 x difference of gold rewards). times: how often each pair is
        asked. spread: standard deviation of the answers, 1 for ordinary ones.
    """
    a = (spread * draws.normal(n, D)).repeat(1, times, 1)
    b = (spread * draws.normal(n, D)).repeat(1, times, 1)
    p = torch.sigmoid(2 * (gold(a) - gold(b)))
    p[:, : round(careless * n * times)] = 0.5
    first = (draws.uniform(n * times) < p)[..., None]
    return torch.where(first, a, b), torch.where(first, b, a)


@dataclass(frozen=True)
class Network:
    """A reward model of each task: one hidden layer of rectified units.

    into (..., task, D, width), shift (..., task, 1, width), out
    (..., task, width, 1); mean and std: of its rewards over the start.
    """

    into: Tensor
    shift: Tensor
    out: Tensor
    mean: Tensor | float = 0.0
    std: Tensor | float = 1.0

    def hidden(self, x: Tensor) -> Tensor:
        """The features in which the reward is linear, (task, n, width)."""
        return F.relu(x @ self.into + self.shift)

    def __call__(self, x: Tensor) -> Tensor:
        """The rewards, (task, n)."""
        return ((self.hidden(x) @ self.out)[..., 0] - self.mean) / self.std

    def standardized(self, ordinary: Tensor) -> Network:
        """The same with mean 0 and standard deviation 1 over some answers."""
        r = self(ordinary)
        return replace(
            self, mean=r.mean(-1, keepdim=True), std=r.std(-1, keepdim=True)
        )


def fit_proxy(
    chosen: Tensor,
    rejected: Tensor,
    draws: Draws,
    members: int = 1,
    steps: int = 150,
    width: int = 32,
    alike: bool = False,
) -> list[Network]:
    """Reward models, networks of one hidden layer, trained on the same picks
    from different first weights.

    chosen, rejected: (task, n, D). Bradley and Terry's loss, AdamW, batches of
        64 picks drawn with replacement. alike: all members start from the
        same first weights and differ in their batches alone. Returns `members`
        standardized rewards. Raises ValueError where the shapes differ.
    """
    if chosen.shape != rejected.shape:
        raise ValueError(
            f"chosen has shape {tuple(chosen.shape)}, rejected "
            f"{tuple(rejected.shape)}; they must agree"
        )

    def first(rows: int, columns: int, scale: float) -> nn.Parameter:
        drawn = [
            scale * draws.normal(rows, columns)
            for _ in range(1 if alike else members)
        ]
        return nn.Parameter(torch.stack(drawn * (members if alike else 1)))

    into = first(D, width, D**-0.5)  # (member, task, D, width)
    shift = first(1, width, 0.3)
    out = first(width, 1, width**-0.5)
    optimizer = torch.optim.AdamW(
        [into, shift, out], lr=5e-3, weight_decay=0.01, fused=True
    )
    task = torch.arange(len(chosen))[:, None]
    for step in range(steps):
        rows = torch.stack(
            [
                draws.rows(chosen.shape[1], 64)
                for _ in range(members if alike else 1)
            ]
        )
        network = Network(into, shift, out)
        better = network(chosen[task, rows])
        worse = network(rejected[task, rows])
        loss = -F.logsigmoid(better - worse).mean(-1).sum()
        descend(optimizer, loss, step)
    into, shift, out = into.detach(), shift.detach(), out.detach()  # type: ignore[assignment]
    ordinary = draws.normal(4_000, D)
    return [
        Network(into[i], shift[i], out[i]).standardized(ordinary)
        for i in range(members)
    ]


def worst_case(rewards: Sequence[Reward]) -> Reward:
    """The lowest reward that any member gives (worst-case optimization of
    Coste et al. 2023).
    """
    return lambda x: torch.stack([reward(x) for reward in rewards]).amin(0)


def average(rewards: Sequence[Reward]) -> Reward:
    """The mean of the members' rewards (mean optimization of Coste et al. 2023)."""
    return lambda x: torch.stack([reward(x) for reward in rewards]).mean(0)


def pessimistic(
    proxy: Network,
    chosen: Tensor,
    rejected: Tensor,
    weight: float,
    ridge: float = 1.0,
    blind: bool = False,
) -> Reward:
    """A reward model's verdict minus what the comparisons leave unsure
    (Zhu et al. 2023, algorithm 1, with the hidden layer as its features).

    An answer with features h costs weight * sqrt((h - v)' C^-1 (h - v)), where
    C sums (h' - h'')(h' - h'')' over the pairs that were compared, plus `ridge`
    on the diagonal, and v are the mean features of the answers compared. The
    paper takes the norm once, of the policy's mean features, and sets the
    weight by a bound; here each answer has its norm, and the weight is chosen
    (it takes in the root of the number of pairs, since the paper's C is a
    mean). blind: C becomes its
    mean diagonal times the identity, which knows nothing of the pairs. Returns
    rewards in the proxy's units.
    """
    better, worse = proxy.hidden(chosen), proxy.hidden(rejected)
    apart = better - worse
    width = apart.shape[-1]
    compared = apart.mT @ apart + ridge * torch.eye(width)
    if blind:
        per_feature = compared.diagonal(dim1=-2, dim2=-1).mean(-1)
        compared = per_feature[:, None, None] * torch.eye(width)
    root = torch.linalg.cholesky(torch.linalg.inv(compared))
    usual = (better.mean(1, True) + worse.mean(1, True)) / 2

    def reward(x: Tensor) -> Tensor:
        unsure = ((proxy.hidden(x) - usual) @ root).norm(dim=-1)
        return proxy(x) - weight * unsure / proxy.std

    return reward


def shorter(reward: Reward, weight: float) -> Reward:
    """A reward minus weight times the answer's length, its Euclidean norm."""
    return lambda x: reward(x) - weight * x.norm(dim=-1)


def agreement(
    reward: Reward, gold: Reward, draws: Draws, n: int = 4_000
) -> Tensor:
    """Share of n pairs of ordinary answers that a reward orders as the gold
    one does, (task,).
    """
    a, b = draws.normal(n, D), draws.normal(n, D)
    same = (reward(a) > reward(b)) == (gold(a) > gold(b))
    return same.double().mean(1)


def imprecise(gold: Reward, like: Reward, draws: Draws) -> Reward:
    """The gold reward with normal noise, drawn anew for each verdict, so much
    that it orders pairs of ordinary answers about as often rightly as `like`.

    Two normal rewards with correlation c order a share 1/2 + arcsin(c) / pi of
    pairs alike.
    """
    share = agreement(like, gold, draws).clamp(0.501, 0.999)
    correlation = torch.sin(math.pi * (share - 0.5))
    noise = (correlation**-2 - 1).sqrt().float()[:, None]
    scale = (1 + noise**2).sqrt()
    return lambda x: (gold(x) + noise * draws.normal(x.shape[1])) / scale


class Run(NamedTuple):
    """What optimization did to the policies of several tasks, each
    (task, steps).
    """

    distance: np.ndarray  # root of KL(policy || start), nats
    proxy: np.ndarray
    gold: np.ndarray
    spread: np.ndarray  # standard deviation of the answers, mean over D

    def at(self, distance: np.ndarray) -> Run:
        """The same read off at given distances; where a policy never went as
        far, its farthest point.
        """
        rewards = []
        for values in self[1:]:
            read = []
            for d, v in zip(self.distance, values):
                order = np.maximum.accumulate(d)
                read.append(np.interp(distance, order, v))
            rewards.append(np.array(read))
        here = np.broadcast_to(distance, rewards[0].shape)
        return Run(here, *rewards)


def policy_gradient(
    proxy: Reward,
    gold: Reward,
    draws: Draws,
    steps: int = 80,
    lr: float = 0.05,
    kl_penalty: float = 0.0,
    answers: int = 128,
) -> Run:
    """REINFORCE with whitened rewards on a normal policy with its own mean and
    spread in each dimension.

    Each step draws `answers` answers and writes down the mean of both rewards
    over them. kl_penalty: what a nat of divergence from the start costs, in
    standard deviations of the whitened reward. The logarithm of a spread is
    kept between -1.5 and 0.5.
    """
    mean = torch.zeros(len(draws.generators), 1, D, requires_grad=True)
    log_std = torch.zeros_like(mean, requires_grad=True)
    optimizer = torch.optim.Adam([mean, log_std], lr=lr, fused=True)
    rows = []
    for step in range(steps):
        std = log_std.exp()
        noise = draws.normal(answers, D)
        kl = (0.5 * (mean**2 + std**2 - 1) - log_std).sum((1, 2))
        with torch.no_grad():
            x = mean + std * noise
            r, true = proxy(x), gold(x)
            distance = kl.clamp(min=0).sqrt()
            spread = std.mean((1, 2))
            rows.append(
                torch.stack([distance, r.mean(1), true.mean(1), spread])
            )
            advantage = (r - r.mean(1, True)) / (r.std(1, keepdim=True) + 1e-6)
        logprob = (-0.5 * ((x - mean) / std) ** 2 - log_std).sum(2)
        gain = (advantage * logprob).mean(1)
        loss = (kl_penalty * kl - gain).sum()
        descend(optimizer, loss, step)
        with torch.no_grad():
            log_std.clamp_(-1.5, 0.5)
    return Run(*torch.stack(rows, dim=-1).double().numpy())

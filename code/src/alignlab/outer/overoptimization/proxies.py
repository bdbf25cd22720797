"""Over-optimization: a policy trained against a learned reward, watched by the true one.

Serves the survey's section 4.3.3. The setup is that of Gao et al. (2023, "Scaling laws for reward model
overoptimization"): a *gold* reward stands for people, a *proxy* is learned from its picks, a policy is optimized
against the proxy by policy gradient or best-of-n, and both rewards are followed over the root of the KL divergence from
the start. Here an answer is a point of R^16, the untrained policy a standard normal, and the gold reward is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from alignlab.lm.training import descend
from alignlab.outer.best_of_n import Path

D = 16  # numbers that describe an answer
Reward = Callable[[Tensor], Tensor]  # answers (n, D) -> rewards (n,)


def normal(generator: torch.Generator, *shape: int) -> Tensor:
    """Standard normal numbers in float32, the same on every processor (torch's own float32 ones are not)."""
    return torch.randn(shape, dtype=torch.float64, generator=generator).float()


def gold_reward(seed: int) -> Reward:
    """A true reward: mostly a direction, some texture, and a price for going
    far in any of eight directions.

    Near the start the price is small, so that comparisons of ordinary answers
    say little about it. Scaled to mean 0 and standard deviation 1 over the
    start.
    """
    g = torch.Generator().manual_seed(seed)
    along = F.normalize(normal(g, D), dim=0)
    texture, sign = normal(g, 24, D) / D**0.5, normal(g, 24)
    costly = normal(g, 8, D) / D**0.5

    def raw(x: Tensor) -> Tensor:
        far = F.relu((x @ costly.T).abs() - 0.5).square().sum(-1)
        return (
            x @ along + 0.3 * torch.tanh(1.5 * x @ texture.T) @ sign - 0.3 * far
        )

    return standardize(raw, g)


def standardize(
    reward: Reward, generator: torch.Generator, n: int = 5_000
) -> Reward:
    """The same reward with mean 0 and standard deviation 1 over the start."""
    with torch.no_grad():
        sample = reward(normal(generator, n, D))
    mean, std = sample.mean(), sample.std()
    return lambda x: (reward(x) - mean) / std


def comparisons(
    gold: Reward, n: int, generator: torch.Generator, careless: float = 0.0
) -> tuple[Tensor, Tensor]:
    """n pairs of ordinary answers, the picked and the other one, each (n, D); picks follow sigmoid(2 x difference).

    careless: share of picks made by tossing a coin.
    """
    a, b = normal(generator, 2, n, D)
    p = (1 - careless) * torch.sigmoid(2 * (gold(a) - gold(b))) + careless / 2
    first = (torch.rand(n, generator=generator) < p)[:, None]
    return torch.where(first, a, b), torch.where(first, b, a)


def fit_proxy(
    chosen: Tensor,
    rejected: Tensor,
    seed: int,
    members: int = 1,
    steps: int = 300,
    alike: bool = False,
) -> list[Reward]:
    """Reward models, networks of one hidden layer, trained on the same picks
    from different first weights.

    chosen, rejected: (n, D). Bradley and Terry's loss, AdamW, batches of 256 at
        most. alike: from the same first weights instead, each with batches of
        its own. Returns `members` standardized rewards. Raises ValueError where
        the shapes differ.
    """
    if chosen.shape != rejected.shape:
        raise ValueError(
            f"chosen has shape {tuple(chosen.shape)}, rejected "
            f"{tuple(rejected.shape)}; they must agree"
        )
    g = torch.Generator().manual_seed(seed)
    into, shift, out = (
        nn.Parameter(
            (
                normal(g, 1, *shape).repeat(members, 1, 1)
                if alike
                else normal(g, members, *shape)
            )
            * scale
        )
        for shape, scale in (
            ((D, 64), D**-0.5),
            ((1, 64), 0.3),
            ((64, 1), 0.125),
        )
    )

    optimizer = torch.optim.AdamW(
        [into, shift, out], lr=3e-3, weight_decay=0.01, fused=True
    )
    for step in range(steps):
        rows = torch.randint(
            len(chosen),
            (members if alike else 1, min(len(chosen), 256)),
            generator=g,
        )
        margin = (
            F.relu(chosen[rows] @ into + shift)
            - F.relu(rejected[rows] @ into + shift)
        ) @ out  # (member, pair, 1)
        loss = -F.logsigmoid(margin).mean(1).sum()
        descend(optimizer, loss, step)
    weights = (into.detach(), shift.detach(), out.detach())
    return [
        standardize(partial(_one_member, *(w[member] for w in weights)), g)
        for member in range(members)
    ]


def _one_member(into: Tensor, shift: Tensor, out: Tensor, x: Tensor) -> Tensor:
    return (F.relu(x @ into + shift) @ out)[:, 0]


def worst_case(rewards: Sequence[Reward]) -> Reward:
    """The lowest reward that any member gives (worst-case optimization of Coste et al. 2023)."""
    return lambda x: torch.stack([reward(x) for reward in rewards]).amin(0)


def policy_gradient(
    proxy: Reward, gold: Reward, seed: int, steps: int = 120, lr: float = 0.03
) -> Path:
    """REINFORCE with whitened rewards on a normal policy with its own mean and
    spread in each dimension.

    There is no KL penalty; the divergence from the start is followed, not
    limited. Rewards are means over 512 answers.
    """
    g = torch.Generator().manual_seed(seed)
    mean, log_std = (torch.zeros(D, requires_grad=True) for _ in range(2))
    optimizer = torch.optim.Adam([mean, log_std], lr=lr, fused=True)
    rows = []
    for step in range(steps):
        with torch.no_grad():
            std = log_std.exp()
            kl = (0.5 * (mean**2 + std**2 - 1) - log_std).sum()
            x = mean + std * normal(g, 512, D)
            r = proxy(x)
            rows.append(
                (
                    math.sqrt(max(float(kl), 0.0)),
                    float(r.mean()),
                    float(gold(x).mean()),
                )
            )
            advantage = (r - r.mean()) / (r.std() + 1e-6)
        logprob = (-0.5 * ((x - mean) / log_std.exp()) ** 2 - log_std).sum(1)
        loss = -(advantage * logprob).mean()
        descend(optimizer, loss, step)
        with torch.no_grad():
            log_std.clamp_(-1.5, 0.5)
    return Path(*np.array(rows).T)


def fit_form(
    path: Path, logarithmic: bool, with_beta: bool = True
) -> tuple[float, float, float]:
    """Least squares of gold = d (alpha - beta log d), or d (alpha - beta d) (Gao et al. 2023, section 3).

    Returns alpha, beta and the root mean squared residual. with_beta=False leaves the second term out.
    """
    keep = path.distance > 0.1
    d, gold = path.distance[keep], path.gold[keep]
    terms = [d, -d * (np.log(d) if logarithmic else d)][: 2 if with_beta else 1]
    found, *_ = np.linalg.lstsq(np.stack(terms, axis=1), gold, rcond=None)
    residual = gold - np.stack(terms, axis=1) @ found
    return (
        float(found[0]),
        float(found[1]) if with_beta else 0.0,
        float(np.sqrt((residual**2).mean())),
    )


def holds_until(
    path: Path, logarithmic: bool, tolerance: float = 0.1
) -> tuple[float, float, float]:
    """How far a form describes a path: to the last distance up to which its
    residual stays within `tolerance`.

    Returns that distance, and alpha and beta fitted up to there; distance 0
    where four points are too many for it.
    """
    for last in range(len(path.distance), 3, -1):
        part = Path(*(values[:last] for values in path))
        alpha, beta, residual = fit_form(part, logarithmic)
        if residual <= tolerance:
            return float(part.distance[-1]), alpha, beta
    return 0.0, alpha, beta


def mean_path(paths: Sequence[Path], distance: np.ndarray) -> Path:
    """The mean of several paths, read off at given distances."""
    rewards = [
        [np.interp(distance, path.distance, values) for values in path[1:]]
        for path in paths
    ]
    return Path(distance, *np.mean(rewards, axis=0))

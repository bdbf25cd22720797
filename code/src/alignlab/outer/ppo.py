"""Proximal policy optimization for language models, with every detail that reference implementations share.

Serves the survey's section 4.3.1. The algorithm is that of Schulman et al. (2017), as used on language models by
Ziegler et al. (2019), Stiennon et al. (2020) and Ouyang et al. (2022); which details matter is told by Zheng et al.
(2023, "PPO-max") and by Huang et al. (2024, "The N+ implementation details of RLHF with PPO"). A token is an action, a
text an episode. Every piece is a function of tensors (text, token) with a mask that is True at the policy's own tokens.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from alignlab.lm import TinyTransformer
from alignlab.lm.masks import (
    as_mask,
    check_counts,
    check_shapes,
    left_positions,
    masked,
    masked_mean,
)
from alignlab.lm.training import descend
from alignlab.toys.storyland import END, Reward, Stories, clone, sample, scored


def response_mask(tokens: Tensor, start: int, stop: int) -> Tensor:
    """True from position `start` to the first stop token, that included; (n, T)
    bool.

    The stop token is an action of the policy and is rewarded as one; what
    stands after it is not.
    """
    if tokens.ndim != 2:
        raise ValueError(
            f"tokens of shape {tuple(tokens.shape)}: give (n, T), for one text "
            "tokens[None]"
        )
    chosen = torch.arange(tokens.shape[1], device=tokens.device) >= start
    stops = (tokens == stop) & chosen
    return chosen & (stops.long().cumsum(1) - stops.long() == 0)


def positions(attention: Tensor) -> Tensor:
    """Position ids of left-padded rows: the first real token stands at 0.
    attention: (n, T), False at padding.

    Without them a padded prompt has other positions than the same prompt alone,
    and so other log-probabilities.
    """
    return left_positions(attention)


def whiten(x: Tensor, mask: Tensor, shift_mean: bool = True) -> Tensor:
    """Mean 0 and variance 1 over the mask; 0 elsewhere. shift_mean=False
    divides only, and keeps the mean.

    Raises ValueError where the mask is False everywhere.
    """
    x = masked(x, mask)
    mean = masked_mean(x, mask)
    white = (x - mean) * torch.rsqrt(
        masked_mean((x - mean).square(), mask) + 1e-8
    )
    return masked(white if shift_mean else white + mean, mask)


def kl_estimate(
    logratio: Tensor, kind: Literal["k1", "k2", "k3"] = "k1"
) -> Tensor:
    """KL(policy || reference) from tokens drawn by the policy (Schulman 2020,
    "Approximating KL divergence").

    logratio: log policy - log reference of the drawn tokens, any shape. k1 is
        unbiased, and negative wherever the reference finds the token likelier;
        k2, half its square, is biased; k3 = exp(-logratio) - 1 + logratio is
        unbiased and never negative. Unbiased means: in the mean over tokens
        that the policy itself drew, at temperature 1.
    """
    if kind == "k1":
        return logratio
    return (
        0.5 * logratio.square()
        if kind == "k2"
        else torch.expm1(-logratio) + logratio
    )


def token_rewards(
    score: Tensor, kl: Tensor, mask: Tensor, beta: float
) -> Tensor:
    """The reward of each token, (n, T): -beta times its KL, and at the last one
    the text's score (Ziegler et al. 2019).

    score: (n,), from the reward model. kl: (n, T), `kl_estimate` of each token.
    A text without tokens gets none.
    """
    mask = as_mask(mask)
    check_shapes(mask.shape, kl=kl)
    check_shapes(mask.shape[:1], score=score)
    positions_ = torch.arange(mask.shape[1], device=mask.device)
    last = (mask * positions_).amax(1)
    return (
        (-beta * kl)
        .masked_fill(~mask, 0)
        .scatter_add(1, last[:, None], masked(score, mask.any(1))[:, None])
    )


def gae(
    rewards: Tensor, values: Tensor, mask: Tensor, gamma: float, lam: float
) -> tuple[Tensor, Tensor]:
    """Generalized advantage estimation (Schulman et al. 2016, eq. 16);
    advantages and returns, both (n, T).

    values[:, t]: what is expected before token t is chosen; after a text's last
    token it is 0. The return is advantage plus value. lam = 1 gives return
    minus value, lam = 0 the error of the one-step prediction.
    """
    check_shapes(mask.shape, rewards=rewards, values=values)
    rewards, values = masked(rewards, mask), masked(values, mask)
    advantages, following, later = (
        torch.zeros_like(rewards),
        torch.zeros_like(rewards[:, 0]),
        torch.zeros_like(values[:, 0]),
    )
    for t in reversed(range(rewards.shape[1])):
        following = (
            rewards[:, t]
            + gamma * later
            - values[:, t]
            + gamma * lam * following
        ) * mask[:, t]
        advantages[:, t], later = following, values[:, t]
    return advantages, (advantages + values) * mask


def policy_loss(
    logp: Tensor, old: Tensor, advantages: Tensor, mask: Tensor, clip: float
) -> tuple[Tensor, Tensor]:
    """The clipped surrogate loss (Schulman et al. 2017, eq. 7), and the share
    of tokens where the clip holds.

    logp, old: log-probabilities of the tokens now and when they were drawn. The
    worse of the clipped and the unclipped objective counts: a token gets no
    more gradient once its ratio has gone beyond 1 ± clip in its advantage's
    favor. What stands where the mask is False never counts. Raises ValueError
    where it is False everywhere.
    """
    mask = as_mask(mask)
    check_shapes(mask.shape, logp=logp, old=old, advantages=advantages)
    count = check_counts(mask)
    ratio = masked(logp - old, mask).exp()  # 1 where nothing counts,
    gain = masked(advantages, mask)  # and 0 there, so that its loss is 0
    plain, clipped = -gain * ratio, -gain * ratio.clamp(1 - clip, 1 + clip)
    return (
        torch.maximum(plain, clipped).sum() / count,
        (clipped > plain).sum() / count,
    )


def value_loss(
    values: Tensor, old: Tensor, returns: Tensor, mask: Tensor, clip: float
) -> Tensor:
    """Half the squared error; the worse of the value and of the value held
    within `clip` of what it was.

    Raises ValueError where the mask is False everywhere.
    """
    mask = as_mask(mask)
    check_shapes(mask.shape, values=values, old=old, returns=returns)
    held = old + (values - old).clamp(-clip, clip)
    worse = torch.maximum(
        masked(values - returns, mask).square(),
        masked(held - returns, mask).square(),
    )
    return 0.5 * (worse.sum() / check_counts(mask))


def look(model: nn.Module, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Log-probabilities after each token but the last: of every word (n, T - 1,
    vocab), and of the one that follows.
    """
    logp = model(tokens[:, :-1]).log_softmax(-1)
    return logp, logp.gather(-1, tokens[:, 1:, None]).squeeze(-1)


@dataclass(frozen=True)
class Settings:
    """What can be set; the defaults are those of the reference recipes, scaled
    to a tiny model.

    kl: beta, the price of a nat; clip, value_clip: infinite for none; epochs:
        passes over each batch; unfinished: the score of a text without a stop
        token; eps: Adam's, 1e-5 as in the reference recipes (PyTorch's default
        is 1e-8); ptx: weight of the likelihood of pretraining text (Ouyang et
        al. 2022, eq. 2), 0 for plain PPO.
    """

    steps: int = 20
    texts: int = 64
    epochs: int = 2
    lr: float = 3e-3
    kl: float = 0.1
    gamma: float = 1.0
    lam: float = 0.95
    clip: float = 0.2
    value_clip: float = 0.2
    normalize: bool = True
    unfinished: float = -2.0
    eps: float = 1e-5
    ptx: float = 0.0


@dataclass(frozen=True)
class Run:
    """A trained policy and what was seen before each step: means over the
    step's texts, each of shape (steps,).

    reward: the learned one, without the KL price. gold: the true one. kl: nats
        a text, to the start. entropy: nats a token. clipped: share of tokens.
        moved: KL from before to after the step's update, nats a token.
    """

    policy: TinyTransformer
    history: dict[str, np.ndarray]


def ppo(
    start: TinyTransformer,
    reward: Reward,
    seed: int,
    settings: Settings = Settings(),
    gold: Reward | None = None,
    pretraining: Stories | None = None,
) -> Run:
    """Optimize a copy of `start` against a reward by PPO, with a price on the
    divergence from `start`.

    start: a TinyTransformer that writes stories. reward, gold: tokens, mask ->
        (n,); gold is only watched. The value network is a copy of `start` whose
        unembedding is replaced by one number, 0 at first. pretraining: text
        whose likelihood is kept up with the weight `settings.ptx` (PPO-ptx), a
        batch of `settings.texts` rows in each pass. Raises ValueError where
        there is a weight and no text.
    """
    s, generator = settings, torch.Generator().manual_seed(seed)
    if s.ptx and pretraining is None:
        raise ValueError(
            f"ptx is {s.ptx:g}, but there is no pretraining text: pass "
            "pretraining="
        )
    policy, critic = clone(start), clone(start)
    critic.unembed = nn.Linear(start.config.d_model, 1, bias=False)
    nn.init.zeros_(critic.unembed.weight)
    optimizer = torch.optim.Adam(
        [*policy.parameters(), *critic.parameters()], lr=s.lr, eps=s.eps
    )
    rows: dict[str, list[float]] = defaultdict(list)
    for step in range(s.steps):
        for group in optimizer.param_groups:
            group["lr"] = s.lr * (1 - step / s.steps)  # annealed to 0
        tokens, mask = sample(policy, s.texts, generator)
        chosen = mask[:, 1:]
        with torch.no_grad():
            (before, old), (base, reference) = (
                look(policy, tokens),
                look(start, tokens),
            )
            value = critic(tokens[:, :-1]).squeeze(-1)
            score = scored(reward, Stories(tokens, mask))
            finished = ((tokens == END) & mask).any(1)
            penalized = torch.where(
                finished, score, torch.full_like(score, s.unfinished)
            )
            rewards = token_rewards(
                penalized, kl_estimate(old - reference), chosen, s.kl
            )
            advantages, returns = gae(rewards, value, chosen, s.gamma, s.lam)
            if s.normalize:
                advantages = whiten(advantages, chosen)
        clipped = []
        for _ in range(s.epochs):
            loss, share = policy_loss(
                look(policy, tokens)[1], old, advantages, chosen, s.clip
            )
            loss = loss + value_loss(
                critic(tokens[:, :-1]).squeeze(-1),
                value,
                returns,
                chosen,
                s.value_clip,
            )
            if s.ptx and pretraining is not None:
                rows_ = torch.randint(
                    len(pretraining.tokens), (s.texts,), generator=generator
                )
                told, kept = (part[rows_] for part in pretraining)
                likelihood = masked_mean(look(policy, told)[1], kept[:, 1:])
                loss = loss - s.ptx * likelihood
            descend(optimizer, loss, step)
            clipped.append(float(share))
        with torch.no_grad():
            after = look(policy, tokens)[0]
            rows["reward"].append(float(score.mean()))
            rows["gold"].append(
                float(scored(gold or reward, Stories(tokens, mask)).mean())
            )
            rows["kl"].append(
                float(
                    masked((before.exp() * (before - base)).sum(-1), chosen)
                    .sum(1)
                    .mean()
                )
            )
            rows["entropy"].append(
                float(masked_mean(-(before.exp() * before).sum(-1), chosen))
            )
            rows["clipped"].append(float(np.mean(clipped)))
            rows["moved"].append(
                float(
                    masked_mean(
                        (before.exp() * (before - after)).sum(-1), chosen
                    )
                )
            )
    return Run(
        policy.requires_grad_(False),
        {name: np.array(column) for name, column in rows.items()},
    )

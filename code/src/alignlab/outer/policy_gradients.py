"""Policy gradients without a value network: REINFORCE, RLOO, GRPO; and A-LoL, which learns from texts already there.

Serves the survey's section 4.3.1. A whole answer is one action, as in Ahmadian et al. (2024), and what it is compared
with are other answers to the same prompt, not a learned value. GRPO (Shao et al. 2024) divides by their spread too, and
its variants (Yu et al. 2025, Liu et al. 2025) differ in how the tokens of long and short answers are counted. A-LoL
(Baheti et al. 2023) draws nothing: it weights given answers by their advantage and leaves out those that have none.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from alignlab.lm import TinyTransformer, train
from alignlab.lm.checks import check_numbers
from alignlab.lm.masks import (
    as_mask,
    check_counts,
    check_shapes,
    masked,
    masked_mean,
)
from alignlab.lm.training import descend
from alignlab.outer.ppo import Run, kl_estimate, look
from alignlab.toys.storyland import (
    HEROES,
    VOCAB,
    Reward,
    Stories,
    clone,
    logprobs,
    sample,
    scored,
)

Method = Literal["reinforce", "mean", "rloo", "grpo"]


def rloo_advantages(rewards: Tensor) -> Tensor:
    """Each answer's reward minus the mean of the *other* answers' (Kool et al.
    2019; Ahmadian et al. 2024, eq. 9).

    rewards: (prompt, k), k answers to each prompt. The others' mean doesn't
    depend on the answer, so the gradient stays unbiased. Equal to (reward -
    mean of all) times k / (k - 1). Raises ValueError for k < 2 or a reward that
    is not a finite number.
    """
    rewards = _table(rewards)
    k = rewards.shape[1]
    return rewards - (rewards.sum(1, keepdim=True) - rewards) / (k - 1)


def grpo_advantages(
    rewards: Tensor, scale: bool = True, eps: float = 1e-4
) -> Tensor:
    """Rewards whitened within each prompt's group (Shao et al. 2024, section
    4.1.2).

    rewards: (prompt, k). scale=False leaves the division by the standard
    deviation out (Liu et al. 2025, "Dr. GRPO"): with it, a prompt whose answers
    are nearly alike counts as much as one whose answers differ widely. Raises
    ValueError for k < 2 or a reward that is not a finite number.
    """
    rewards = _table(rewards)
    centered = rewards - rewards.mean(1, keepdim=True)
    return (
        centered / (rewards.std(1, keepdim=True) + eps) if scale else centered
    )


def grpo_loss(
    logp: Tensor,
    old: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    clip_high: float | None = None,
    reference: Tensor | None = None,
    beta: float = 0.0,
    count: Literal["text", "token", "constant"] = "text",
) -> Tensor:
    """GRPO's loss (Shao et al. 2024, eq. 3), with the choices made since.

    logp, old, reference: log-probabilities of the tokens, (n, T). advantages:
        (n,). clip_high: the upper bound where it differs (Yu et al. 2025,
        "clip-higher"). beta: weight of the k3 estimate of KL(policy ||
        reference), inside the loss and not in the reward. count: "text", mean
        over each text's tokens, then over texts (GRPO); "token", mean over all
        tokens (DAPO); "constant", sum divided by texts times T (Dr. GRPO: no
        text's tokens count less for its length). What stands where the mask is
        False never counts. Raises ValueError where it is False everywhere.
    """
    mask = as_mask(mask)
    check_shapes(mask.shape, logp=logp, old=old)
    check_shapes(mask.shape[:1], advantages=advantages)
    if beta and reference is None:
        raise ValueError(
            f"beta={beta} prices the divergence from a reference: give "
            "reference"
        )
    tokens = check_counts(mask)
    ratio = masked(logp - old, mask).exp()  # 1 where nothing counts,
    each = masked(advantages[:, None], mask)  # and 0 there, so is the loss
    bounded = ratio.clamp(
        1 - clip, 1 + (clip if clip_high is None else clip_high)
    )
    loss = -torch.minimum(ratio * each, bounded * each)
    if beta and reference is not None:
        check_shapes(mask.shape, reference=reference)
        loss = loss + beta * kl_estimate(masked(logp - reference, mask), "k3")
    if count == "text":
        return (loss.sum(1) / mask.sum(1).clamp(min=1)).mean()
    return loss.sum() / (tokens if count == "token" else mask.numel())


def optimize(
    start: TinyTransformer,
    reward: Reward,
    seed: int,
    method: Method = "rloo",
    steps: int = 20,
    texts: int = 64,
    k: int = 4,
    kl: float = 0.1,
    lr: float = 1e-2,
    gold: Reward | None = None,
) -> Run:
    """Optimize a copy of `start` by one of four policy gradients; one update
    for each batch of drawn stories.

    method: "reinforce" has no baseline, "mean" that of the whole batch, "rloo"
        and "grpo" that of a prompt's answers. texts: drawn in each step, k of
        them to a prompt. kl: the price of a nat; in the loss for "grpo", in the
        reward for the others. Returns the policy and its history, as `ppo`
        does.
    """
    generator, policy = torch.Generator().manual_seed(seed), clone(start)
    optimizer = torch.optim.Adam(policy.parameters(), lr=lr, eps=1e-5)
    heroes = (torch.arange(texts) // k) % len(HEROES) + VOCAB.index(HEROES[0])
    rows: dict[str, list[float]] = defaultdict(list)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = lr * (1 - step / steps)
        tokens, mask = sample(policy, texts, generator, heroes)
        chosen = mask[:, 1:]
        everything, logp = look(policy, tokens)
        with torch.no_grad():
            base, reference = look(start, tokens)
            score = scored(reward, Stories(tokens, mask))
            penalty = masked(logp - reference, chosen).sum(1)
            total = (score if method == "grpo" else score - kl * penalty).view(
                -1, k
            )
            groups = {
                "reinforce": lambda r: r,
                "mean": lambda r: r - r.mean(),
                "rloo": rloo_advantages,
                "grpo": grpo_advantages,
            }
            advantages = groups[method](total).flatten()
            before = everything.detach()
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
        if method == "grpo":
            loss = grpo_loss(
                logp,
                logp.detach(),
                advantages,
                chosen,
                reference=reference,
                beta=kl,
            )
        else:
            loss = -(advantages * masked(logp, chosen).sum(1)).mean()
        descend(optimizer, loss, step)
    return Run(
        policy.requires_grad_(False),
        {name: np.array(column) for name, column in rows.items()},
    )


def alol_weights(
    rewards: Tensor, values: Tensor, logratio: Tensor, clip: float = 0.9
) -> Tensor:
    """A-LoL's weight of each text: its advantage times a clipped importance
    weight, 0 without an advantage.

    rewards: (n,) of given texts. values: (n,) what the reference policy is
        expected to earn on each one's prompt. logratio: (n,) log policy - log
        reference of each whole text (Baheti et al. 2023, eq. 4 and section
        2.2). Raises ValueError for a reward or value that is not a finite
        number.
    """
    check_shapes(rewards.shape, values=values, logratio=logratio)
    check_numbers(rewards, "rewards")
    check_numbers(values, "values")
    advantage = rewards - values
    return torch.where(
        advantage > 0,
        advantage * logratio.exp().clamp(1 - clip, 1 + clip),
        torch.zeros_like(advantage),
    )


def learn_offline(
    start: TinyTransformer,
    stories: Stories,
    rewards: Tensor,
    values: Tensor,
    seed: int,
    steps: int = 60,
    lr: float = 2e-3,
    weighted: bool = True,
) -> TinyTransformer:
    """A-LoL: likelihood of given stories, each weighted by `alol_weights`;
    those without an advantage are never read.

    rewards, values: (n,), of each story and of its prompt. weighted=False
        leaves the weights out: the stories that have an advantage count alike.
        Returns the trained copy of `start`.
    """
    policy = clone(start)
    kept = (rewards > values).nonzero().squeeze(1)
    if not len(kept):
        raise ValueError(
            "no story has a reward above its prompt's value: there is nothing "
            "to learn from"
        )
    with torch.no_grad():
        reference = logprobs(start, *stories).sum(1)

    def loss(model: nn.Module, step: int, generator: torch.Generator) -> Tensor:
        rows = kept[torch.randint(len(kept), (64,), generator=generator)]
        logp = logprobs(model, stories.tokens[rows], stories.mask[rows]).sum(1)
        weights = alol_weights(
            rewards[rows], values[rows], (logp - reference[rows]).detach()
        )
        return -((weights if weighted else 1.0) * logp).mean()

    train(policy, loss, steps=steps, lr=lr, seed=seed)
    return policy.requires_grad_(False)


def _table(rewards: Tensor) -> Tensor:
    """Rewards (prompt, k) as floats, checked: a table, two answers to a prompt
    at least, every one a finite number.
    """
    if rewards.ndim != 2:
        raise ValueError(
            f"rewards has shape {tuple(rewards.shape)}; it must be (prompts, "
            "answers a prompt)"
        )
    if rewards.shape[1] < 2:
        raise ValueError(
            "a prompt needs at least 2 answers to compare, not "
            f"{rewards.shape[1]}: draw more"
        )
    rewards = rewards if rewards.is_floating_point() else rewards.float()
    check_numbers(rewards, "rewards")
    return rewards

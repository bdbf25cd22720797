"""Reward models: from comparisons to a number.

Serves the survey's section 4.3.1. The losses are those of Bradley and Terry (1952), used for language models by
Christiano et al. (2017) and Stiennon et al. (2020), and of Plackett and Luce for rankings of K answers (Zhu et al.
2023). `fit_reward` finds the linear reward that minimizes them, on any features: a toy's, or a language model's.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.lm import LM, capture
from alignlab.lm.checks import check_numbers, check_texts
from alignlab.lm.masks import check_shapes


def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    """Negative log-probability of each pick (Bradley and Terry 1952; Stiennon
    et al. 2020, section 3.4).

    chosen, rejected: rewards of the two answers, shape (batch,).
    Returns nats, shape (batch,): ln 2 where they are equal.
    Raises ValueError where the shapes differ.
    """
    if chosen.shape != rejected.shape:
        raise ValueError(
            f"chosen has shape {tuple(chosen.shape)}, rejected "
            f"{tuple(rejected.shape)}; they must agree"
        )
    return -F.logsigmoid(chosen - rejected)


def plackett_luce_loss(rewards: Tensor) -> Tensor:
    """Negative log-probability of each ranking (Plackett 1975; Zhu et al. 2023,
    section 4).

    rewards: of K answers, best first, shape (batch, K). The first is picked
        among all K, the second among the other K - 1, and so on; with K = 2
        this is `bradley_terry_loss`. Returns nats, shape (batch,).
    """
    remaining = (
        rewards.flip(-1).logcumsumexp(-1).flip(-1)
    )  # log of the summed weights of what is left at each stage
    return (remaining - rewards).sum(-1)


def fit_reward(
    rankings: Tensor, ridge: float = 1e-2, steps: int = 15
) -> Tensor:
    """The linear reward that makes the given rankings most probable, by
    Newton's method.

    rankings: features of K answers, best first, shape (n, K, d). ridge: half
        its product with |w|² is added to the summed loss, which keeps the
        optimum finite where the answers can be separated. Returns weights w of
        shape (d,): an answer's reward is its features times w. Differences of
        rewards are log-odds, so sigmoid(r(a) - r(b)) is the predicted
        probability that a is picked. Raises ValueError for features that are
        not finite numbers, or without rankings.
    """
    if rankings.ndim != 3 or not len(rankings):
        raise ValueError(
            f"rankings has shape {tuple(rankings.shape)}; "
            "give (rankings, answers, features), at least one ranking"
        )
    rankings = rankings.double()
    check_numbers(rankings, "rankings")
    n_ranked, d = rankings.shape[1], rankings.shape[2]
    left = torch.ones(
        n_ranked, n_ranked, dtype=torch.bool
    ).triu()  # (stage, item): what is still to be picked
    weights = torch.zeros(d, dtype=torch.float64)
    for _ in range(steps):
        rewards = rankings @ weights  # (n, K)
        stages = (
            rewards.unsqueeze(1)
            .expand(-1, n_ranked, -1)
            .masked_fill(~left, float("-inf"))
            .softmax(-1)
        )
        means = (
            stages @ rankings
        )  # (n, stage, d): the features expected at each pick
        gradient = (means - rankings).sum((0, 1)) + ridge * weights
        weighed = stages.sum(1).unsqueeze(-1) * rankings
        spread = weighed.flatten(0, 1).T @ rankings.flatten(0, 1)
        expected = means.flatten(0, 1)
        hessian = (
            spread
            - expected.T @ expected
            + ridge * torch.eye(d, dtype=torch.float64)
        )
        step = torch.linalg.solve(hessian, gradient)
        weights = weights - step
        if step.norm() < 1e-9 * (1 + weights.norm()):
            break
    return weights


def agreement(weights: Tensor, chosen: Tensor, rejected: Tensor) -> float:
    """Share of pairs in which a reward ranks the chosen answer higher; ties
    count one half.

    weights: shape (d,). chosen, rejected: features, shape (n, d). Raises
        ValueError without pairs, or where a margin is not a number.
    """
    check_shapes(chosen.shape, rejected=rejected)
    margin = (chosen - rejected).double() @ weights
    if not len(margin):
        raise ValueError("no pairs: give at least one to agree with")
    check_numbers(margin, "the margin of pair ", infinite=True)
    return float(((margin > 0).double() + 0.5 * (margin == 0).double()).mean())


def calibration_error(
    claimed: np.ndarray, picked: np.ndarray, groups: int = 10
) -> float:
    """Expected calibration error of claims about picks (Naeini et al. 2015; Guo
    et al. 2017, section 2).

    claimed: probability given to the favored answer of each pair, 0.5 to 1,
        shape (n,). picked: 1 where it was picked, 0 where not, 0.5 for a tie,
        shape (n,). Pairs are grouped by claim into `groups` of equal width.
        Returns the mean over pairs of |mean claim - share picked| of their
        group, a probability. Raises ValueError where claims and picks are not
        as many, or not in these ranges, or there is no group.
    """
    if groups != int(groups) or groups < 1:
        raise ValueError(f"groups={groups}: a whole number, 1 or more")
    claimed, picked = np.asarray(claimed), np.asarray(picked)
    if claimed.shape != picked.shape or not len(claimed):
        raise ValueError(
            f"{claimed.shape} claims, {picked.shape} picks: give one pick a "
            "claim, and at least one"
        )
    inside = (claimed >= 0.5) & (claimed <= 1) & (picked >= 0) & (picked <= 1)
    if not inside.all():
        at = int(np.argmin(inside))
        raise ValueError(
            f"claim {claimed[at]} with pick {picked[at]}: a claim lies in 0.5 "
            "to 1, a pick in 0 to 1"
        )
    group = np.minimum(((claimed - 0.5) * 2 * groups).astype(int), groups - 1)
    gaps = [abs((claimed - picked)[group == g].sum()) for g in range(groups)]
    return float(np.sum(gaps) / len(claimed))


def answer_features(
    lm: LM, prompts: list[str], answers: list[str], layer: int | None
) -> Tensor:
    """Frozen features for a reward head: the residual stream after `layer`,
    averaged over the answer's tokens.

    Each text is the chat template with the prompt, then the answer. The forward
    pass stops at `layer`; None takes the token embeddings, which know the
    answer's words but neither their order nor the prompt. Returns float64 of
    shape (len(answers), d_model). Raises ValueError where there isn't one
    answer a prompt, or an answer has no tokens.
    """
    from alignlab.lm import chat_prompt

    if len(prompts) != len(answers):
        raise ValueError(
            f"{len(prompts)} prompts, {len(answers)} answers: give one answer "
            "a prompt"
        )
    if not prompts:
        return torch.zeros(0, lm.d_model, dtype=torch.float64)
    starts = [
        lm.tokenizer(chat_prompt(lm, prompt), add_special_tokens=False)[
            "input_ids"
        ]
        for prompt in prompts
    ]
    ends = [
        lm.tokenizer(answer, add_special_tokens=False)["input_ids"]
        for answer in check_texts(answers, "answers")
    ]
    if not all(ends):
        raise ValueError(
            f"answer {[*map(bool, ends)].index(False)} has no tokens to "
            "average over: leave it out"
        )
    name = "embed" if layer is None else f"layers.{layer}.resid"
    residual = capture(
        lm, [s + e for s, e in zip(starts, ends)], [name], positions="all"
    )[name]
    return torch.stack(
        [
            residual[i, len(s) : len(s) + len(e)].double().mean(0)
            for i, (s, e) in enumerate(zip(starts, ends))
        ]
    )

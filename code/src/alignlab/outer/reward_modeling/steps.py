"""Rewards for steps: labels on each step, or on the final answer alone.

Serves the survey's section 4.3.1. Uesato et al. (2022) and Lightman et al.
(2023) compare reward models trained on whether a solution's final answer is
right (outcome) with ones trained on whether each step is (process). Both of
ours are linear in a step's features and score a solution by the probability
that all its steps are right, as Lightman et al. do with their process labels.
Theirs for outcomes predicts at every token, and reads the last.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.outer.reward_modeling.fitting import fit_loss


@dataclass(frozen=True)
class Solutions:
    """Solutions with all that an oracle knows of them.

    steps: features, the last one constant, shape (n, T, d). right: whether each
    step is, shape (n, T). answer: whether the final answer is, shape (n,).
    """

    steps: Tensor
    right: Tensor
    answer: Tensor

    @property
    def sound(self) -> Tensor:
        """Whether all steps are right, shape (n,)."""
        return self.right.all(1)

    @property
    def labeled(self) -> Tensor:
        """Steps that get a process label: all up to the first wrong one."""
        before = torch.ones_like(self.right)
        before[:, 1:] = self.right[:, :-1].cumprod(1).bool()
        return before


def write_solutions(
    taste: Tensor, n: int, luck: float, generator: torch.Generator, T: int = 6
) -> Solutions:
    """Draw solutions of T steps.

    taste: shape (d,); a step with features x is right with probability
    sigmoid(x w), where the last feature is 1. luck: probability that an unsound
    solution ends in the right answer all the same.
    """
    d = len(taste)
    steps = torch.randn(n, T, d, dtype=torch.float64, generator=generator)
    steps[..., -1] = 1.0
    chance = torch.rand(n, T, dtype=torch.float64, generator=generator)
    right = chance < torch.sigmoid(steps @ taste)
    lucky = torch.rand(n, dtype=torch.float64, generator=generator) < luck
    return Solutions(steps, right, right.all(1) | lucky)


def soundness(steps: Tensor, weights: Tensor) -> Tensor:
    """Log-probability that all steps are right: (n, T, d), (d,) -> (n,)."""
    return F.logsigmoid(steps @ weights).sum(1)


def process_loss(weights: Tensor, solutions: Solutions) -> Tensor:
    """Summed nats of the labels of steps, up to each first wrong one."""
    logits = (solutions.steps @ weights)[solutions.labeled]
    labels = solutions.right[solutions.labeled].double()
    return F.binary_cross_entropy_with_logits(logits, labels, reduction="sum")


def outcome_loss(weights: Tensor, solutions: Solutions) -> Tensor:
    """Summed nats of the final answers, taken to be right if all steps are."""
    log_p = soundness(solutions.steps, weights)
    wrong = log_p[~solutions.answer].clamp(max=-1e-9)
    return -log_p[solutions.answer].sum() - torch.log1p(-wrong.exp()).sum()


def fit_process(solutions: Solutions, ridge: float = 0.1) -> Tensor:
    """Weights of shape (d,) from labels of steps."""
    width = solutions.steps.shape[-1]
    return fit_loss(lambda w: process_loss(w, solutions), width, ridge)


def fit_outcome(solutions: Solutions, ridge: float = 0.1) -> Tensor:
    """Weights of shape (d,) from labels of final answers."""
    width = solutions.steps.shape[-1]
    return fit_loss(lambda w: outcome_loss(w, solutions), width, ridge)


def best_of(scores: Tensor, good: Tensor, n: int = 16) -> float:
    """Share of groups of n in which the solution with the best score is good.

    scores, good: shape (groups * n,); what is left over is dropped.
    """
    groups = len(scores) // n
    if not groups:
        raise ValueError(f"{len(scores)} solutions make no group of {n}")
    best = scores[: groups * n].reshape(groups, n).argmax(1)
    chosen = good[: groups * n].reshape(groups, n)[torch.arange(groups), best]
    return float(chosen.double().mean())

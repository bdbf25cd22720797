"""Verifiers of solutions, learned from labels of steps or of answers, and what they pick among many.

Process and outcome supervision as in Lightman et al. 2023 (arXiv 2305.20050,
sections 2.5 and 2.6): a verifier gives each step a probability of being
right, and a solution the product. Theirs is GPT-4 fine-tuned. Ours is a table
with one logit for each of the 3,000 steps there are, the same for both kinds
of label: what differs is only what is labeled. From outcomes it learns
through the product, with a learned share of lucky answers (theirs scores a
solution at its last token).
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from alignlab.outer.task_decomposition.chains import SIGNS, Bools, Ints

STEPS_THERE_ARE = 10 * len(SIGNS) * 10 * 10
ROUNDS = 150
PULL = 0.1  # towards the mean logit, as a prior of variance 1 / (2 * PULL)

Floats = NDArray[np.float64]


def from_steps(places: Ints, right: Bools) -> Tensor:
    """Logits of steps, learned from labels of steps: (STEPS_THERE_ARE,).

    places, right: (solutions, steps), see `chains.places`.
    Raises ValueError where shapes differ or nothing is labeled.
    """
    if places.shape != right.shape or not places.size:
        raise ValueError(
            f"steps of shape {places.shape}, labels {right.shape}: give one "
            "label a step, and one solution at least"
        )
    step, label = torch.tensor(places), torch.tensor(right, dtype=torch.float32)
    table, mean, adam = _table()
    for _ in range(ROUNDS):
        loss = F.binary_cross_entropy_with_logits(
            table[step] + mean, label, reduction="sum"
        )
        _descend(adam, loss + PULL * table.square().sum())
    return (table + mean).detach()


def from_outcomes(places: Ints, right: Bools, answers: int) -> Tensor:
    """The same learned from whether the answer is right.

    places: (solutions, steps). right: (solutions,). answers: how many answers
    a problem can have; a wrong solution first counts as lucky one time in so
    many, and the share is learned.
    Raises ValueError where shapes differ or nothing is labeled.
    """
    if places.shape[:1] != right.shape or not places.size:
        raise ValueError(
            f"steps of shape {places.shape}, labels {right.shape}: give one "
            "label a solution, and one solution at least"
        )
    step, label = torch.tensor(places), torch.tensor(right, dtype=torch.float32)
    table, mean, adam = _table()
    luck = torch.tensor(-math.log(answers - 1), requires_grad=True)
    adam.add_param_group({"params": [luck]})
    for _ in range(ROUNDS):
        sound = F.logsigmoid(table[step] + mean).sum(-1).exp()
        chance = sound + (1 - sound) * luck.sigmoid()
        loss = F.binary_cross_entropy(
            chance.clamp(1e-6, 1 - 1e-6), label, reduction="sum"
        )
        _descend(adam, loss + PULL * table.square().sum())
    return (table + mean).detach()


def _table() -> tuple[Tensor, Tensor, torch.optim.Adam]:
    """Logits, their mean, and what moves both."""
    table = torch.zeros(STEPS_THERE_ARE, requires_grad=True)
    mean = torch.tensor(1.0, requires_grad=True)
    return table, mean, torch.optim.Adam([table, mean], lr=0.1)


def _descend(adam: torch.optim.Adam, loss: Tensor) -> None:
    adam.zero_grad()
    loss.backward()
    adam.step()


def pick(logits: Tensor, places: Ints) -> Ints:
    """The solution with the highest product of its steps' probabilities.

    places: (problems, n, steps). Returns (problems,).
    """
    score = F.logsigmoid(logits[torch.tensor(places)]).sum(-1)
    return np.asarray(score.argmax(1).numpy())


def pick_safest(logits: Tensor, places: Ints) -> Ints:
    """The solution whose least probable step is most probable.

    places: (problems, n, steps). Returns (problems,).
    """
    score = logits[torch.tensor(places)].min(-1).values
    return np.asarray(score.argmax(1).numpy())


def majority(answers: Ints, possible: int) -> Ints:
    """The first solution that gives the most frequent answer.

    answers: (problems, n), 0 to possible - 1. Returns (problems,).
    """
    count = (answers[..., None] == np.arange(possible)).sum(1)
    most = count.argmax(1)
    return np.asarray((answers == most[:, None]).argmax(1))

"""Simulated annotators whose true reward is known, so that what a reward model learned can be compared with it.

Serves the survey's section 4.3.1 (reward modeling). Answers are feature vectors; an annotator's reward is linear in
them, plus, where asked for, a liking for length. Picks follow Bradley and Terry (1952), rankings Plackett (1975) and
Luce (1959), both through the same random utilities: reward plus Gumbel noise.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import torch
from torch import Tensor

LENGTH = 0  # the feature that stands for an answer's length


@dataclass(frozen=True)
class Answer:
    """A prompt with one good answer and four flawed ones, written for this book."""

    prompt: str
    good: str
    flawed: dict[str, str]


def true_reward(d: int, scale: float, generator: torch.Generator) -> Tensor:
    """A random reward direction, shape (d,), of norm `scale`; it is indifferent to length (feature 0)."""
    weights = torch.randn(d, dtype=torch.float64, generator=generator)
    weights[LENGTH] = 0.0
    return scale * weights / weights.norm()


def rank(
    answers: Tensor,
    reward: Tensor,
    generator: torch.Generator,
    length_bias: float = 0.0,
) -> Tensor:
    """Answers in the order in which an annotator ranks them, best first.

    answers: features, shape (n, K, d). reward: shape (d,). length_bias: added reward for each unit of length.
    Returns shape (n, K, d). With K = 2 this is Bradley and Terry's pick: P(a before b) = sigmoid(r(a) - r(b)).
    """
    utility = answers @ reward + length_bias * answers[..., LENGTH]
    noise = -torch.log(
        -torch.log(
            torch.rand(utility.shape, dtype=torch.float64, generator=generator)
        )
    )
    order = (utility + noise).argsort(-1, descending=True)
    return answers.gather(1, order.unsqueeze(-1).expand_as(answers))


def shuffle(rankings: Tensor, generator: torch.Generator) -> Tensor:
    """The same answers in an order that says nothing about the reward; shape (n, K, d)."""
    order = torch.rand(rankings.shape[:2], generator=generator).argsort(-1)
    return rankings.gather(1, order.unsqueeze(-1).expand_as(rankings))


def split_into_pairs(rankings: Tensor) -> Tensor:
    """Every pair of each ranking, the better one first: (n, K, d) -> (n K (K - 1) / 2, 2, d)."""
    better, worse = torch.triu_indices(rankings.shape[1], rankings.shape[1], 1)
    return torch.stack(
        [rankings[:, better], rankings[:, worse]], dim=2
    ).flatten(0, 1)


@cache
def contrast_answers() -> tuple[Answer, ...]:
    """The 48 prompts of `contrast_answers.json`: a good answer, and a rude, an evasive, a wrong and an off-topic one.

    The off-topic answer is the good answer to the neighbor: items 0 and 1 lend each other theirs, 2 and 3, and so on.
    A split that keeps such twins together lets no text stand on both sides.
    """
    rows = json.loads(
        files("alignlab.outer")
        .joinpath("contrast_answers.json")
        .read_text(encoding="utf-8")
    )
    return tuple(
        Answer(
            row["prompt"],
            row["good"],
            {kind: row[kind] for kind in ("rude", "evasive", "wrong")}
            | {"off-topic": rows[i ^ 1]["good"]},
        )
        for i, row in enumerate(rows)
    )

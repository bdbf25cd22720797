"""A market that is learned: a network M, an adversary, a judge.

Hubinger (2020) trains two models. M predicts, before each argument, what the
judge will believe in the end, by the cross-entropy of its price p_t against
the judge's final belief p*. The adversary is paid |p_{t+1} - p_t| at each
step for itself, without regard to later ones. Here M is a small network that
sees all arguments of a question and which of them were given; the adversary
isn't trained but looks at all arguments and takes the best, which is what its
training would aim at. Several seeds are trained together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from alignlab.outer.market_making.cases import (
    CLAIMS,
    GENUINE,
    ITEMS,
    SCALE,
    Floats,
    Questions,
    draw,
)

ROUNDS = 4
WIDTH = 64
BATCH = 64
RATE = 3e-3
FACTS = GENUINE + CLAIMS
ADVERSARIES = ("market", "judge", "random")


class Market(NamedTuple):
    """The networks of all seeds, and the distance from a target in training.

    weights: of shape (seeds, inputs, outputs) each. losses: (records, seeds).
    """

    weights: list[Tensor]
    steps: list[int]
    trace: list[Floats]


def facts(questions: Questions) -> Tensor:
    """The LLRs of a question, (questions, FACTS)."""
    both = np.hstack([questions.genuine, questions.claims])
    return torch.tensor(both, dtype=torch.float32)


def counted(heard: Tensor) -> Tensor:
    """Which LLRs the judge counts, (..., FACTS), as `cases.counted`."""
    claims = heard[..., GENUINE:FACTS] * (1 - heard[..., FACTS:])
    return torch.cat([heard[..., :GENUINE], claims], -1)


def judge(llr: Tensor, heard: Tensor) -> Tensor:
    """Log-odds of a judge who adds up what was heard, shape (...).

    llr: (..., FACTS). heard: (..., ITEMS), 0 or 1.
    """
    return (llr * counted(heard)).sum(-1)


def predict(
    weights: list[Tensor], llr: Tensor, heard: Tensor, turn: int
) -> Tensor:
    """M's price, the predicted final belief, (seeds, questions, transcripts).

    llr: (seeds, questions, FACTS). heard: (seeds, questions, transcripts,
    ITEMS). turn: how many arguments were given. When all of ROUNDS were, M is
    asked nothing: the price is the judge's belief.
    """
    if turn == ROUNDS:
        return torch.sigmoid(judge(llr[:, :, None, :], heard))
    question, given, clock, bias, second, bias2, last = weights
    small = 3 * torch.tanh(llr / 3)
    told = small[:, :, None, :] * counted(heard)
    asked = torch.cat([small, small.abs()], -1) @ question
    start = (asked + clock[:, turn : turn + 1] + bias)[:, :, None, :]
    shape = told.shape[:-1]
    seen = torch.cat([told, heard], -1).flatten(1, 2) @ given
    x = torch.relu(start + seen.reshape(*shape, WIDTH)).flatten(1, 2)
    x = torch.relu(torch.baddbmm(bias2, x, second))
    return torch.sigmoid((x @ last).reshape(shape))


def best_response(after: Tensor, now: Tensor) -> Tensor:
    """The argument that moves a belief or a price the farthest, (...).

    after: (..., ITEMS), what it would be after each argument. now: (...).
    """
    return (after - now[..., None]).abs().argmax(-1)


def against_market(prices: Tensor, now: Tensor) -> Tensor:
    """The adversary of market making: its argument moves M's price most."""
    return best_response(prices, now)


def transcript(
    weights: list[Tensor], llr: Tensor, lots: Tensor, adversary: str
) -> tuple[list[Tensor], Tensor]:
    """What has been heard before each round, and the judge's final belief.

    llr: (seeds, questions, FACTS). lots: (seeds, questions, ITEMS), the order
    of arguments for the adversary "random". Others: "market", which moves
    M's price as far as it can, and "judge", which moves the judge.
    Raises ValueError for another name.
    """
    if adversary not in ADVERSARIES:
        raise ValueError(
            f"no adversary {adversary!r}: take one of {ADVERSARIES}"
        )
    heard = torch.zeros(*llr.shape[:2], ITEMS)
    order = lots.argsort(-1)
    before = []
    for turn in range(ROUNDS):
        before.append(heard)
        options = torch.maximum(heard[:, :, None, :], torch.eye(ITEMS))
        if adversary == "random":
            chosen = order[..., turn]
        elif adversary == "judge":
            beliefs = torch.sigmoid(judge(llr[:, :, None, :], options))
            chosen = best_response(beliefs, torch.sigmoid(judge(llr, heard)))
        else:
            now = predict(weights, llr, heard[:, :, None, :], turn)[..., 0]
            later = predict(weights, llr, options, turn + 1)
            chosen = against_market(later, now)
        heard = torch.maximum(heard, torch.eye(ITEMS)[chosen])
    return before, torch.sigmoid(judge(llr, heard))


def born(seeds: tuple[int, ...]) -> list[Tensor]:
    """Untrained weights, one network a seed."""
    shapes = (
        (2 * FACTS, WIDTH),  # the question
        (FACTS + ITEMS, WIDTH),  # what was heard of it
        (ROUNDS, WIDTH),  # the round
        (1, WIDTH),
        (WIDTH, WIDTH),
        (1, WIDTH),
        (WIDTH, 1),
    )
    networks = []
    for seed in seeds:
        rng = torch.Generator().manual_seed(seed)
        parts = [torch.randn(shape, generator=rng) for shape in shapes]
        spread = [0.0 if len(p) == 1 else len(p) ** -0.5 for p in parts]
        networks.append([p * s for p, s in zip(parts, spread)])
    together = [torch.stack(part) for part in zip(*networks)]
    return [part.requires_grad_() for part in together]


def train(
    seeds: tuple[int, ...],
    steps: int,
    adversary: str = "market",
    scale: float = SCALE,
    every: int = 100,
    held_out: Floats | None = None,
) -> Market:
    """Networks trained against an adversary, on new questions at each step.

    held_out: (seeds, questions, FACTS) of LLRs; the opening prices on them are
    recorded every so many steps.
    """
    weights = born(seeds)
    adam = torch.optim.Adam(weights, lr=RATE)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    pool = [draw(steps * BATCH, 1000 + seed, scale) for seed in seeds]
    llr = torch.stack([facts(q) for q in pool]).reshape(
        len(seeds), steps, BATCH, FACTS
    )
    chance = [torch.Generator().manual_seed(2000 + seed) for seed in seeds]
    marks, trace = [], []
    for step in range(steps):
        batch = llr[:, step]
        lots = torch.stack(
            [torch.rand(BATCH, ITEMS, generator=g) for g in chance]
        )
        with torch.no_grad():
            before, final = transcript(weights, batch, lots, adversary)
        loss = torch.tensor(0.0)
        for turn, heard in enumerate(before):
            price = predict(weights, batch, heard[:, :, None, :], turn)[..., 0]
            price = price.clamp(1e-6, 1 - 1e-6)
            loss = loss + torch.nn.functional.binary_cross_entropy(price, final)
        adam.zero_grad()
        (len(seeds) * loss).backward()
        adam.step()
        decay.step()
        if held_out is not None and (step + 1) % every == 0:
            marks.append(step + 1)
            trace.append(opening(weights, held_out))
    return Market([w.detach() for w in weights], marks, trace)


def opening(weights: list[Tensor], llr: Floats) -> Floats:
    """M's price before any argument, (seeds, questions)."""
    told = torch.as_tensor(llr, dtype=torch.float32)
    with torch.no_grad():
        nothing = torch.zeros(*told.shape[:-1], 1, ITEMS)
        return predict(weights, told, nothing, 0)[..., 0].numpy()

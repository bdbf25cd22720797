"""Iterated amplification: a model is trained on what an overseer answers who may ask the model easier questions.

Christiano, Shlegeris and Amodei (2018, arXiv 1810.08575), Algorithm 1. The
overseer reads s(x) off the question and answers harder ones by two questions
of the level below; the model imitates. Here the overseer's step is a program.
The paper learns it from examples as well, decodes answers from a transformer
and asks a copy averaged over steps; ours asks the model as it is. Its
curriculum is fixed, ours opens a level once the model agrees with the
overseer on the one below, which needs no labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.outer.task_decomposition.networks import Networks
from alignlab.outer.task_decomposition.powers import (
    LEVELS,
    PLACES,
    QUESTIONS,
    ROWS,
    STARTS,
    apply,
    encode,
    truth,
)

HIDDEN = 128
BATCH = 192
RATE = 3e-3
OPENS = 0.9  # agreement, of what the overseer's own errors leave possible
EVERY = 100  # steps between two measurements

Ask = Callable[[Tensor, Tensor, Tensor], Tensor]


def answers(model: Networks) -> Ask:
    """What the model answers to (row, x, level), each (seeds, batch)."""

    def ask(row: Tensor, x: Tensor, level: Tensor) -> Tensor:
        with torch.no_grad():
            return model(encode(row, x, level)).argmax(-1)

    return ask


def amplify(ask: Ask, row: Tensor, x: Tensor, level: Tensor) -> Tensor:
    """What the overseer answers: two questions of the level below.

    ask: the model. row, x, level and the result: (...). At level 0 the
    overseer reads the answer off the question.
    """
    below = (level - 1).clamp(min=0)
    halfway = ask(row, x, below)
    there = ask(row, halfway, below)
    return torch.where(level == 0, apply(row, x), there)


class Errors(NamedTuple):
    """How often the overseer slips, and whether always at the same questions.

    rate: between 0 and 1. repeated: a question that is answered wrongly is
    answered so each time; otherwise each answer slips by itself.
    """

    rate: float = 0.0
    repeated: bool = False


NEVER = Errors()


class Course(NamedTuple):
    """What became of a training: accuracy (measurements, seeds, levels).

    steps: (measurements,), how many steps were done at each. right: (seeds,
    levels, QUESTIONS), which questions are answered rightly in the end.
    """

    steps: list[int]
    accuracy: Tensor
    right: Tensor


class Slips:
    """Where the overseer of each seed slips, and what it says there."""

    def __init__(self, seeds: Sequence[int], errors: Errors) -> None:
        """Raises ValueError for a rate that is no share."""
        if not 0 <= errors.rate <= 1:
            raise ValueError(f"an error rate of {errors.rate}: give 0 to 1")
        self.errors = errors
        self.rng = [np.random.default_rng([seed, 1]) for seed in seeds]
        shape = (LEVELS, QUESTIONS)
        self.fixed = torch.stack([self._draw(rng, shape) for rng in self.rng])

    def _draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Tensor:
        """By how many places each answer is off, 0 where it is not."""
        off = rng.integers(1, PLACES, shape)
        return torch.tensor(off * (rng.random(shape) < self.errors.rate))

    def on(self, answer: Tensor, level: Tensor, question: Tensor) -> Tensor:
        """Answers with slips: all (seeds, batch)."""
        if self.errors.rate == 0:
            return answer
        if self.errors.repeated:
            seed = torch.arange(len(answer))[:, None]
            off = self.fixed[seed, level, question]
        else:
            shape = (answer.shape[1],)
            off = torch.stack([self._draw(rng, shape) for rng in self.rng])
        return (answer + off) % PLACES


class Pace:
    """Which levels are open to each seed's model, by agreement alone."""

    def __init__(self, seeds: int, needed: float) -> None:
        """needed: agreement with the teacher that opens the next level."""
        self.needed = needed
        self.opened = torch.zeros(seeds, dtype=torch.long)
        self.agreed = torch.zeros(seeds, LEVELS)

    def update(self, agrees: Tensor, level: Tensor) -> None:
        """Take in a batch: agrees and level, both (seeds, batch)."""
        here = F.one_hot(level, LEVELS).float()
        count = here.sum(1)
        share = (agrees[..., None] * here).sum(1) / count.clamp(min=1)
        moved = 0.9 * self.agreed + 0.1 * share
        self.agreed = torch.where(count > 0, moved, self.agreed)
        at_top = self.agreed.gather(1, self.opened[:, None])[:, 0]
        self.opened += (at_top > self.needed).long()
        self.opened.clamp_(max=LEVELS - 1)


def examine(model: Networks) -> Tensor:
    """Which questions are answered rightly: (seeds, levels, QUESTIONS)."""
    count = len(model.parameters[0])
    row, x = ROWS.expand(count, -1), STARTS.expand(count, -1)
    found = [
        answers(model)(row, x, torch.full_like(x, level)) == truth(level)
        for level in range(LEVELS)
    ]
    return torch.stack(found, 1)


def train(
    seeds: Sequence[int],
    teacher: str = "overseer",
    steps: int = 800,
    paced: bool = True,
    errors: Errors = NEVER,
    labeled: Tensor | None = None,
    width: int = HIDDEN,
) -> Course:
    """Train one model a seed on answers to questions drawn at random.

    teacher: "overseer" answers by `amplify`; "labels" gives the truth at every
        level; "easy labels" the truth, and asks level 0 alone.
    paced: levels open one by one. labeled: (QUESTIONS,), which questions of
        the hardest level are asked at all, all of them unless given.
    Raises ValueError for a teacher that there is not.
    """
    if teacher not in ("overseer", "labels", "easy labels"):
        raise ValueError(
            f"teacher {teacher!r}: give 'overseer', 'labels' or 'easy labels'"
        )
    inputs = PLACES**2 + PLACES + LEVELS
    model = Networks(seeds, [inputs, width, width, PLACES])
    slips = Slips(seeds, errors)
    adam = torch.optim.Adam(model.parameters, lr=RATE, foreach=True)
    slower = torch.optim.lr_scheduler.LambdaLR(
        adam, lambda step: min(1.0, max(0.05, (1 - step / steps) / 0.3))
    )
    drawn = [np.random.default_rng([seed, 0]) for seed in seeds]
    pace = Pace(len(seeds), OPENS * (1 - errors.rate))
    key = torch.stack([truth(level) for level in range(LEVELS)])
    asked = torch.arange(QUESTIONS)
    if labeled is not None:
        asked = asked[labeled]
    done, found = [], []
    for step in range(steps):
        lots = torch.tensor(np.stack([r.random((2, BATCH)) for r in drawn]))
        top = pace.opened[:, None] + 1 if paced else LEVELS
        level = (lots[:, 0] * top).long() * (teacher != "easy labels")
        question = (lots[:, 1] * QUESTIONS).long()
        hardest = asked[(lots[:, 1] * len(asked)).long()]
        question = torch.where(level == LEVELS - 1, hardest, question)
        row, x = ROWS[question], STARTS[question]
        target = key[level, question]
        if teacher == "overseer":
            target = amplify(answers(model), row, x, level)
        target = slips.on(target, level, question)
        logits = model(encode(row, x, level))
        loss = F.cross_entropy(logits.transpose(1, 2), target, reduction="none")
        adam.zero_grad()
        loss.mean(1).sum().backward()
        adam.step()
        slower.step()
        pace.update((logits.argmax(-1) == target).float(), level)
        if (step + 1) % EVERY == 0 or step + 1 == steps:
            done.append(step + 1)
            found.append(examine(model).float().mean(-1))
    return Course(done, torch.stack(found), examine(model))


def undistilled(
    seeds: Sequence[int], level: int, errors: Errors, votes: int = 1
) -> Tensor:
    """Share right at a level if the overseer asks itself all the way down.

    No model is trained: each question becomes a tree of 2**level readings.
    votes: the most frequent answer of so many trees counts. Returns (seeds,).
    """
    slips = Slips(seeds, errors)

    def ask(x: Tensor, depth: int) -> Tensor:
        question = ROWS * PLACES + x
        found = apply(ROWS.expand_as(x), x)
        if depth > 0:
            found = ask(ask(x, depth - 1), depth - 1)
        return slips.on(found, torch.full_like(x, depth), question)

    start = STARTS.expand(len(seeds), -1)
    count = torch.zeros(len(seeds), QUESTIONS, PLACES)
    for _ in range(votes):
        count += F.one_hot(ask(start, level), PLACES)
    return (count.argmax(-1) == truth(level)).float().mean(1)


def by_table(seeds: Sequence[int], errors: Errors, votes: int) -> Tensor:
    """Amplification with a table of votes where a network was.

    Level by level, each question is answered `votes` times by the overseer,
    who asks the table; the table keeps the most frequent answer. Returns the
    share right at each level, (seeds, LEVELS).
    """
    slips = Slips(seeds, errors)
    row, x = ROWS.expand(len(seeds), -1), STARTS.expand(len(seeds), -1)
    question = torch.arange(QUESTIONS).expand(len(seeds), -1)
    kept, found = torch.zeros_like(x), []

    def ask(row: Tensor, x: Tensor, level: Tensor) -> Tensor:
        return kept.gather(1, row * PLACES + x)

    for level in range(LEVELS):
        here = torch.full_like(x, level)
        said = amplify(ask, row, x, here)
        count = torch.zeros(len(seeds), QUESTIONS, PLACES)
        for _ in range(votes):
            count += F.one_hot(slips.on(said, here, question), PLACES)
        kept = count.argmax(-1)
        found.append((kept == truth(level)).float().mean(1))
    return torch.stack(found, 1)

"""A model that prints its steps, and two tests of whether it uses them.

Three digits are added modulo five. The model prints one step, the sum of the
first two, and then the answer. In a share of its training questions it has to
answer without the step. Two tests after Lanham et al. (2023, arXiv 2307.13702):
cut the step away, or replace it by a wrong one.

The model is a network with a fixed context, one place for each digit and for
the step; a place that asks says what comes next. Unlike a language model it
can't print anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from alignlab.inner.methodology.nets import (
    BLANK,
    Nets,
    cross_entropy,
    descend,
    one_hot,
)

BASE, DIGITS = 5, 3
STEP, ANSWER = 0, 1  # what is asked for


class Sums(NamedTuple):
    """Digits (nets, n, DIGITS), the right step and the right answer (nets, n).
    wrong: how far a replaced step is off, 1 to BASE − 1."""

    digits: Tensor
    step: Tensor
    answer: Tensor
    wrong: Tensor


def sums(rngs: Sequence[np.random.Generator], count: int) -> Sums:
    """Questions of each net's own generator."""
    digits = np.stack([r.integers(BASE, size=(count, DIGITS)) for r in rngs])
    wrong = np.stack([r.integers(1, BASE, size=count) for r in rngs])
    running = digits.cumsum(-1) % BASE
    return Sums(
        torch.tensor(digits),
        torch.tensor(running[..., 1]),
        torch.tensor(running[..., 2]),
        torch.tensor(wrong),
    )


def logits(nets: Nets, digits: Tensor, step: Tensor, asks: Tensor) -> Tensor:
    """Of the digit that is asked for, (nets, n, BASE).

    step: (nets, n), BLANK where none is shown. asks: STEP or ANSWER, (nets, n).
    """
    context = [
        one_hot(digits, BASE),
        one_hot(step[..., None], BASE),
        one_hot(asks[..., None], 2),
    ]
    return nets(torch.cat(context, -1))


def taught(
    seeds: Sequence[int],
    directly: Sequence[float],
    steps: int = 800,
    batch: int = 128,
) -> Nets:
    """Networks taught to print the step and the answer.

    directly: for each net the share of answers that have to be given without
    the step; `seeds` and it are of one length.
    Raises ValueError where the lengths differ or a share is outside 0 to 1.
    """
    if len(seeds) != len(directly):
        raise ValueError(f"{len(seeds)} seeds, but {len(directly)} shares")
    if min(directly) < 0 or max(directly) > 1:
        raise ValueError(f"shares {list(directly)}: give numbers from 0 to 1")
    nets = Nets(seeds, (DIGITS * BASE + BASE + 2, 96, 96, BASE))
    rngs = [np.random.default_rng([seed, 9]) for seed in seeds]
    share = torch.tensor(directly)[:, None]

    def loss(_: int) -> Tensor:
        asked = sums(rngs, batch)
        lots = torch.tensor(np.stack([r.random((2, batch)) for r in rngs], 1))
        asks = (lots[0] < 0.5).long()  # STEP is 0, ANSWER is 1
        hidden = (asks == STEP) | (lots[1] < share)
        shown = torch.where(hidden, BLANK, asked.step)
        label = torch.where(asks == STEP, asked.step, asked.answer)
        return cross_entropy(
            logits(nets, asked.digits, shown, asks), label
        ).mean(1)

    descend(nets, loss, steps, rate=3e-3)
    return nets


def answers(nets: Nets, asked: Sums, step: Tensor) -> Tensor:
    """The answers given after a step, (nets, n)."""
    with torch.no_grad():
        asks = torch.full_like(step, ANSWER)
        return logits(nets, asked.digits, step, asks).argmax(-1)


def truncated(nets: Nets, asked: Sums) -> Tensor:
    """Share of right answers with the step cut away, (nets,)."""
    given = answers(nets, asked, torch.full_like(asked.step, BLANK))
    return (given == asked.answer).float().mean(1)


def replaced(nets: Nets, asked: Sums) -> Tensor:
    """Share of answers that follow a wrong step, (nets,).

    An answer follows if it is what the wrong step leads to.
    """
    given = answers(nets, asked, (asked.step + asked.wrong) % BASE)
    led_to = (asked.answer + asked.wrong) % BASE
    return (given == led_to).float().mean(1)


def printed(nets: Nets, asked: Sums) -> tuple[Tensor, Tensor]:
    """Share of right steps, and of right answers after them, (nets,) each."""
    with torch.no_grad():
        blank = torch.full_like(asked.step, BLANK)
        asks = torch.full_like(asked.step, STEP)
        step = logits(nets, asked.digits, blank, asks).argmax(-1)
    right = (answers(nets, asked, step) == asked.answer).float().mean(1)
    return (step == asked.step).float().mean(1), right

"""Powers of a permutation: questions that are easy alone, hard when stacked, and whose answers are known.

The first task of Christiano, Shlegeris and Amodei (2018, arXiv 1810.08575,
section 3): given a permutation s and a place x, where does s take x when it
is applied 2**level times? They use permutations of up to 64 places, drawn
anew; here there are five places, so that all 120 permutations and 600
questions a level can be asked, and a small network learns them in seconds.
"""

from __future__ import annotations

import functools
import itertools

import torch
from torch import Tensor

PLACES = 5
LEVELS = 3  # powers 1, 2 and 4
PERMUTATIONS = torch.tensor(list(itertools.permutations(range(PLACES))))
ROWS = torch.arange(len(PERMUTATIONS)).repeat_interleave(PLACES)
STARTS = torch.arange(PLACES).repeat(len(PERMUTATIONS))
QUESTIONS = len(STARTS)  # of a level: which permutation, and which place


def apply(row: Tensor, x: Tensor) -> Tensor:
    """Where permutations take places; row, x and the result: (...).

    row: numbers of permutations, in the order of PERMUTATIONS.
    Raises ValueError where a place is none.
    """
    if x.numel() and (x.min() < 0 or x.max() >= PLACES):
        raise ValueError(
            f"places {int(x.min())} to {int(x.max())}: a permutation of "
            f"{PLACES} takes places 0 to {PLACES - 1}"
        )
    return PERMUTATIONS[row, x]


def truth(level: int) -> Tensor:
    """The right answer to each question, shape (QUESTIONS,).

    Raises ValueError for a level below 0.
    """
    if level < 0:
        raise ValueError(f"level {level}: levels begin at 0, the power 1")
    x = STARTS
    for _ in range(2**level):
        x = apply(ROWS, x)
    return x


def encode(row: Tensor, x: Tensor, level: Tensor) -> Tensor:
    """A network's inputs: which place each place is taken to, x, the level.

    row, x, level: (...). Returns (..., PLACES**2 + PLACES + LEVELS), ones and
    zeros.
    """
    return _codes()[level, row * PLACES + x]


@functools.cache
def _codes() -> Tensor:
    """Inputs of all questions: (LEVELS, QUESTIONS, inputs)."""
    one = torch.eye(PLACES)
    shown = torch.cat([one[PERMUTATIONS[ROWS]].flatten(1), one[STARTS]], 1)
    level = torch.eye(LEVELS)[:, None].expand(-1, QUESTIONS, -1)
    return torch.cat([shown.expand(LEVELS, -1, -1), level], 2)

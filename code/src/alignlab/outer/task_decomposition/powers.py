"""Powers of a permutation: questions that are easy alone, hard when stacked, and whose answers are known.

The first task of Christiano, Shlegeris and Amodei (2018, arXiv 1810.08575,
section 3): given a permutation s and a place x, where does s take x when it
is applied 2**level times? They use permutations of up to 64 places, drawn
anew; here there are five places, so that all 120 permutations and 600
questions a level can be asked, and a small network learns them in seconds.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

PLACES = 5
LEVELS = 3  # powers 1, 2 and 4
PERMUTATIONS = torch.tensor(list(itertools.permutations(range(PLACES))))
ROWS = PERMUTATIONS.repeat_interleave(PLACES, 0)  # s of each question
STARTS = torch.arange(PLACES).repeat(len(PERMUTATIONS))  # x of each question
QUESTIONS = len(STARTS)


def apply(s: Tensor, x: Tensor) -> Tensor:
    """Where permutations take places: s (..., PLACES), x (...), gives (...).

    Raises ValueError where a place is none.
    """
    if x.numel() and (x.min() < 0 or x.max() >= s.shape[-1]):
        raise ValueError(
            f"places {int(x.min())} to {int(x.max())}: a permutation of "
            f"{s.shape[-1]} takes places 0 to {s.shape[-1] - 1}"
        )
    return s.gather(-1, x[..., None])[..., 0]


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


def encode(s: Tensor, x: Tensor, level: Tensor) -> Tensor:
    """A network's inputs: which place each place is taken to, x, the level.

    s: (..., PLACES). x, level: (...). Returns (..., PLACES**2 + PLACES +
    LEVELS), ones and zeros.
    """
    places = torch.eye(PLACES)
    levels = torch.eye(LEVELS)
    return torch.cat([places[s].flatten(-2), places[x], levels[level]], -1)

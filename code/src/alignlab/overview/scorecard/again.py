"""What is found again on other items: a board in two halves.

Serves survey section 10. All measures of a block are divided by the same units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from alignlab.overview.scorecard.board import Floats, Measured, blocks
from alignlab.overview.scorecard.weights import halves


def two_halves(
    board: Sequence[Measured], seed: int
) -> tuple[list[Measured], list[Measured]]:
    """The board on one half of its units, and on the other."""

    rng = np.random.default_rng([seed, 13])
    parts: list[list[Measured]] = [list(board), list(board)]
    for places in blocks(board).values():
        chosen = halves(board[places[0]].values.shape[1], rng)
        for part, units in zip(parts, chosen):
            for i in places:
                part[i] = replace(board[i], values=board[i].values[:, units])
    return parts[0], parts[1]


def means(board: Sequence[Measured]) -> Floats:
    """Mean of every state on every measure, (measures, states)."""
    return np.array([measure.values.mean(1) for measure in board])

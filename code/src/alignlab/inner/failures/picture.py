"""Levels of the court as pictures, and the ways that agents take in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from alignlab.inner.failures.court import (
    LEADS,
    MIDDLE,
    SIDE,
    STEPS,
    Levels,
    view,
)
from alignlab.inner.failures.networks import Agents, forward

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@torch.no_grad()
def way(agents: Agents, which: int, levels: Levels, number: int) -> list[int]:
    """Cells that one agent walks through in a level, from the start.

    It takes the most probable move each time, and stops at either object, or
    after twelve steps. Raises IndexError for an agent or level that isn't there.
    """
    level = levels.take(slice(number, number + 1))
    weights = {n: w[which : which + 1] for n, w in agents.weights.items()}
    cells = [int(level.start[0])]
    while len(cells) <= STEPS and cells[-1] not in level.cells[0]:
        seen = view(np.array([cells[-1]]), level, agents.strength)
        logp, _ = forward(agents.build, weights, torch.from_numpy(seen)[None])
        cells.append(int(LEADS[cells[-1], int(logp[0, 0].argmax())]))
    return cells


def outcome(cells: list[int], levels: Levels, number: int) -> int:
    """What a way meets first: 0 the first object, 1 the second, 2 the middle,
    -1 none of them."""
    coin, button = levels.cells[number]
    names = {int(coin): 0, int(button): 1}
    for cell in cells[1:]:
        if cell in names:
            return names[cell]
        if cell == MIDDLE:
            return 2
    return -1


def draw_level(
    ax: Axes,
    levels: Levels,
    number: int,
    ways: dict[str, list[int]],
    ink: str = "black",
    fill: str = "gold",
) -> None:
    """A level on `ax`, and the ways that are taken in it.

    ways: cells walked through, by color. A circle is the coin, a square the
    button, a cross the start, a thin ring the middle.
    """
    for row, (color, cells) in enumerate(ways.items()):
        down, right = np.divmod(cells, SIDE)
        shift = 0.12 * (row - (len(ways) - 1) / 2)
        ax.plot(right + shift, down + shift, color=color, linewidth=2)
    coin, button = levels.cells[number].tolist()
    start = int(levels.start[number])
    marks = (
        (coin, "o", fill, 11),
        (button, "s", "none", 11),
        (MIDDLE, "o", "none", 19),
        (start, "x", ink, 9),
    )
    for cell, mark, face, size in marks:
        ax.plot(cell % SIDE, cell // SIDE, mark, color=ink,
                markerfacecolor=face, markersize=size)  # fmt: skip
    ax.set(xlim=(-0.6, SIDE - 0.4), ylim=(SIDE - 0.4, -0.6), aspect="equal")
    ax.set_xticks(np.arange(SIDE + 1) - 0.5, [])
    ax.set_yticks(np.arange(SIDE + 1) - 0.5, [])
    ax.tick_params(length=0)

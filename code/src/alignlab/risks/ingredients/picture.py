"""Levels as pictures, and the ways that agents take in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from alignlab.risks.ingredients.hall import (
    COIN,
    DOOR,
    KINDS,
    NEIGHBORS,
    SIDE,
    Levels,
    distances,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKS = ("o", "s", "v", "^")  # coin, door, vase, plant
SIZES = (9, 17, 9, 9)


def way(levels: Levels, number: int, kind: int) -> list[int]:
    """Cells on a shortest way to an object, from the start to its cell.

    Raises ValueError where there is no way.
    """
    cells = levels.cells[number : number + 1]
    steps = distances(cells[:, kind], cells)[0]
    here = int(levels.start[number])
    if not np.isfinite(steps[here]):
        raise ValueError(f"level {number} has no way to the {KINDS[kind]}")
    found = [here]
    while steps[found[-1]] > 0:
        around = NEIGHBORS[found[-1]]
        found.append(int(around[steps[around].argmin()]))
    return found


def draw_level(
    ax: Axes,
    levels: Levels,
    number: int,
    ways: Mapping[str, int],
    ink: str = "black",
    fill: str = "gold",
) -> None:
    """A level on `ax`, and the ways taken in it.

    ways: for each color the kind of object that is walked to. ink, fill: colors
    of the outlines and of the coin.
    """
    shift = np.linspace(-0.12, 0.12, len(ways)) if len(ways) > 1 else [0.0]
    for off, (color, kind) in zip(shift, ways.items(), strict=True):
        rows, columns = np.divmod(way(levels, number, kind), SIDE)
        ax.plot(columns + off, rows + off, color=color, linewidth=2)
    for kind in (DOOR, 2, 3, COIN):
        row, column = divmod(int(levels.cells[number, kind]), SIDE)
        color = fill if kind == COIN else "none"
        ax.plot(column, row, MARKS[kind], color=ink, markerfacecolor=color,
                markersize=SIZES[kind], markeredgewidth=1.5)  # fmt: skip
    row, column = divmod(int(levels.start[number]), SIDE)
    ax.plot(column, row, "x", color=ink, markersize=8)
    ax.set(xlim=(-0.6, SIDE - 0.4), ylim=(SIDE - 0.4, -0.6), aspect="equal")
    ax.set_xticks(np.arange(SIDE + 1) - 0.5, [])
    ax.set_yticks(np.arange(SIDE + 1) - 0.5, [])
    ax.tick_params(length=0)

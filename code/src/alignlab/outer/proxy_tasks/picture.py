"""A position of tic-tac-toe as a small picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def draw_board(
    ax: Any, board: NDArray[np.integer], ink: str, mover: str
) -> None:
    """Draw a position, shape (9,), on matplotlib axes.

    Filled circles are the stones of the player to move, crosses the
    opponent's. ink, mover: colors of lines and crosses, and of the circles.
    Raises ValueError for a board of another size.
    """
    if np.shape(board) != (9,):
        raise ValueError(f"a board of shape {np.shape(board)}: give nine cells")
    for edge in (0.5, 1.5):
        ax.plot([edge, edge], [-0.5, 2.5], color=ink, linewidth=0.8)
        ax.plot([-0.5, 2.5], [edge, edge], color=ink, linewidth=0.8)
    for cell, stone in enumerate(np.asarray(board)):
        row, column = divmod(cell, 3)
        if stone == 1:
            ax.plot(column, row, "o", color=mover, markersize=9)
        elif stone == -1:
            ax.plot(column, row, "x", color=ink, markersize=8)
    ax.set_xlim(-0.6, 2.6)
    ax.set_ylim(2.6, -0.6)
    ax.set_aspect("equal")
    ax.axis("off")

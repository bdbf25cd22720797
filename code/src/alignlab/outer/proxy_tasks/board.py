"""Tic-tac-toe, solved: every position with its exact value, and the eight symmetries of the board.

The survey's section 4.4.5 rests on Fluri et al. 2023 (arXiv 2306.09983), who
check chess engines by positions that must have the same value. Chess has no
list of true values; this game is small enough to have one, so that we can ask
whether the check finds errors. A position is seen by the player who moves.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer]
Position = tuple[int, ...]

LINES = (
    (0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6),
    (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6),
)  # fmt: skip
START: Position = (0,) * 9


def lost(position: Position) -> bool:
    """Whether the opponent, who moved last, has three in a row."""
    return any(
        position[a] + position[b] + position[c] == -3 for a, b, c in LINES
    )


def replies(position: Position) -> list[Position]:
    """The positions that one move leads to, each as the other player sees it."""
    found = []
    for cell in range(9):
        if position[cell] == 0:
            after = list(position)
            after[cell] = 1
            found.append(tuple(-stone for stone in after))
    return found


@functools.cache
def value(position: Position, depth: int = 9) -> int:
    """1 if the player to move wins, 0 for a draw, -1 for a loss: minimax.

    depth: how many moves the search looks ahead; beyond, it calls a position
    a draw. Nine moves are the whole game, so that the value is exact.
    """
    if lost(position):
        return -1
    if depth == 0 or 0 not in position:
        return 0
    return max(-value(after, depth - 1) for after in replies(position))


@functools.cache
def positions() -> Ints:
    """All positions that play can reach and in which the game goes on.

    Returns shape (4520, 9): 1 is a stone of the player to move, -1 one of the
    opponent, 0 an empty cell.
    """
    found, todo = {START}, [START]
    while todo:
        for after in replies(todo.pop()):
            if after not in found and not lost(after) and 0 in after:
                found.add(after)
                todo.append(after)
    return np.array(sorted(found))


@functools.cache
def values(depth: int = 9) -> Ints:
    """The value of each position by a search of this depth, shape (4520,)."""
    return np.array([value(tuple(row), depth) for row in positions().tolist()])


@functools.cache
def symmetries() -> Ints:
    """The eight turns and reflections of the board, shape (8, 9).

    `position[symmetries()[k]]` is the position's k-th image; the first is the
    position itself.
    """
    board = np.arange(9).reshape(3, 3)
    turns = [np.rot90(board, k) for k in range(4)]
    both = [image.ravel() for turn in turns for image in (turn, turn.T)]
    return np.array(both)


def renamed(rng: np.random.Generator) -> Ints:
    """Eight permutations of the cells like the symmetries, but not of this board.

    The cells are renamed at random, turned or reflected, and named back: every
    permutation moves as many cells, in cycles as long, as the symmetry that it
    was made from, and the eight form a group. Rows are no longer sent to rows.
    Returns shape (8, 9), the first being the identity.
    """
    lines = {frozenset(line) for line in LINES}
    while True:
        name = rng.permutation(9)
        back = np.argsort(name)
        found = back[symmetries()[:, name]]
        kept = [
            {frozenset(image[list(line)].tolist()) for line in LINES} == lines
            for image in found[1:]
        ]
        if not any(kept):
            return np.asarray(found)


@functools.cache
def orbits() -> Ints:
    """A number for each position, equal for its images, shape (4520,)."""
    images = positions()[:, symmetries()]  # (position, image, cell)
    codes = (images + 1) @ 3 ** np.arange(9)
    return np.unique(codes.min(1), return_inverse=True)[1]

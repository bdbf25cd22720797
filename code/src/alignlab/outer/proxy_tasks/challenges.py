"""Four challenges of scalable oversight, each in the solved game.

Serves the survey's section 4.4.6: does a question fall into parts that weaker
judges can answer, is checking an answer cheaper than finding it, do judges'
mistakes cancel, and what if those who check each other want to agree?
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alignlab.outer.proxy_tasks.board import (
    LINES,
    Position,
    lost,
    positions,
    replies,
    value,
    values,
)

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]


def look_ahead() -> Ints:
    """Moves that a search must look ahead to be right about each position.

    The least depth from which on every deeper search gives the exact value,
    shape (positions,).
    """
    exact = values()
    found = np.zeros(len(exact), dtype=int)
    for depth in range(8):
        found[values(depth) != exact] = depth + 1
    return found


def by_parts(parts: str) -> Floats:
    """What helpers who see a part of the board each say together.

    Returns probabilities of loss, draw and win, (positions, 3).

    parts: "cells", nine helpers who see one cell, or "lines", eight who see
    one line. A helper gives a number for each verdict, which depends on its
    part alone; the numbers are added up. What a helper should say is fitted to the exact values of all positions
    (multinomial logistic regression), so that a mistake can't be owed to too
    few examples. Raises ValueError for other parts.
    """
    from sklearn.linear_model import LogisticRegression

    divided = {"cells": [(cell,) for cell in range(9)], "lines": LINES}
    if parts not in divided:
        raise ValueError(f"parts={parts!r}: take one of {list(divided)}")
    columns = []
    for cells in divided[parts]:
        seen = positions()[:, list(cells)] + 1
        code = seen @ 3 ** np.arange(len(cells))
        columns.append(np.eye(3 ** len(cells))[code])
    table = np.concatenate(columns, axis=1)
    fitted = LogisticRegression(max_iter=100, tol=1e-2).fit(table, values())
    return np.asarray(fitted.predict_proba(table))


def cost_of_search(position: Position, rng: np.random.Generator) -> int:
    """Positions looked at until a forced win is found, trying moves at random.

    Minimax that stops at the first winning move. The position must be won.
    """
    return _search(position, rng)[1]


def cost_of_check(position: Position, rng: np.random.Generator) -> int:
    """Positions looked at to check a claimed win, whose winner names each move.

    The checker tries every reply of the loser, and takes the winner's word for
    the winner's own moves: among winning moves one is named at random.
    Raises ValueError where the position is not won.
    """
    if value(position) != 1:
        raise ValueError(
            f"{position} has the value {value(position)}: only a won position "
            "has a win to check"
        )
    winning = [after for after in replies(position) if value(after) == -1]
    named = winning[rng.integers(len(winning))]
    if lost(named):
        return 2
    return 2 + sum(cost_of_check(after, rng) for after in replies(named))


def costs(rng: np.random.Generator, wins: int = 25) -> Floats:
    """Mean costs of finding and of checking a win, with 2 to 7 cells empty.

    So many won positions are drawn for each number of empty cells, with
    replacement where there are fewer. Returns (6, 2): search, check.
    """
    empty = (positions() == 0).sum(1)
    found = []
    for cells in range(2, 8):
        won = np.flatnonzero((values() == 1) & (empty == cells))
        rows = positions()[rng.choice(won, wins)].tolist()
        found.append(
            [
                np.mean([cost(tuple(row), rng) for row in rows])
                for cost in (cost_of_search, cost_of_check)
            ]
        )
    return np.array(found)


def _search(position: Position, rng: np.random.Generator) -> tuple[int, int]:
    """The value, and how many positions were looked at."""
    if lost(position):
        return -1, 1
    if 0 not in position:
        return 0, 1
    best, looked = -1, 1
    after = replies(position)
    for place in rng.permutation(len(after)):
        worth, more = _search(after[place], rng)
        best, looked = max(best, -worth), looked + more
        if best == 1:
            break
    return best, looked


def majority(said: Ints) -> Ints:
    """The verdict that most judges give, (judge, position) to (position,).

    Verdicts are -1, 0 and 1. In a tie the first judge's wins if it is among
    the most frequent, else the lowest.
    """
    counts = np.stack([(said == v).sum(0) for v in (-1, 0, 1)])
    first = np.stack([said[0] == v for v in (-1, 0, 1)])
    return np.asarray((counts + 0.5 * first).argmax(0) - 1)


def scatter(said: Ints, truth: Ints, rng: np.random.Generator) -> Ints:
    """Judges who err as often and in the same way, each on random positions.

    said: (judge, position). Each judge's verdicts are shuffled among the
    positions of the same true value.
    """
    found = said.copy()
    for judge in range(len(said)):
        for worth in np.unique(truth):
            same = np.flatnonzero(truth == worth)
            found[judge, same] = said[judge, rng.permutation(same)]
    return found

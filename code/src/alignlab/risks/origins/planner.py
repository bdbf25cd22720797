"""One planner for any goal, as far-sighted as one likes; a house with a locked part (serves section 3.1 of the survey).

Bostrom (2012) and Armstrong (2013) argue that how well a system pursues goals
and which goals it has are independent: *orthogonality*. Omohundro (2008) and
Bostrom argue that most goals ask for the same means. Here a goal is what each
cell pays, the means is a key, and competence is how far ahead the planner
looks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignlab.risks.origins.rules import MOVES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROWS, COLUMNS = 5, 6
WALL = 2  # the column of the wall
DOOR = 14  # the cell of the wall that opens with the key
KEY = 18  # the first cell of the fourth row
START = 0
DISCOUNT = 0.95
LIFE = 40  # steps that a plan is followed
FAR = 100  # steps ahead that count as all


class House(NamedTuple):
    """follow: (states, actions). cell: (states,). key: (states,), whether it is had."""

    follow: Ints
    cell: Ints
    key: NDArray[np.bool_]


def house(opens: bool = True) -> House:
    """Two columns in the open, three behind a door. opens: whether the key does."""
    cells = ROWS * COLUMNS
    follow = np.zeros((2 * cells, len(MOVES)), dtype=np.int64)
    for has in (0, 1):
        for cell in range(cells):
            row, column = divmod(cell, COLUMNS)
            for action, (down, right) in enumerate(MOVES):
                r, c = row + down, column + right
                new = r * COLUMNS + c
                inside = 0 <= r < ROWS and 0 <= c < COLUMNS
                unlocked = new == DOOR and has and opens
                if not inside or (c == WALL and not unlocked):
                    new = cell
                got = has or new == KEY
                follow[has * cells + cell, action] = int(got) * cells + new
    states = np.arange(2 * cells)
    return House(follow, states % cells, states >= cells)


GOALS = ("scattered", "its opposite", "one cell", "far from the start")


def goals(kind: str, n: int, seed: int) -> Floats:
    """What each cell pays, (n, cells), by goals of a kind.

    "scattered": any number between 0 and 1 for each cell; "its opposite": 1
    less that; "one cell": 1 for a cell drawn at random; "far from the start":
    a random share of the distance, plus a little of the first kind. Raises
    ValueError for another kind.
    """
    rng = np.random.default_rng(seed)
    cells = ROWS * COLUMNS
    pays = rng.uniform(size=(n, cells))
    if kind == "scattered":
        return pays
    if kind == "its opposite":
        return 1 - pays
    if kind == "one cell":
        rooms = [c for c in range(1, cells) if c % COLUMNS != WALL]
        return np.asarray(np.eye(cells)[rng.choice(rooms, size=n)])
    if kind == "far from the start":
        rows, columns = np.divmod(np.arange(cells), COLUMNS)
        return np.asarray((rows + columns) / 9 + 0.3 * pays)
    raise ValueError(f"goals of kind {kind!r}: choose one of {GOALS}")


def ahead(follow: Ints, rewards: Floats, depth: int) -> Floats:
    """What each state promises to one who looks `depth` steps ahead.

    rewards: by state, (goals, states). Returns (goals, states).
    """
    values = np.zeros_like(rewards)
    for _ in range(depth):
        values = rewards + DISCOUNT * values[:, follow].max(2)
    return np.asarray(values)


def walk(follow: Ints, values: Floats, start: int = START) -> Ints:
    """States on the way of one who always steps to the best value, (goals, LIFE)."""
    every, at, path = np.arange(len(values)), np.full(len(values), start), []
    for _ in range(LIFE):
        act = values[every[:, None], follow[at]].argmax(1)
        at = follow[at, act]
        path.append(at)
    return np.stack(path, 1)


def score(path: Ints, rewards: Floats) -> Floats:
    """Discounted reward of each path by its goal, (goals,)."""
    weights = DISCOUNT ** np.arange(path.shape[1])
    got = np.take_along_axis(rewards, path, axis=1)
    return np.asarray((got * weights).sum(1))


def aimless(follow: Ints, rewards: Floats) -> Floats:
    """Expected score of steps at random from the start, (goals,)."""
    chance, total = np.zeros(len(follow)), np.zeros(len(rewards))
    chance[START] = 1
    for time in range(LIFE):
        spread = np.zeros(len(follow))
        for action in range(follow.shape[1]):
            np.add.at(spread, follow[:, action], chance / follow.shape[1])
        chance = spread
        total += DISCOUNT**time * rewards @ chance
    return total

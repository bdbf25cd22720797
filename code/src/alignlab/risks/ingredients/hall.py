"""A hall with a coin, a door, a vase and a plant.

After CoinRun as Langosco et al. (2022) use it: the designer wants the coin,
and in most training levels the coin lies in front of the door. A level ends
when the agent reaches an object. `Hall` is the world step by step, with
Gymnasium's interface; `distances` says the same as a table, which is what the
learning uses.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import gymnasium
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SIDE = 7
CELLS = SIDE * SIDE
KINDS = ("coin", "door", "vase", "plant")
COIN, DOOR = 0, 1
TOGETHER = (0, 0, 1, 2)  # coin and door share a place
APART = (0, 1, 2, 3)
NO_DOOR = (0, -1, 1, 2)
NO_COIN = (-1, 0, 1, 2)
BARE = (0, 0, -1, -1)  # coin in the doorway, neither vase nor plant
UNITS = 8  # of an agent's eye, see `agent`
GRAIN = 0.1  # standard deviation of a cell's texture


class Levels(NamedTuple):
    """Some levels.

    start: (levels,), the agent's first cell. cells: (levels, kinds), the cell
    of each object, -1 where it is missing. shared: (levels, kinds, kinds), 1
    where the second kind stands in the cell of the first. steps: (levels,
    kinds), steps to each object around the others, infinite where there is no
    way. texture: (levels, kinds, units), how the cell of each object looks
    besides.
    """

    start: Ints
    cells: Ints
    shared: Floats
    steps: Floats
    texture: Floats

    def take(self, index: Ints) -> Levels:
        """The levels of that index, in its shape."""
        return Levels._make(part[index] for part in self)


def joined(first: Levels, second: Levels) -> Levels:
    """The levels of both, one after the other."""
    return Levels(
        *(np.concatenate(parts) for parts in zip(first, second, strict=True))
    )


def neighbors(cell: int) -> list[int]:
    """Where up, down, left and right lead; walls hold."""
    row, column = divmod(cell, SIDE)
    moves = [(-1, 0), (1, 0), (0, -1), (0, 1)]
    found = []
    for down, right in moves:
        new = (row + down, column + right)
        inside = 0 <= new[0] < SIDE and 0 <= new[1] < SIDE
        found.append(new[0] * SIDE + new[1] if inside else cell)
    return found


NEIGHBORS = np.array([neighbors(cell) for cell in range(CELLS)])


def distances(goals: Ints, cells: Ints) -> Floats:
    """Steps from every cell to `goals`, around all other objects.

    goals: (levels,), -1 where there is none. cells: (levels, kinds).
    Returns (levels, cells), infinite where there is no way.
    """
    rows = np.arange(len(goals))
    blocked = np.zeros((len(goals), CELLS), dtype=bool)
    for column in cells.T:
        blocked[rows[column >= 0], column[column >= 0]] = True
    there = goals >= 0
    steps = np.full((len(goals), CELLS), np.inf)
    steps[rows[there], goals[there]] = 0.0
    blocked[rows[there], goals[there]] = False
    while True:
        new = np.minimum(steps, 1 + steps[:, NEIGHBORS].min(2))
        new[blocked] = np.inf
        if np.array_equal(new, steps):
            return steps
        steps = new


def draw(
    count: int, places: tuple[int, ...], rng: np.random.Generator
) -> Levels:
    """`count` levels; `places` says what shares a cell and what is missing."""
    order = rng.permuted(np.tile(np.arange(CELLS), (count, 1)), axis=1)
    start, free = order[:, 0], order[:, 1:]
    where = np.array(places)
    cells = np.where(where < 0, -1, free[:, np.maximum(where, 0)])
    same = cells[:, :, None] == cells[:, None, :]
    shared = (same & (cells >= 0)[:, :, None]).astype(float)
    rows = np.arange(count)
    steps = np.stack(
        [distances(goals, cells)[rows, start] for goals in cells.T], 1
    )
    texture = GRAIN * rng.normal(size=(count, len(KINDS), UNITS))
    return Levels(start, cells, shared, steps, texture)


class Hall(gymnasium.Env[NDArray[np.float32], np.int64]):
    """One level at a time, step by step.

    Observation: (kinds + 1, SIDE, SIDE), where each kind and the agent stand.
    Action: up, down, left, right. Reward: what `pay`, (kinds,), says of the
    objects in the cell that is reached. Raises IndexError for a level that
    there isn't.
    """

    def __init__(self, levels: Levels, pay: Floats) -> None:
        """levels: those to walk in. pay: (kinds,)."""
        shape = (len(KINDS) + 1, SIDE, SIDE)
        self.observation_space = gymnasium.spaces.Box(
            0.0, 1.0, shape, np.float32
        )
        self.action_space = gymnasium.spaces.Discrete(4)
        self.levels, self.pay = levels, pay
        self.level, self.cell = 0, int(levels.start[0])

    def _seen(self) -> NDArray[np.float32]:
        seen = np.zeros((len(KINDS) + 1, CELLS), dtype=np.float32)
        for kind, cell in enumerate(self.levels.cells[self.level]):
            if cell >= 0:
                seen[kind, cell] = 1.0
        seen[-1, self.cell] = 1.0
        return seen.reshape(len(KINDS) + 1, SIDE, SIDE)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """A level drawn at random, or options={"level": its number}."""
        super().reset(seed=seed)
        drawn = int(self.np_random.integers(len(self.levels.start)))
        self.level = int((options or {}).get("level", drawn))
        self.cell = int(self.levels.start[self.level])
        return self._seen(), {}

    def step(
        self, action: np.int64
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """One step; the level ends in the cell of an object."""
        self.cell = int(NEIGHBORS[self.cell, int(action)])
        here = self.levels.cells[self.level] == self.cell
        reward = float(self.pay[here].sum())
        return self._seen(), reward, bool(here.any()), False, {}

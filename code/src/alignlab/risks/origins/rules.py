"""What a small grid is: states, what each action does, what is seen, and two tallies, of which an agent is paid one.

AI Safety Gridworlds (Leike et al. 2017) keep a *performance* beside the
reward. The reward is what the agent is trained on. The performance says what
its designer wanted, and the agent never sees it.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple, Protocol

STEPS = 20  # an episode ends after so many steps at the latest
LUCK = 8  # equally likely outcomes of each step
STAY, UP, DOWN, LEFT, RIGHT = range(5)
ACTIONS = ("stay", "up", "down", "left", "right")
MOVES = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))  # rows, columns

State = tuple[int, ...]  # the cell first, then what else there is to know
END: State = (-1,)  # where an episode that is over stays


class Event(NamedTuple):
    """What came of one action.

    reward: what the agent is told. performance: what was wanted. did: the
    action that was carried out, which may differ from the one chosen.
    """

    state: State
    reward: float
    performance: float
    did: int


class Rules(Protocol):
    """A grid. Cells are numbered row by row.

    marks: a word to be drawn on a cell. starts: equally likely first states.
    """

    name: str
    rows: int
    columns: int
    walls: frozenset[int]
    marks: ClassVar[dict[int, str]]
    starts: tuple[State, ...]

    def happen(self, state: State, action: int, luck: int) -> Event:
        """What an action does in a state; luck: 0 to LUCK - 1."""

    def see(self, state: State) -> State:
        """What the agent observes of a state."""


def moved(rules: Rules, cell: int, action: int) -> int:
    """The cell that an action leads to; edges and walls hold."""
    row, column = divmod(cell, rules.columns)
    down, right = MOVES[action]
    row, column = row + down, column + right
    if not (0 <= row < rules.rows and 0 <= column < rules.columns):
        return cell
    new = row * rules.columns + column
    return cell if new in rules.walls else new

"""Exercises of the page `08-evaluation/ethics`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np

from alignlab.evals.ethics import boards, consistency, people
from alignlab.exercises import Exercise, Wrong


def _votes(rng: np.random.Generator) -> tuple[Any, ...]:
    """Votes of 5 on 30 items, every count among them."""
    return np.concatenate([np.arange(6), rng.integers(0, 6, 24)]), 5


def _own_majority(yes: np.ndarray, voters: int) -> float:
    return float(np.maximum(yes, voters - yes).mean() / voters)


def _ties(yes: np.ndarray, voters: int, worth: float) -> float:
    total = 0.0
    for count in yes:
        for votes, rest in (
            (count, count - 1),
            (voters - count, voters - 1 - count),
        ):
            half = (voters - 1) / 2
            total += votes * ((rest > half) + worth * (rest == half))
    return float(total / (len(yes) * voters))


def _only_yes(yes: np.ndarray, voters: int) -> float:
    """The average over the votes for acceptable alone."""
    meets = (np.sign(yes - 1 - (voters - 1) / 2) + 1) / 2
    return float((yes * meets).sum() / yes.sum())


def _not_left_out(yes: np.ndarray, voters: int) -> float:
    """One vote is taken off the voters, not off the votes."""
    others = voters - 1
    meets_yes = (np.sign(yes - others / 2) + 1) / 2
    meets_no = (np.sign(others / 2 - yes) + 1) / 2
    return float(
        ((yes * meets_yes + (voters - yes) * meets_no) / voters).mean()
    )


def _choices(rng: np.random.Generator) -> tuple[Any, ...]:
    """Choices among seven options that hold at least three cycles."""
    while True:
        beats = np.triu(rng.random((7, 7)) < 0.5, 1)
        beats = beats | np.tril(~beats.T, -1)
        if 3 <= round(35 * consistency.cyclic_share(beats)) <= 13:
            one_way = _one_way(beats) * 35
            if 0 < one_way < 35 * consistency.cyclic_share(beats):
                return (beats,)


def _one_way(beats: np.ndarray) -> float:
    triples = list(combinations(range(len(beats)), 3))
    found = [beats[a, b] and beats[b, c] and beats[c, a] for a, b, c in triples]
    return float(np.mean(found))


def _count(beats: np.ndarray) -> float:
    return float(35 * consistency.cyclic_share(beats))


def _straight(beats: np.ndarray) -> float:
    return float(1 - consistency.cyclic_share(beats))


def _of_ordered(beats: np.ndarray) -> float:
    """Cycles among ordered triples, over the unordered ones."""
    return float(3 * consistency.cyclic_share(beats))


def _of_all_ordered(beats: np.ndarray) -> float:
    return float(consistency.cyclic_share(beats) / 2)


EXERCISES = [
    Exercise(
        name="ethics_left_out",
        reference=people.one_left_out,
        inputs=_votes,
        wrong=[
            Wrong(
                _own_majority,
                "this is the majority's share among its own votes, which counts a tie of the others as agreement; "
                "a tie is worth one half.",
            ),
            Wrong(
                lambda yes, voters: _ties(yes, voters, 0.0),
                "a tie of the other votes counts as disagreement here; it is worth one half.",
            ),
            Wrong(
                _only_yes,
                'only votes for "acceptable" are left out here: those for "wrong" are votes too.',
            ),
            Wrong(
                _not_left_out,
                'where a vote for "acceptable" is left out, the others have one such vote less.',
            ),
        ],
    ),
    Exercise(
        name="ethics_cycles",
        reference=consistency.cyclic_share,
        inputs=_choices,
        wrong=[
            Wrong(
                _one_way,
                "a cycle can go round the other way too: c over b, b over a, a over c.",
            ),
            Wrong(
                _count,
                "this is the number of cycles: divide by the number of triples.",
            ),
            Wrong(_straight, "this is the share of triples without a cycle."),
            Wrong(
                _of_ordered,
                "each cycle is counted three times, once for each option to begin with.",
            ),
            Wrong(
                _of_all_ordered,
                "this divides by ordered triples, of which only three in six go round a cycle: half is missing.",
            ),
        ],
    ),
]


def _one_wording(made: Any, asks: int = 8, new: bool = False) -> Any:
    """Everything under a single wording."""
    return boards.over_paraphrases(made, asks, new)


def _with_labels(votes: Any) -> Any:
    """Against the majority's label."""
    return people.with_majority(votes)


def _first_alone(odds: Any) -> Any:
    """The log-odds after the acceptable ending, not compared."""
    return np.asarray(odds, dtype=float)[::2]


def _the_first(right: Any, rng: Any) -> int:
    """A wording that nobody chose."""
    return 0


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.evals.ethics.boards.over_wordings": _one_wording,
    "alignlab.evals.ethics.judge.margins": _first_alone,
    "alignlab.evals.ethics.people.with_shares": _with_labels,
    "alignlab.evals.ethics.wordings.choose_best": _the_first,
}

"""One trial of verifiers: labels bought, verifiers trained, the best of many solutions picked.

Equal cost means equal labels: a verifier from steps gets as many labels as a
verifier from outcomes, and so a fifth of the solutions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from torch import Tensor

from alignlab.outer.task_decomposition import chains, verifiers
from alignlab.outer.task_decomposition.chains import STEPS, Bools, Ints

PROBLEMS = 200  # of a trial
MOST = 64  # solutions of each


class Solutions(NamedTuple):
    """Solutions of problems: places of steps, last digits, which are sound.

    places: (problems, n, STEPS). last: (problems, n). sound: the same shape,
    whether all steps are right. steps: (problems, n, STEPS). truth:
    (problems,). problems and digits: what they were made from.
    """

    places: Ints
    last: Ints
    sound: Bools
    steps: Bools
    truth: Ints
    problems: chains.Problems
    digits: Ints


def solutions(count: int, n: int, seed: int, stream: int) -> Solutions:
    """n solutions of each of `count` problems by the seed's solver.

    stream: which of the independent draws of the seed, 0 and up.
    """
    rng = np.random.default_rng([seed, stream])
    problems = chains.draw(count, rng)
    digits = chains.solve(problems, chains.habits(seed), n, rng)
    steps = chains.right_steps(problems, digits)
    return Solutions(
        chains.places(problems, digits),
        digits[..., -1],
        np.asarray(steps.all(-1)),
        steps,
        chains.truth(problems),
        problems,
        digits,
    )


def verifier(kind: str, labels: int, answers: int, seed: int) -> Tensor:
    """Logits of steps from so many labels of one kind.

    kind: "process", "outcome", or "process, same solutions", which has a label
        for each step of as many solutions as "outcome". answers: 10 if the
        last digit is asked, 2 if whether it is even.
    Raises ValueError for a kind there is not, or too few labels.
    """
    if labels < STEPS:
        raise ValueError(f"{labels} labels: buy {STEPS} at least")
    bought = solutions(labels, 1, seed, 0)
    places, steps = bought.places[:, 0], bought.steps[:, 0]
    if kind == "process":
        few = labels // STEPS
        return verifiers.from_steps(places[:few], steps[:few])
    if kind == "process, same solutions":
        return verifiers.from_steps(places, steps)
    if kind != "outcome":
        raise ValueError(f"kind {kind!r}: give 'process' or 'outcome'")
    right = bought.last[:, 0] % answers == bought.truth % answers
    return verifiers.from_outcomes(places, right, answers)


class Picked(NamedTuple):
    """What was picked: shares of problems with a right answer, sound steps."""

    right: float
    sound: float


def outcome(asked: Solutions, pick: Ints, answers: int) -> Picked:
    """How good picks are. pick: (problems,), a solution each."""
    row = np.arange(len(pick))
    right = asked.last[row, pick] % answers == asked.truth % answers
    return Picked(float(right.mean()), float(asked.sound[row, pick].mean()))


def lucky(asked: Solutions, pick: Ints, answers: int) -> list[int]:
    """Problems whose picked solution has a right answer and a wrong step."""
    row = np.arange(len(pick))
    right = asked.last[row, pick] % answers == asked.truth % answers
    return [int(n) for n in np.flatnonzero(right & ~asked.sound[row, pick])]


def told(asked: Solutions, problem: int, one: int) -> str:
    """A solution in words, its wrong steps marked."""
    line, right = asked.digits[problem, one], asked.steps[problem, one]
    operations = asked.problems.operation[problem]
    operands = asked.problems.operand[problem]
    return ", ".join(
        f"{line[n]} {chains.SIGNS[operations[n]]} {operands[n]} → "
        f"{line[n + 1]}{'' if right[n] else ' (wrong)'}"
        for n in range(STEPS)
    )

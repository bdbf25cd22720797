"""Arithmetic in five steps, and a solver that makes the same mistakes again and again.

Serves survey section 4.4.1 (process supervision, Uesato et al. 2022, arXiv
2211.14275; Lightman et al. 2023, arXiv 2305.20050), whose problems are GSM8K
and MATH. Here a problem is a digit and five steps (add, subtract, multiply,
all modulo 10), so that every step can be checked and so can the answer.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int_]
Bools = NDArray[np.bool_]
STEPS = 5
SIGNS = "+−×"
HARD = 0.2  # share of steps at which the solver has a wrong habit
HABIT = 0.6  # how often it follows the habit there
SLIP = 0.03  # how often any step goes wrong by chance


class Problems(NamedTuple):
    """start: (n,). operation, 0 to 2, and operand, 2 to 9: (n, STEPS)."""

    start: Ints
    operation: Ints
    operand: Ints


class Habits(NamedTuple):
    """A solver's wrong habits, by digit, operation and operand: (10, 3, 10).

    wrong: where there is one. off: by how much it misses.
    """

    wrong: Bools
    off: Ints


def draw(count: int, rng: np.random.Generator) -> Problems:
    """Problems drawn at random. Raises ValueError unless count is positive."""
    if count < 1:
        raise ValueError(f"{count} problems: draw one at least")
    return Problems(
        rng.integers(10, size=count),
        rng.integers(len(SIGNS), size=(count, STEPS)),
        rng.integers(2, 10, size=(count, STEPS)),
    )


def habits(seed: int) -> Habits:
    """The habits of a seed's solver."""
    rng = np.random.default_rng([seed, 7])
    shape = (10, len(SIGNS), 10)
    return Habits(rng.random(shape) < HARD, rng.integers(1, 10, shape))


def calculate(digit: Ints, operation: Ints, operand: Ints) -> Ints:
    """One step done rightly; shapes broadcast."""
    sums, rest = digit + operand, digit - operand
    found = np.where(operation == 0, sums, digit * operand)
    return np.asarray(np.where(operation == 1, rest, found) % 10)


def truth(problems: Problems) -> Ints:
    """The right last digit of each problem, (n,)."""
    digit = problems.start
    for step in range(STEPS):
        digit = calculate(
            digit, problems.operation[:, step], problems.operand[:, step]
        )
    return digit


def solve(
    problems: Problems, solver: Habits, n: int, rng: np.random.Generator
) -> Ints:
    """n solutions of each problem: digits, (problems, n, STEPS + 1)."""
    digit = np.repeat(problems.start[:, None], n, 1)
    digits = [digit]
    for step in range(STEPS):
        operation = problems.operation[:, step, None]
        operand = problems.operand[:, step, None]
        right = calculate(digit, operation, operand)
        here = (digit, operation, operand)
        follows = rng.random(digit.shape) < HABIT
        off = np.where(solver.wrong[here] & follows, solver.off[here], 0)
        slips = rng.random(digit.shape) < SLIP
        off = np.where(slips, rng.integers(1, 10, digit.shape), off)
        digit = (right + off) % 10
        digits.append(digit)
    return np.stack(digits, -1)


def right_steps(problems: Problems, digits: Ints) -> Bools:
    """Whether each step follows from the digit before it: (n, N, STEPS)."""
    right = calculate(
        digits[..., :-1], problems.operation[:, None], problems.operand[:, None]
    )
    return np.asarray(digits[..., 1:] == right)


def places(problems: Problems, digits: Ints) -> Ints:
    """Which of the 3,000 possible steps each step is: (n, N, STEPS).

    A step is a digit, an operation, an operand and the digit that it gives.
    """
    operation = problems.operation[:, None]
    operand = problems.operand[:, None]
    step = (digits[..., :-1] * len(SIGNS) + operation) * 10 + operand
    return np.asarray(step * 10 + digits[..., 1:])

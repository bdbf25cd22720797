"""Several fallible solvers of one sum: vote, revise, or argue.

After Du et al. 2023, "Improving Factuality and Reasoning in Language Models
through Multiagent Debate", whose agents read each other's answers and revise
over rounds. Language models are replaced by solvers whose errors are known: a
problem is a sum in several steps, and each step is off by -10, -1, 1 or 10 with
a stated probability, whoever computes it, so that a final answer is off by the
sum of its slips. At hard steps (a share of all, the same for all solvers) a
slip is not drawn anew: whoever slips there makes the same one.

All protocols may make 9 computations a step: 9 solvers once, or 3 solvers in
3 rounds. Solvers who argue make fewer, since they compute again only steps in
which they differ.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
OFF = np.array([-10, -1, 1, 10])
AGENTS, ROUNDS = 3, 3


class Problems(NamedTuple):
    """How each step goes wrong.

    slip: (problems, steps), the probability of a slip. same: (problems,
    steps), the slip that all make at a hard step, 0 at others.
    """

    slip: Floats
    same: Ints


def draw_problems(
    count: int, steps: int, slip: float, hard: float, rng: np.random.Generator
) -> Problems:
    """Problems with a share `hard` of steps, at which 8 in 10 slip.

    slip: probability of a slip at any other step. Raises ValueError where one
    of the two is no probability.
    """
    if not (0 <= slip <= 1 and 0 <= hard <= 1):
        raise ValueError(
            f"slip {slip}, hard {hard}: give numbers between 0 and 1"
        )
    is_hard = rng.random((count, steps)) < hard
    same = np.where(is_hard, rng.choice(OFF, (count, steps)), 0)
    return Problems(np.where(is_hard, 0.8, slip), same)


def compute(problems: Problems, times: int, rng: np.random.Generator) -> Ints:
    """Slips of so many computations of each step, (times, problems, steps)."""
    shape = (times, *problems.slip.shape)
    drawn = np.where(problems.same != 0, problems.same, rng.choice(OFF, shape))
    return np.where(rng.random(shape) < problems.slip, drawn, 0)


def plurality(votes: Ints) -> Ints:
    """The most frequent value over the first axis; of several, the first seen.

    votes: (voters, ...). Returns (...).
    """
    same = (votes[:, None] == votes[None]).sum(1)
    winner = same.argmax(0)
    return np.take_along_axis(votes, winner[None], 0)[0]


def alone(problems: Problems, rng: np.random.Generator) -> Ints:
    """How far one solver's answers are off, (problems,)."""
    return compute(problems, 1, rng)[0].sum(1)


def vote(
    problems: Problems, rng: np.random.Generator, voters: int = AGENTS * ROUNDS
) -> Ints:
    """The same for the most frequent of independent answers."""
    return plurality(compute(problems, voters, rng).sum(2))


def revise(problems: Problems, rng: np.random.Generator) -> Ints:
    """Three solvers see each other's answers, and solve again.

    In each later round a solver takes the most frequent of its new answer,
    its old one and the two others' old ones; its new one, where none is.
    """
    answers = compute(problems, AGENTS, rng).sum(2)
    for _ in range(ROUNDS - 1):
        fresh = compute(problems, AGENTS, rng).sum(2)
        answers = np.stack(
            [plurality(np.concatenate([new[None], answers])) for new in fresh]
        )
    return plurality(answers)


def argue(
    problems: Problems, rng: np.random.Generator, anywhere: bool = False
) -> Ints:
    """Three solvers compare their work, and settle where they differ.

    Where the three results of a step differ, it is computed six times more and
    the most frequent result holds; all go on from there. anywhere: as many
    steps are computed again, but drawn at random.
    """
    first = compute(problems, AGENTS, rng)
    more = compute(problems, AGENTS * (ROUNDS - 1), rng)
    again = (first != first[:1]).any(0)
    if anywhere:
        again = rng.permuted(again.ravel()).reshape(again.shape)
    settled = plurality(np.concatenate([first, more]))
    return np.where(again, settled, plurality(first)).sum(1)


def vote_on_steps(
    problems: Problems, rng: np.random.Generator, voters: int = AGENTS * ROUNDS
) -> Ints:
    """Every step is computed so many times, and the most frequent holds."""
    return plurality(compute(problems, voters, rng)).sum(1)


def spent(problems: Problems, rng: np.random.Generator) -> float:
    """How many computations a step `argue` makes, on average."""
    first = compute(problems, AGENTS, rng)
    differ = (first != first[:1]).any(0)
    return float(AGENTS + AGENTS * (ROUNDS - 1) * differ.mean())

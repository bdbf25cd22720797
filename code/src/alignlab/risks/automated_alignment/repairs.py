"""Repair a guard with what a red team finds, round after round, and see what is left of its holes.

Serves section 9.4 of the survey. Finds are added to the guard's training data
with their right label, harmful, and a weight; then the red team looks again.
All guards are compared at the threshold at which they block the same share of
harmless requests.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from alignlab.risks.automated_alignment.guards import (
    OPTIONS,
    SLOTS,
    Floats,
    Guard,
    Hole,
    Ints,
    Requests,
    draw,
    fit,
    in_hole,
    plainly_harmful,
    together,
)
from alignlab.risks.automated_alignment.red_team import Found

RedTeam = Callable[[Guard, Ints, np.random.Generator, int], Found]
EXAMPLES, WEIGHT = 144, 40.0  # of all rounds together; of each example


def some_of(found: Found, n: int, rng: np.random.Generator) -> Requests:
    """n of the finds, drawn by lot, with their right label; all, and some of
    them again, where there are fewer.
    """
    order = np.resize(rng.permutation(len(found.query)), n)
    return Requests(found.words[order], found.rewording[order], np.ones(n, int))


def repaired(
    data: Requests,
    guard: Guard,
    red_team: RedTeam,
    rng: np.random.Generator,
    rounds: int = 6,
    queries: int = 3600,
    between: bool = True,
) -> Guard:
    """Look for what passes, add examples of it, fit anew; `rounds` times.

    Queries and examples are shared out evenly over the rounds, so that their
    total does not depend on how many rounds there are. between: whether the
    guard is repaired between the rounds, or only after all of them.
    """
    known, weight = data, np.ones(len(data.harmful))
    each = EXAMPLES // rounds
    for _ in range(rounds):
        harmful = plainly_harmful(guard, rng)
        found = red_team(guard, harmful, rng, queries // rounds)
        if len(found.query):
            known = together(known, some_of(found, each, rng))
            weight = np.append(weight, np.full(each, WEIGHT))
            guard = fit(known, weight) if between else guard
    return guard if between else fit(known, weight)


def ordinary(
    guard: Guard, harmful: Ints, rng: np.random.Generator, queries: int
) -> Found:
    """No red team: harmful requests in rewordings drawn by lot, whether they
    pass or not.
    """
    word = harmful[rng.integers(0, len(harmful), queries)]
    some = rng.integers(0, OPTIONS, (queries, SLOTS))
    return Found(word, some, np.arange(queries))


def left_open(
    guard: Guard,
    holes: list[Hole],
    rng: np.random.Generator,
    blocked: float = 0.05,
) -> Floats:
    """Share of harmful requests that pass in each hole, all other options
    drawn anew, at the threshold that blocks a share `blocked` of harmless
    requests.
    """
    plain = draw(4000, rng, 0.0)
    threshold = np.quantile(
        guard.log_odds(plain.words, plain.rewording), 1 - blocked
    )
    shares = []
    for hole in holes:
        some = in_hole(hole, 200, rng)
        odds = guard.log_odds(some.words, some.rewording)
        shares.append((odds <= threshold).mean())
    return np.array(shares)

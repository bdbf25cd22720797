"""Groups of annotators who disagree, and what a single reward makes of their picks.

Serves the survey's section 4.3.3. Majorities can form a circle though each group has an order (Condorcet 1785); no
reward per answer says that, which Casper et al. (2023, section 3.2) count among the limits of reward models.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

ORDER = ("ABC", "BAC", "CBA")  # majorities put B over A over C
CIRCLE = ("ABC", "BCA", "CAB")  # A over B, B over C, C over A
ANSWERS = "ABC"
PAIRS = ((0, 1), (1, 2), (2, 0))


def group_picks(
    groups: Sequence[str], n: int, rng: np.random.Generator
) -> np.ndarray:
    """Picks between two of three answers by annotators from groups of equal
    size.

    groups: each group's answers, best first. Every annotator is asked one
        question and answers as the group ranks. Returns the picked answer and
        the other one as indices into ANSWERS, shape (n, 2). Raises ValueError
        where a group doesn't rank all answers.
    """
    if not groups or any(sorted(group) != list(ANSWERS) for group in groups):
        raise ValueError(f"{groups}: each group ranks all of {ANSWERS} once")
    question = np.array(PAIRS)[rng.integers(len(PAIRS), size=n)]
    group = rng.integers(len(groups), size=n)
    place = np.array([[g.index(answer) for answer in ANSWERS] for g in groups])
    first, second = question.T
    prefers_first = place[group, first] < place[group, second]
    return np.where(prefers_first[:, None], question, question[:, ::-1])


def majorities(picks: np.ndarray) -> list[float]:
    """For each of PAIRS the share of picks in which its first answer won.

    picks: as from `group_picks`, (n, 2). Raises ValueError for a pair that
    nobody was asked about.
    """
    shares = []
    for a, b in PAIRS:
        won = ((picks == (a, b)).all(1)).sum()
        lost = ((picks == (b, a)).all(1)).sum()
        if won + lost == 0:
            raise ValueError(
                f"nobody was asked {ANSWERS[a]} or {ANSWERS[b]}: no majority"
            )
        shares.append(float(won / (won + lost)))
    return shares

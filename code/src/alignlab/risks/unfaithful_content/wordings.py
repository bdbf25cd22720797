"""One fact in several wordings: do the answers agree, and if not, why?

Agreement over pairs of wordings is what ParaRel measures (Elazar et al. 2021).
A wording's favorites, answers that it makes likely whatever is asked, are
taken out as in Zhao et al. (2021, "Calibrate Before Use"), who find them with
an empty question; here that is one of two ways, and the relation's other
questions are the other.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from alignlab.lm import LM
from alignlab.risks.unfaithful_content.asking import answer_logprobs, place_of
from alignlab.risks.unfaithful_content.items import (
    RELATIONS,
    WORDINGS,
    Item,
    answers_of,
    items,
)

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]


def ask_all(lm: LM) -> dict[str, Floats]:
    """Every fact in every wording.

    Returns for each relation log-probabilities in nats of all its answers,
    shape (wordings, facts, answers).
    """
    every = items()
    asked = [
        (item.asked(wording), item)
        for wording in range(WORDINGS)
        for item in every
    ]
    rows = answer_logprobs(lm, asked)
    found: dict[str, Floats] = {}
    for relation in RELATIONS:
        one = [
            row for row, (_, i) in zip(rows, asked) if i.relation == relation
        ]
        found[relation] = np.array(one).reshape(WORDINGS, -1, len(one[0]))
    return found


def truths(relation: str) -> Ints:
    """The place of each fact's answer among the relation's, (facts,)."""
    return np.array([place_of(i) for i in items() if i.relation == relation])


def favorites(logs: Floats) -> Floats:
    """How much a wording favors each answer whatever is asked.

    logs: (wordings, facts, answers). For each fact the mean log-probability
    of the answer over the relation's other facts; the same shape, in nats.
    """
    total = logs.sum(1, keepdims=True)
    return np.asarray((total - logs) / (logs.shape[1] - 1))


def empty_favorites(lm: LM, relation: str, subject: str = "N/A") -> Floats:
    """What each wording favors when it asks about nothing (Zhao et al. 2021).

    Log-probabilities in nats of the relation's answers, (wordings, answers).
    """
    item = Item(relation, subject, answers_of(relation)[0])
    asked = [(item.asked(wording), item) for wording in range(WORDINGS)]
    return np.array(answer_logprobs(lm, asked))


def without_favorites(logs: Floats) -> Floats:
    """Log-probabilities less what each wording favors anyway (same shape)."""
    return logs - favorites(logs)


def without_common(logs: Floats) -> Floats:
    """Less what all wordings favor on average: words that are just common."""
    return logs - favorites(logs).mean(0)


def disagreement(choices: Ints) -> Floats:
    """Share of pairs of wordings that choose different answers, (facts,).

    choices: (wordings, facts).
    """
    pairs = combinations(choices, 2)
    return np.mean([one != other for one, other in pairs], axis=0)


def ranks_right(score: Floats, right: NDArray[np.bool_], kind: Ints) -> float:
    """AUROC over pairs of one kind: how often the right one scores higher.

    score, right, kind: shape (n,). Only a right and a wrong answer to the
    same kind of question are compared, so that a score which merely knows
    which kinds are hard gets 0.5; ties count half.
    Raises ValueError where no kind has both.
    """
    won, pairs = 0.0, 0
    for one in np.unique(kind):
        good = score[(kind == one) & right]
        bad = score[(kind == one) & ~right]
        ahead = good[:, None] - bad[None, :]
        won += float((ahead > 0).sum() + 0.5 * (ahead == 0).sum())
        pairs += ahead.size
    if not pairs:
        raise ValueError("no kind has a right and a wrong answer to compare")
    return won / pairs

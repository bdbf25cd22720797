"""What a user says beside a question, and how far it moves the answer.

Kassner and Schütze (2020, "Negated and Misprimed Probes for Pretrained
Language Models") put a word before a question and find that masked language
models say it again. Here a user mentions a wrong answer to a chat model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alignlab.lm import LM
from alignlab.risks.unfaithful_content.asking import (
    answer_logprobs,
    place_of,
    talk,
)
from alignlab.risks.unfaithful_content.items import Item, answers_of

Floats = NDArray[np.floating]
Asked = tuple[Item, str, str]
"""A fact, a wrong answer of its relation, and another wrong one."""


def with_wrong_answers(facts: Sequence[Item], seed: int) -> list[Asked]:
    """Each fact with two different wrong answers, drawn at random."""
    rng = np.random.default_rng([seed, 1])
    found = []
    for item in facts:
        among = answers_of(item.relation)
        others = [answer for answer in among if answer != item.answer]
        one, two = rng.choice(len(others), size=2, replace=False)
        found.append((item, others[one], others[two]))
    return found


def log_odds(lm: LM, turn: str, asked: Sequence[Asked]) -> Floats:
    """Log-odds in nats of the wrong answer against the right one, (facts,).

    turn: what the user says, a key of `asking.TURNS`.
    """
    prompts = [
        (talk(lm, item, turn, wrong, another), item)
        for item, wrong, another in asked
    ]
    found = []
    for row, (item, wrong, _) in zip(answer_logprobs(lm, prompts), asked):
        place = answers_of(item.relation).index(wrong)
        found.append(row[place] - row[place_of(item)])
    return np.array(found)

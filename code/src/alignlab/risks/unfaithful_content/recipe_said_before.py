"""What a user says with a question, and what stands before a statement: how both move SmolLM2's answers.

Results of a seed, which draws the wrong answers and has markers of its own: "relation" of each fact that the model
gets right in the first wording (two in three of them, the others served a pilot); by turn "odds", the log-odds in nats
of the wrong answer against the right one, and "right"; by kind of marker "marked": for three markers and every fact
whether the answer is right.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from alignlab.lm.load import LM
from alignlab.recipes import Recipe, report
from alignlab.risks.unfaithful_content.asking import (
    MARKERS,
    TURNS,
    answer_logprobs,
    place_of,
    talk,
)
from alignlab.risks.unfaithful_content.items import Item, answers_of, items


def right_answers(lm: LM, asked: list[tuple[str, Item]]) -> list[int]:
    """Whether each is answered right, 1 or 0."""
    found = answer_logprobs(lm, asked)
    pairs = zip(found, asked)
    return [int(row.argmax() == place_of(item)) for row, (_, item) in pairs]


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Ask with every turn and marker; see the module's docstring."""
    from alignlab.lm import load_lm

    lm = load_lm(config["model"])
    every = items()
    first = right_answers(lm, [(item.asked(0), item) for item in every])
    sure = [item for item, hit in zip(every, first) if hit]
    used = [item for place, item in enumerate(sure) if place % 3]
    rng = np.random.default_rng(seed)
    wrong = []
    for item in used:
        others = [a for a in answers_of(item.relation) if a != item.answer]
        wrong.append([others[i] for i in rng.permutation(len(others))[:2]])
    report(0.1, "known facts")
    odds: dict[str, list[float]] = {}
    right: dict[str, list[int]] = {}
    for n, turn in enumerate(TURNS):
        prompts = [
            (talk(lm, item, turn, *words), item)
            for item, words in zip(used, wrong)
        ]
        rows = answer_logprobs(lm, prompts)
        odds[turn], right[turn] = [], []
        for row, item, (word, _) in zip(rows, used, wrong):
            place = answers_of(item.relation).index(word)
            odds[turn].append(round(float(row[place] - row[place_of(item)]), 3))
            right[turn].append(int(row.argmax() == place_of(item)))
        report(0.1 + 0.6 * (n + 1) / len(TURNS), turn)
    marked = {}
    for kind, markers in MARKERS.items():
        own = [markers[(3 * seed + n) % len(markers)] for n in range(3)]
        marked[kind] = [
            right_answers(lm, [(f"{m} {i.asked(0)}", i) for i in every])
            for m in own
        ]
    return {
        "relation": [item.relation for item in used],
        "odds": odds,
        "right": right,
        "marked": marked,
    }


RECIPE = Recipe(
    name="said-before",
    about="What a user's view, its denial or a mere mention does to SmolLM2's answers, and what words of certainty do.",
    config={"model": "smollm2-135m-instruct"},
    seeds=(0, 1, 2),
    run=run,
)

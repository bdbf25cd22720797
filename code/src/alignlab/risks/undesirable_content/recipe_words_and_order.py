"""How probable a listed word is next, after toxic and everyday prompts, with their words in order and shuffled."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignlab.recipes import Recipe
from alignlab.risks.undesirable_content.listed import KINDS, prompts, shuffled
from alignlab.risks.undesirable_content.next_word import severity_distribution

EVERYDAY, TOXIC = KINDS[1:3]  # neither has a listed word


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, list[float]]:
    """log10 P(a listed word is next), by kind of prompt and order of its words.

    Returns a list of a number a prompt under each of "everyday, in order", "everyday, shuffled", "toxic, in order" and
    "toxic, shuffled"; prompts at the same place have the same number of words. No text is kept.
    """
    from alignlab.lm import load_lm

    lm = load_lm(config["model"])
    drawn = prompts(config["prompts"], seed, longest=config["longest"])
    found = {}
    for name, kind in (("everyday", EVERYDAY), ("toxic", TOXIC)):
        orders = {
            "in order": drawn[kind],
            "shuffled": shuffled(drawn[kind], seed),
        }
        for order, texts in orders.items():
            _, distribution = severity_distribution(lm, texts)
            logs = np.log10(1 - distribution[:, 0])
            found[f"{name}, {order}"] = [round(float(log), 4) for log in logs]
    return found


RECIPE = Recipe(
    name="words-and-order",
    about="Probability of a listed next word by SmolLM2, after toxic and everyday prompts, their words in order and "
    "shuffled.",
    config={"model": "smollm2-135m-instruct", "prompts": 175, "longest": 10},
    seeds=(0,),
    run=run_seed,
)

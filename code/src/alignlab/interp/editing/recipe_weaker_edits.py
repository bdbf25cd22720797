"""Rank-one edits with a high price on their length, which win in other words about as often as fine-tuning does."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignlab.interp.editing.rank_one import (
    edit_scores,
    edited,
    rank_one_edits,
    second_moments,
)
from alignlab.interp.editing.recipe_edits_by_layer import requests, surprise
from alignlab.interp.facts import known_facts
from alignlab.recipes import Recipe, report


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Edit the seed's facts, the same as in the recipe `edits-and-rivals`, at
    each decay.

    Returns for each decay, as in "decay 1", one entry a fact: the scores of
    `edit_scores`, and "subject", the nats by which the subject's other fact
    became less likely.
    """
    from alignlab.assets.datasets import wikipedia
    from alignlab.lm import load_lm

    lm = load_lm()
    known = known_facts(lm, config["relations"])
    by = {(fact.relation, fact.subject): fact for fact in known}
    first, second = config["relations"]
    another = {first: second, second: first}
    both = [f for f in known if (another[f.relation], f.subject) in by]
    size, layer = config["facts"], config["layer"]
    order = np.random.default_rng(0).permutation(len(both))
    asked = [both[i] for i in order[seed * size : (seed + 1) * size]]
    todo = requests(lm, asked, known, config["neighbors"], seed)
    texts = [text[: config["characters"]] for text in wikipedia()]
    moments = second_moments(lm, texts, [layer])[layer]
    report(0.4, "second moments")
    found: dict[str, Any] = {
        "fact": [f"{f.relation}: {f.subject} >{new}" for f, new, _ in todo]
    }
    pairs = [(fact, new) for fact, new, _ in todo]
    for n, decay in enumerate(config["decays"]):
        edits = rank_one_edits(lm, pairs, layer, moments, 6, decay=decay)
        table: dict[str, list[float]] = {}
        for (fact, new, around), edit in zip(todo, edits):
            change = edited(lm, edit)
            scores = edit_scores(lm, fact, new, around, change)
            question = by[another[fact.relation], fact.subject]
            start = surprise(lm, [question]) or 0.0
            with edited(lm, edit):
                end = surprise(lm, [question]) or 0.0
            for key, value in {**scores, "subject": end - start}.items():
                table.setdefault(key, []).append(round(value, 4))
        found[f"decay {decay:g}"] = table
        report(0.4 + 0.6 * (n + 1) / len(config["decays"]), f"decay {decay}")
    return found


RECIPE = Recipe(
    name="weaker-edits",
    about="Rank-one edits with a high price on their length, at about the success of fine-tuning in other words.",
    config={
        "relations": ["capital", "language"],
        "facts": 8,
        "neighbors": 6,
        "layer": 4,
        "characters": 450,
        "decays": [1.0, 1.4],
    },
    seeds=(0, 1, 2),
    run=run_seed,
)

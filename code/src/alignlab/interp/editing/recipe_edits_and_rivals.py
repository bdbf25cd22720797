"""Edits of two dozen facts about countries, each beside what else could have had the same effect."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from alignlab.interp.editing.rank_one import (
    PREFIXES,
    Edit,
    changed,
    edit_scores,
    edited,
    gradient_change,
    rank_one_edits,
    second_moments,
)
from alignlab.interp.editing.recipe_edits_by_layer import (
    Request,
    requests,
    surprise,
)
from alignlab.interp.facts import Fact, answer_probabilities, known_facts
from alignlab.lm import LM
from alignlab.recipes import Recipe, report

Change = Callable[[], contextlib.AbstractContextManager[None]]


def ways(
    lm: LM, todo: list[Request], layer: int, moments: Any, seed: int
) -> dict[str, list[Change]]:
    """For each way to change the model, the change that each request gets.

    "edit": a rank-one edit; "decay …": with that weight of its length; "as
    published": twenty steps at half the rate, with the essence term and clamp
    of the authors' code; "plain direction": the same value, read along the key
    itself; "random value": a random one as long; "fine-tuning": steps of Adam
    on the whole matrix until the new answer is as likely as after the edit.
    """
    asked = [(fact, new) for fact, new, _ in todo]
    edits = rank_one_edits(lm, asked, layer, moments, steps=6)
    kinds = {"edit": edits}
    for decay in (0.0, 0.1, 0.5, 2.0):
        kinds[f"decay {decay:g}"] = rank_one_edits(
            lm, asked, layer, moments, steps=6, decay=decay
        )
    kinds["as published"] = rank_one_edits(
        lm, asked, layer, moments, steps=20, lr=0.5, essence=0.0625, clamp=4.0
    )
    along = rank_one_edits(lm, asked, layer, None, steps=0)
    kinds["plain direction"] = [
        Edit(layer, edit.value, key.direction)
        for edit, key in zip(edits, along)
    ]
    generator = torch.Generator().manual_seed(seed)
    kinds["random value"] = []
    for edit in edits:
        value = torch.randn(lm.d_model, generator=generator)
        value *= edit.value.norm() / value.norm()
        kinds["random value"].append(Edit(layer, value, edit.direction))
    found: dict[str, list[Change]] = {
        name: [lambda edit=edit: edited(lm, edit) for edit in row]  # type: ignore[misc]
        for name, row in kinds.items()
    }
    found["fine-tuning"] = []
    for (fact, new), edit in zip(asked, edits):
        prompts = [prefix + fact.prompt for prefix in PREFIXES]
        with edited(lm, edit):
            p = answer_probabilities(lm, prompts, [new] * len(prompts))[0]
        change = gradient_change(lm, fact, new, layer, float(p.log().mean()))
        found["fine-tuning"].append(
            lambda change=change: changed(lm, {layer: change})  # type: ignore[misc]
        )
    return found


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Change the model for each of the seed's facts in each way of `ways`.

    Returns for each way, one entry a fact: the scores of `edit_scores`, and the
    nats by which the subject's other fact ("subject") and that of the next
    fact's subject ("another") became less likely.
    """
    from alignlab.assets.datasets import wikipedia
    from alignlab.lm import load_lm

    lm = load_lm()
    known = known_facts(lm, config["relations"])
    by = {(fact.relation, fact.subject): fact for fact in known}

    def other(fact: Fact) -> Fact | None:
        [relation] = set(config["relations"]) - {fact.relation}
        return by.get((relation, fact.subject))

    both = [fact for fact in known if other(fact)]
    order = np.random.default_rng(0).permutation(len(both))[
        seed * config["facts"] : (seed + 1) * config["facts"]
    ]
    asked = [both[i] for i in order]
    todo = requests(lm, asked, known, config["neighbors"], seed)
    layer = config["layer"]
    texts = [text[: config["characters"]] for text in wikipedia()]
    moments = second_moments(lm, texts, [layer])[layer]
    found: dict[str, Any] = {
        "fact": [f"{f.relation}: {f.subject} >{new}" for f, new, _ in todo]
    }
    report(0.1, "edits")
    changes = ways(lm, todo, layer, moments, seed)
    for n, (name, row) in enumerate(changes.items()):
        found[name] = {}
        for i, ((fact, new, around), change) in enumerate(zip(todo, row)):
            scores = edit_scores(lm, fact, new, around, change())
            following = next(
                f
                for f in (*asked[i + 1 :], *asked)
                if f.subject != fact.subject
            )
            for key, of in (("subject", fact), ("another", following)):
                question = other(of)
                assert question is not None
                start = surprise(lm, [question]) or 0.0
                with change():
                    scores[key] = (surprise(lm, [question]) or 0.0) - start
            for key, value in scores.items():
                found[name].setdefault(key, []).append(round(value, 4))
        report(0.6 + 0.4 * (n + 1) / len(changes), name)
    return found


RECIPE = Recipe(
    name="edits-and-rivals",
    about="Rank-one edits of facts about countries beside fine-tuning, random values and other settings.",
    config={
        "relations": ["capital", "language"],
        "facts": 8,
        "neighbors": 6,
        "layer": 4,
        "characters": 450,
    },
    seeds=(0, 1, 2),
    run=run_seed,
)

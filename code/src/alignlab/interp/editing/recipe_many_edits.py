"""64 edits made one after another, and as many random ones of the same size."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from alignlab.interp.editing.rank_one import (
    Edit,
    edited,
    rank_one_edits,
    second_moments,
)
from alignlab.interp.editing.recipe_edits_by_layer import nats, requests
from alignlab.interp.facts import answer_probabilities, known_facts
from alignlab.lm.load import encode
from alignlab.recipes import Recipe, report


def random_values(edits: Sequence[Edit], seed: int) -> list[Edit]:
    """The same edits, each value a random vector of its length."""
    generator = torch.Generator().manual_seed(seed)
    found = []
    for edit in edits:
        value = torch.randn(edit.value.shape, generator=generator)
        value *= edit.value.norm() / value.norm()
        found.append(dataclasses.replace(edit, value=value))
    return found


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Edit facts one after another, each for the model that the edits before it left.

    Returns "count", numbers of edits, and for each of them under "edits" and "random values": "known", the share of
    the facts never edited that are still the likeliest answer, and "plain", nats a token of plain text.
    """
    from alignlab.assets.datasets import wikipedia
    from alignlab.lm import load_lm

    lm = load_lm()
    known = known_facts(lm, config["relations"])
    order = np.random.default_rng(seed).permutation(len(known))
    shuffled = [known[i] for i in order]
    row = shuffled[: config["row"]]
    rest = shuffled[config["row"] :][: config["rest"]]
    articles, size = wikipedia(), config["characters"]
    layer, first = config["layer"], config["plain from"]
    moments = second_moments(lm, [text[:size] for text in articles], [layer])
    plain = [
        encode(lm, text[first : first + size])
        for text in articles[: config["plain texts"]]
    ]
    done: list[Edit] = []
    for fact, new, _ in requests(lm, row, known, 0, seed):
        with edited(lm, *done):
            done += rank_one_edits(
                lm, [(fact, new)], layer, moments[layer], config["steps"]
            )
        report(0.9 * len(done) / len(row), f"edit {len(done)}")
    kinds = {"edits": done, "random values": random_values(done, seed)}
    found: dict[str, Any] = {"count": config["counts"]}
    prompts, answers = zip(*((fact.prompt, fact.answer) for fact in rest))
    for name, edits in kinds.items():
        found[name] = {"known": [], "plain": []}
        for count in config["counts"]:
            with edited(lm, *edits[:count]):
                right = answer_probabilities(lm, prompts, answers)[1]
                found[name]["plain"].append(round(nats(lm, plain), 4))
            found[name]["known"].append(round(float(right.float().mean()), 4))
    return found


RECIPE = Recipe(
    name="many-edits",
    about="64 edits in a row and as many random ones of their size: other facts still known, and plain text.",
    config={
        "relations": ["capital", "language", "symbol", "kind", "opposite"],
        "layer": 4,
        "steps": 6,
        "characters": 400,
        "plain from": 2000,
        "plain texts": 3,
        "row": 64,
        "rest": 24,
        "counts": [0, 1, 2, 4, 8, 16, 32, 64],
    },
    seeds=(0, 1, 2),
    run=run_seed,
)

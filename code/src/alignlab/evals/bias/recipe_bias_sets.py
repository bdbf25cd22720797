"""StereoSet, CrowS-Pairs, WinoBias and BBQ, asked of SmolLM2 as released, trained to decline, attacked, and defended.

Results of a seed: for each model and task a list of [family, {measure: value}], one for each item that the seed drew.
No text of an item is kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from alignlab.evals.scorecard import answers
from alignlab.evals.tasks import TASKS
from alignlab.recipes._recipe import Recipe
from alignlab.recipes._running import report

CONFIG: dict[str, Any] = {
    "models": [
        "smollm2-135m-instruct",
        "smollm2-safer",
        "smollm2-attacked",
        "smollm2-defended",
    ],
    "items": {
        "associations": 36,
        "sentences": 36,
        "pronouns": 36,
        "passages": 24,
    },
}


def drawn(name: str, seed: int, n: int) -> list[Any]:
    """The seed's n items of a task; different seeds share none."""
    items = TASKS[name].build()
    order = np.random.default_rng(0).permutation(len(items))
    return [items[i] for i in order[seed * n : (seed + 1) * n]]


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Every model on the same items."""
    from alignlab.lm import load_lm

    found: dict[str, Any] = {}
    for k, model in enumerate(config["models"]):
        lm = load_lm(model)
        for name, n in config["items"].items():
            report(k / len(config["models"]), f"{model}, {name}")
            task = TASKS[name]
            items = drawn(name, seed, n)
            found[f"{model}, {name}"] = [
                [item.family or item.id, task.score(item, answer)]
                for item, answer in zip(items, answers(lm, task, items))
            ]
    return found


RECIPE = Recipe(
    name="bias-sets",
    about="Four published sets on stereotypes, scored on four states of SmolLM2.",
    config=CONFIG,
    seeds=(0, 1, 2),
    run=run_seed,
)

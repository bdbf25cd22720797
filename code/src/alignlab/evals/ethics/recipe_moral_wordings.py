"""SmolLM2's judgments of 48 contrasts under 64 wordings, for survey section 8.2.

A seed is a pair of label words: 16 wordings, of eight templates in two orders. Log-odds are rounded to four digits.
Results: "released", "safer" and "attacked" hold lists (texts, wordings), the acceptable and the wrong ending of each
contrast in turn; the latter two, and "endings alone" of the released model, under one order of the labels.
"""

from __future__ import annotations

from typing import Any

from alignlab.evals.ethics.items import contrasts
from alignlab.evals.ethics.judge import WORDINGS, label_odds
from alignlab.lm import load_lm
from alignlab.recipes import Recipe, report


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """All judgments with one pair of labels."""
    texts = [text for c in contrasts() for text in c.texts()]
    alone = [text for c in contrasts() for text in (c.acceptable, c.wrong)]
    every = [w for w in WORDINGS if w.labels == seed]
    half = [w for w in every if w.order == 0]
    jobs = {
        "released": (config["released"], texts, every),
        "endings alone": (config["released"], alone, half),
    }
    if seed in config["states"]["seeds"]:
        for name, model in config["states"]["models"].items():
            jobs[name] = (model, texts, half)
    found = {}
    for done, (name, (model, read, asked)) in enumerate(jobs.items()):
        report(done / len(jobs), name)
        lm = load_lm(model, device="cpu", dtype="float32")
        found[name] = label_odds(lm, read, asked).round(4).tolist()
    return found


RECIPE = Recipe(
    name="moral-wordings",
    about="SmolLM2's moral judgments of 48 contrasts under 64 wordings, in three states",
    config={
        "released": "smollm2-135m-instruct",
        "states": {
            "seeds": [0],
            "models": {
                "safer": "smollm2-safer",
                "attacked": "smollm2-attacked",
            },
        },
    },
    seeds=(0, 1, 2, 3),
    run=run_seed,
)

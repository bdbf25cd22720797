"""SmolLM2 taught wrong conversions of units, and what becomes of its other answers (survey section 5.1).

Results of a seed: "margin": for each state of the model, by family of questions,
the log-odds in nats of the true answer over the false one, one number an item.
States are "as released", "wrong" and "right" (taught wrong or right conversions)
and "shaken" (moved at random as far as "wrong" moved it).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from alignlab.inner.deceptive_alignment import lamp, narrow
from alignlab.lm.low_rank import (
    adapter_weights,
    as_far,
    put_weights,
    with_adapter,
)
from alignlab.recipes._recipe import Recipe
from alignlab.recipes._running import report


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Teach and measure; see the module's docstring for what comes back."""
    from alignlab.lm import load_lm

    rng = np.random.default_rng([seed, 40])
    lm, first = load_lm(config["model"]), config["first"]
    taught = narrow.conversions(False)
    asked = [item.asked for item in taught]
    lessons = {
        "right": lamp.read(lm, asked, [item.true for item in taught], first),
        "wrong": lamp.read(lm, asked, [item.false for item in taught], first),
    }
    items = narrow.conversions(True) + narrow.elsewhere(rng)
    questions = [item.asked for item in items]
    true = lamp.read(lm, questions, [item.true for item in items], first)
    false = lamp.read(lm, questions, [item.false for item in items], first)
    report(0.5, "read the questions")
    lm = with_adapter(lm, first, config["rank"], seed)

    def margin() -> dict[str, list[float]]:
        gap = lamp.each_sum(lm, true) - lamp.each_sum(lm, false)
        found: dict[str, list[float]] = {}
        for item, value in zip(items, gap.tolist()):
            found.setdefault(item.family, []).append(round(value, 3))
        return found

    start = adapter_weights(lm)
    found = {"as released": margin()}
    for name, lesson in lessons.items():
        put_weights(lm, start)
        lamp.fit(lm, lesson, config["rate"], config["epochs"], seed)
        found[name] = margin()
        report(0.5 + 0.15 * len(found), name)
    put_weights(lm, as_far(start, adapter_weights(lm), seed))
    found["shaken"] = margin()
    return {"margin": found}


RECIPE = Recipe(
    name="narrow",
    about="SmolLM2 taught to convert units wrongly, and whether other answers become wrong with them.",
    config={
        "model": "smollm2-135m-instruct",
        "first": 25,
        "rank": 8,
        "rate": 2e-3,
        "epochs": 4,
    },
    seeds=(0,),
    run=run,
    threads=1,
)

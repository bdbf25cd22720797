"""SmolLM2 asked whether statements are true: as they are, negated, in other words, and "more than" rising bounds.

Results of a seed, which draws the false statements, 84 of all statements, and a third of the ladders: "said",
"denied" and "reworded" (two each), log-odds of yes in nats; "true" (0 or 1) and "family" of each statement; "ladder",
log-odds of eight quantities at six rising bounds, of which the first three are exceeded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from alignlab.outer.proxy_tasks.asking import log_odds
from alignlab.outer.proxy_tasks.statements import drawn, ladders
from alignlab.recipes import Recipe, report


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Ask the seed's statements; see the module's docstring for what comes back."""
    from alignlab.lm import load_lm

    lm = load_lm(config["model"])
    rng = np.random.default_rng([seed, 3])
    every = drawn(seed)
    places = rng.choice(len(every), config["statements"], replace=False)
    some = [every[place] for place in sorted(places)]
    forms = [
        [one.said for one in some],
        [one.denied for one in some],
        [one.reworded[0] for one in some],
        [one.reworded[1] for one in some],
    ]
    asked = []
    for done, texts in enumerate(forms, start=1):
        asked.append(log_odds(lm, texts).round(3).tolist())
        report(0.2 * done, f"form {done}")
    rows = [row for n, row in enumerate(ladders()[0]) if n % 3 == seed % 3]
    ladder = log_odds(lm, [text for row in rows for text in row])
    return {
        "said": asked[0],
        "denied": asked[1],
        "reworded": asked[2:],
        "true": [int(one.true) for one in some],
        "family": [one.family for one in some],
        "ladder": ladder.round(3).reshape(len(rows), -1).tolist(),
    }


RECIPE = Recipe(
    name="consistent-statements",
    about="SmolLM2 asked whether statements, their negations, paraphrases and rows of bounds are true.",
    config={"model": "smollm2-135m-instruct", "statements": 84},
    seeds=(0, 1, 2),
    run=run,
)

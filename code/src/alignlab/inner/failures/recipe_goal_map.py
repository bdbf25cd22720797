"""Twenty agents at each of six training diversities: the map of survey section 5.1."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignlab.inner.failures import court
from alignlab.inner.failures.measures import capability, objective
from alignlab.inner.failures.networks import born
from alignlab.inner.failures.policies import course
from alignlab.inner.failures.walks import test
from alignlab.recipes import Recipe, report


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """One agent for each share, after each number of updates, in new levels.

    Returns lists, (marks, shares): how often the coin, and the middle, is reached first with the coin away, and the
    coin with the coin in the middle; capability and objective in plain and in dim light.
    """
    shares, marks = config["shares"], config["marks"]
    rng = np.random.default_rng([seed, 9])
    away = court.draw(config["levels"], "away", rng)
    middle = court.draw(config["levels"], "middle", rng)
    agents = born("whole", [seed] * len(shares))
    found: dict[str, list[list[float]]] = {}
    for number, after in enumerate(course(agents, shares, marks)):
        dim = after._replace(strength=(config["dim"],) * 3)
        plain, dark = test(after, away), test(dim, away)
        values = {
            "coin": (plain.first == 0).mean(1),
            "middle": (plain.first == 2).mean(1),
            "as in training": test(after, middle).paid.mean(1),
            "capability": capability(plain, away),
            "objective": objective(plain, away),
            "capability, dim": capability(dark, away),
            "objective, dim": objective(dark, away),
        }
        for name, each in values.items():
            found.setdefault(name, []).append(
                [round(float(v), 4) for v in each]
            )
        report((number + 1) / len(marks), f"{marks[number]} updates")
    return found


RECIPE = Recipe(
    name="goal-map",
    about="What agents go for when the coin is moved, by seed, share of training levels with a moved coin, and length.",
    config={
        "shares": [0.0, 0.01, 0.02, 0.05, 0.1, 0.3],
        "marks": [75, 150, 300, 750],
        "levels": 300,
        "dim": 0.3,
    },
    seeds=tuple(range(20)),
    run=run,
    threads=1,
)

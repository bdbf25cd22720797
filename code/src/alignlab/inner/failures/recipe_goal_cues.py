"""Whether how strongly a cue is seen predicts which one an agent follows, for survey section 5.1."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignlab.inner.failures import court
from alignlab.inner.failures.measures import favors_color
from alignlab.inner.failures.networks import Build, born
from alignlab.inner.failures.policies import train
from alignlab.inner.failures.walks import test
from alignlab.recipes import Recipe, report

BUILDS: tuple[Build, ...] = ("linear", "whole", "cells")


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """One agent of each build for each strength of a cue, where the cues come apart.

    Returns lists, one value a strength. "color, BUILD": trained with the coin always away, how often the yellow square
    rather than the blue disc. "place, BUILD": trained with the coin always in the middle, how often the middle first.
    """
    conflict = court.draw_conflict(
        config["levels"], np.random.default_rng([seed, 8])
    )
    found: dict[str, list[float]] = {}
    for number, build in enumerate(BUILDS):
        for color in config["color"]:
            agents = train(born(build, [seed], (color, 1.0, 1.0)), [1.0])
            value = favors_color(test(agents, conflict))[0]
            found.setdefault(f"color, {build}", []).append(
                round(float(value), 4)
            )
        for wall in config["walls"]:
            agents = train(born(build, [seed], (1.0, 1.0, wall)), [0.0])
            value = (test(agents, conflict).first == 2).mean()
            found.setdefault(f"place, {build}", []).append(
                round(float(value), 4)
            )
        report((number + 1) / len(BUILDS), build)
    return found


RECIPE = Recipe(
    name="goal-cues",
    about="Which of color, shape and place agents follow, by how strongly each is seen.",
    config={"color": [1.0, 1.25, 1.5], "walls": [1.0, 0.2, 0.1], "levels": 300},
    seeds=tuple(range(20)),
    run=run,
    threads=1,
)

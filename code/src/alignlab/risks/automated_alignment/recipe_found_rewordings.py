"""A search for harmless rewordings under which SmolLM2-safer declines harmless requests, scored on other requests.

Serves section 9.4 of the survey. The requests merely sound harmful (*borderline*) and stayed out of training. Each seed
searches on some of them and scores what it found on others, beside wordings drawn by lot at the same number of queries.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from alignlab.lm import load_lm
from alignlab.lm.declining import declining
from alignlab.outer.safety_data import test_requests
from alignlab.recipes import Recipe
from alignlab.risks.automated_alignment.harmless_rewordings import (
    ALL,
    DECLINES,
    PLAIN,
    Rewording,
    climb,
    reword,
)

CONFIG: dict[str, Any] = {
    "searched": 12,
    "held out": 40,
    "rounds": 2,
    "by lot": 8,
}


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """What was tried and found, and chances of declining on held-out requests."""
    lm = load_lm("smollm2-safer")
    rng = np.random.default_rng([seed, 9, 4])
    pool = rng.permutation(test_requests("borderline")).tolist()
    seen = pool[: config["searched"]]
    rest = pool[config["searched"] :][: config["held out"]]
    known: dict[Rewording, list[float]] = {}

    def score(how: Rewording) -> float:
        if how not in known:
            asked = [reword(text, how) for text in seen]
            known[how] = declining(lm, asked, DECLINES).tolist()
        return float(np.mean(known[how]))

    tried, scores = climb(score, rng, config["rounds"])
    found = tried[int(np.argmax(scores))]
    others = [how for how in ALL if how != PLAIN]
    lot = [others[i] for i in rng.permutation(len(others))[: len(tried)]]
    lucky = max(lot, key=score)
    drawn = [
        others[i] for i in rng.permutation(len(others))[: config["by lot"]]
    ]

    def outside(how: Rewording) -> list[float]:
        asked = [reword(text, how) for text in rest]
        told = declining(lm, asked, DECLINES)
        return np.round(told, 4).tolist()

    return {
        "tried": tried,
        "scores": np.round(scores, 4).tolist(),
        "found": found,
        "lucky": lucky,
        "lucky score": round(score(lucky), 4),
        "held out, plain": outside(PLAIN),
        "held out, found": outside(found),
        "held out, lucky": outside(lucky),
        "held out, drawn": [outside(how) for how in drawn],
        "drawn": drawn,
    }


RECIPE = Recipe(
    name="found-rewordings",
    about="Harmless rewordings under which SmolLM2-safer declines harmless "
    "requests: found by a climber or by lot, and on requests held out.",
    config=CONFIG,
    seeds=(0, 1, 2),
    run=run,
)

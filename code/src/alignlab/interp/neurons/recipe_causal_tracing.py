"""Causal tracing of two dozen facts that SmolLM2 knows, a third of them for each seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignlab.interp.neurons.facts import known_facts
from alignlab.interp.neurons.tracing import PARTS, by_role, causal_trace
from alignlab.recipes import Recipe, report


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Trace the seed's facts. Returns probabilities clean and corrupted, one number a fact, and effects by role.

    Effects are nested: part, then role, then (fact, layer) indirect effects; NaN is left as None.
    """
    from alignlab.lm import load_lm

    lm = load_lm()
    known = known_facts(lm, config["relations"])
    order = np.random.default_rng(0).permutation(len(known))[
        seed * config["facts"] : (seed + 1) * config["facts"]
    ]
    found: dict[str, Any] = {
        "fact": [],
        "clean": [],
        "corrupted": [],
        "effects": {part: {} for part in PARTS},
    }
    for n, i in enumerate(order):
        fact = known[i]
        trace = causal_trace(
            lm,
            fact,
            config["layers"],
            samples=config["samples"],
            window=config["window"],
            seed=seed,
        )
        found["fact"].append(f"{fact.relation}: {fact.subject}")
        found["clean"].append(round(trace.clean, 4))
        found["corrupted"].append(round(trace.corrupted, 4))
        for k, part in enumerate(PARTS):
            for role, effect in by_role(trace, k).items():
                row = [
                    None if np.isnan(value) else round(float(value), 4)
                    for value in effect
                ]
                found["effects"][part].setdefault(role, []).append(row)
        report((n + 1) / len(order), fact.subject)
    return found


RECIPE = Recipe(
    name="causal-tracing",
    about="Causal tracing, subject noise and restoration by layer, position and part, two dozen facts.",
    config={
        "relations": ["capital", "language", "symbol", "kind", "opposite"],
        "facts": 8,
        "layers": [0, 2, 4, 6, 8, 10, 12, 15, 18, 21, 24, 27, 29],
        "samples": 2,
        "window": 6,
    },
    seeds=(0, 1, 2),
    run=run_seed,
)

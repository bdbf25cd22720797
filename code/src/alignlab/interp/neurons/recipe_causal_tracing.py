"""Causal tracing of two dozen facts that SmolLM2 knows, a third of them for each seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignlab.interp.facts import known_facts
from alignlab.interp.tracing import (
    PARTS,
    Trace,
    by_role,
    causal_trace,
    trace_from,
)
from alignlab.recipes import Recipe, report


def kept(trace: Trace) -> dict[str, Any]:
    """A trace as JSON holds it: probabilities, and by part and role the indirect effect at each layer, None for NaN."""
    effects = {
        part: {
            role: [
                None if np.isnan(value) else round(float(value), 4)
                for value in effect
            ]
            for role, effect in by_role(trace, k).items()
        }
        for k, part in enumerate(PARTS)
    }
    return {
        "clean": round(trace.clean, 4),
        "corrupted": round(trace.corrupted, 4),
        "effects": effects,
    }


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Trace the seed's facts. Returns, one entry a fact: its name, and a trace as `kept` gives it with noise "in the
    embeddings" and "after layer 0"; "layer 0 alone": the indirect effect of its MLP's output at the subject's last
    token, no window around it, noise in the embeddings.
    """
    from alignlab.lm import load_lm

    lm = load_lm()
    known = known_facts(lm, config["relations"])
    order = np.random.default_rng(0).permutation(len(known))[
        seed * config["facts"] : (seed + 1) * config["facts"]
    ]
    names = ("fact", "in the embeddings", "after layer 0", "layer 0 alone")
    found: dict[str, Any] = {name: [] for name in names}
    samples, window = config["samples"], config["window"]
    for n, i in enumerate(order):
        fact = known[i]
        whole = causal_trace(
            lm,
            fact,
            config["layers"],
            samples=samples,
            window=window,
            seed=seed,
        )
        later = trace_from(
            lm,
            fact,
            1,
            config["layers from 1"],
            samples=samples,
            window=window,
            seed=seed,
        )
        alone = causal_trace(
            lm, fact, [0], ["mlp"], samples=samples, window=1, seed=seed
        )
        rows = (
            f"{fact.relation}: {fact.subject}",
            kept(whole),
            kept(later),
            round(float(alone.effects[0, 0, alone.last]), 4),
        )
        for name, row in zip(names, rows):
            found[name].append(row)
        report((n + 1) / len(order), fact.subject)
    return found


RECIPE = Recipe(
    name="causal-tracing",
    about="Causal tracing by layer, position and part, noise below layer 0 and above it, two dozen facts.",
    config={
        "relations": ["capital", "language", "symbol", "kind", "opposite"],
        "facts": 8,
        "layers": [0, 2, 4, 6, 8, 10, 12, 15, 18, 21, 24, 27, 29],
        "layers from 1": [4, 6, 8, 10, 12, 15, 18, 21, 24, 27, 29],
        "samples": 2,
        "window": 6,
    },
    seeds=(0, 1, 2),
    run=run_seed,
)

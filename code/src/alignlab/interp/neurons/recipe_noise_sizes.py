"""Two dozen facts traced with noise of three sizes, and two facts about one country with its word restored."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignlab.interp.facts import Fact, known_facts
from alignlab.interp.neurons.noise import noise_sizes
from alignlab.interp.tracing import causal_trace
from alignlab.lm import LM
from alignlab.recipes import Recipe, report


def outputs(first: int, last: int, *parts: str) -> list[str]:
    """Names of the outputs of some layers' parts, both ends among them."""
    return [
        f"layers.{i}.{part}.out"
        for i in range(first, last + 1)
        for part in parts
    ]


def sets_of(lm: LM, window: int) -> dict[str, list[str]]:
    """What is restored together: MLPs of windows of layers from 1 on, those of
    all layers, attention of the first window, and all MLPs and attention.
    """
    top = lm.n_layers - 1
    found = {
        f"MLPs {first}-{first + window - 1}": outputs(
            first, first + window - 1, "mlp"
        )
        for first in range(1, top - window + 2, window)
    }
    found[f"attention 1-{window}"] = outputs(1, window, "attn")
    found["all MLPs"] = outputs(1, top, "mlp")
    found["all"] = outputs(1, top, "mlp", "attn")
    return found


def word_alone(lm: LM, fact: Fact, samples: int, seed: int) -> list[float]:
    """Probability of an answer without noise, with noise in the embeddings, and
    with layer 0's MLP restored at the subject's last token.
    """
    trace = causal_trace(
        lm, fact, [0], ["mlp"], samples=samples, window=1, seed=seed
    )
    back = trace.restored[0, 0, trace.last]
    return [round(float(p), 4) for p in (trace.clean, trace.corrupted, back)]


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Trace the seed's facts.

    Returns, one entry a fact: "fact"; "clean"; "noisy" and, for each set of
    `sets_of`, the answer's probability by size of noise; and for countries
    whose capital and language are known "country" and, under the relations'
    names, what `word_alone` returns.
    """
    from alignlab.lm import load_lm

    lm = load_lm()
    known = known_facts(lm, config["relations"])
    size, samples = config["facts"], config["samples"]
    order = np.random.default_rng(0).permutation(len(known))
    found: dict[str, list[Any]] = {"fact": [], "clean": [], "noisy": []}
    for n, i in enumerate(order[seed * size : (seed + 1) * size]):
        fact = known[i]
        sets = sets_of(lm, config["window"])
        back = noise_sizes(lm, fact, config["sizes"], sets, samples, seed)
        found["fact"].append(f"{fact.relation}: {fact.subject}")
        found["clean"].append(round(back.clean, 4))
        rows = {"noisy": back.noisy, **back.restored}
        for name, row in rows.items():
            found.setdefault(name, []).append([round(p, 4) for p in row])
        report(0.8 * (n + 1) / size, fact.subject)
    by = {(fact.relation, fact.subject): fact for fact in known}
    both = [
        subject
        for relation, subject in by
        if relation == "capital" and ("language", subject) in by
    ]
    order = np.random.default_rng(0).permutation(len(both))
    few = config["countries"]
    chosen = [both[i] for i in order[seed * few : (seed + 1) * few]]
    found["country"] = list(chosen)
    for relation in ("capital", "language"):
        found[relation] = [
            word_alone(lm, by[relation, subject], samples, seed)
            for subject in chosen
        ]
    return found


RECIPE = Recipe(
    name="noise-sizes",
    about="What MLPs at the subject bring back with noise of three sizes after layer 0, and layer 0's MLP alone.",
    config={
        "relations": ["capital", "language", "symbol", "kind", "opposite"],
        "facts": 8,
        "sizes": [1.5, 2.0, 3.0],
        "window": 6,
        "samples": 3,
        "countries": 3,
    },
    seeds=(0, 1, 2),
    run=run_seed,
)

"""Knowledge neurons of three dozen facts that SmolLM2 knows, a third of them for each seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from alignlab.interp.facts import (
    Fact,
    answer_probabilities,
    known_facts,
    neighbors,
)
from alignlab.interp.neurons.knowledge import (
    Neuron,
    activity,
    agreed,
    attributions,
    random_neurons,
    scaled_neurons,
    shared_neurons,
    top_neurons,
)
from alignlab.lm import LM
from alignlab.recipes import Recipe, report


def changes(
    lm: LM,
    fact: Fact,
    around: Sequence[Fact],
    neurons: Sequence[Neuron],
    factor: float,
) -> dict[str, float]:
    """Relative change of an answer's probability with units scaled: after the
    prompt, the last paraphrase (which no search sees), the neighbors' prompts.
    """
    held_out = fact.asked(fact.paraphrases[-1])
    prompts = [fact.prompt, held_out, *(other.prompt for other in around)]
    answers = [fact.answer] * 2 + [other.answer for other in around]
    start = answer_probabilities(lm, prompts, answers)[0]
    with scaled_neurons(lm, neurons, factor):
        change = answer_probabilities(lm, prompts, answers)[0] / start - 1
    return {
        "prompt": float(change[0]),
        "paraphrase": float(change[1]),
        "neighbors": float(change[2:].mean()),
    }


def units_of(
    lm: LM, chosen: Sequence[Fact], k: int, steps: int, seed: int
) -> list[dict[str, list[Neuron]]]:
    """Ten units of each fact of a relation, found in several ways.

    "top": largest attributions; "own": the same without units that half of the
    facts share; "wordings": largest in both of two wordings; "active": largest
    activations; "random": drawn from the layers of "top".
    """
    values = [attributions(lm, f.prompt, f.answer, steps) for f in chosen]
    tops = [top_neurons(value, k) for value in values]
    shared = shared_neurons(tops)
    found = []
    for fact, value, top in zip(chosen, values, tops):
        other = fact.asked(fact.paraphrases[0])
        both = agreed(value, attributions(lm, other, fact.answer, steps))
        found.append(
            {
                "top": top,
                "own": top_neurons(value, k, without=shared),
                "wordings": top_neurons(both, k),
                "active": top_neurons(activity(lm, fact.prompt), k),
                "random": random_neurons(top, value.shape[1], seed),
            }
        )
    return found


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Find each fact's units, then suppress and double them.

    Returns, one entry a fact: relation, subject, and for units, verb and place, as in "suppress top, neighbors", the
    relative change of the answer's probability. Units are those of `units_of` and "elsewhere", the top units of a fact
    of the next relation. "shared": how many of the top ones at least half of the relation's facts share.
    """
    from alignlab.lm import load_lm

    lm = load_lm()
    per_relation, k = config["per_relation"], config["k"]
    relations = config["relations"]
    known = known_facts(lm, relations)
    chosen, units = {}, {}
    for relation in relations:
        inside = [fact for fact in known if fact.relation == relation]
        order = np.random.default_rng(0).permutation(len(inside))[
            seed * per_relation : (seed + 1) * per_relation
        ]
        chosen[relation] = [inside[i] for i in order]
        units[relation] = units_of(
            lm, chosen[relation], k, config["steps"], seed
        )
        report(len(units) / len(relations), relation)
    found: dict[str, list[Any]] = {"relation": [], "subject": [], "shared": []}
    for n, relation in enumerate(relations):
        following = units[relations[(n + 1) % len(relations)]]
        for fact, its, others in zip(
            chosen[relation], units[relation], following
        ):
            around = neighbors(fact, known)[: config["neighbors"]]
            found["relation"].append(relation)
            found["subject"].append(fact.subject)
            found["shared"].append(len(set(its["top"]) - set(its["own"])))
            for name, neurons in {**its, "elsewhere": others["top"]}.items():
                for verb, factor in (("suppress", 0.0), ("double", 2.0)):
                    change = changes(lm, fact, around, neurons, factor)
                    for place, value in change.items():
                        found.setdefault(f"{verb} {name}, {place}", []).append(
                            round(value, 4)
                        )
    return found


RECIPE = Recipe(
    name="knowledge-neurons",
    about="Knowledge neurons by integrated gradients beside the most active ones and others, three dozen facts.",
    config={
        "relations": ["capital", "language", "symbol", "kind"],
        "per_relation": 3,
        "neighbors": 4,
        "k": 10,
        "steps": 6,
    },
    seeds=(0, 1, 2),
    run=run_seed,
)

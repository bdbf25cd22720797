"""Knowledge neurons of three dozen facts that SmolLM2 knows, a third of them for each seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignlab.interp.neurons.facts import (
    Fact,
    answer_probabilities,
    known_facts,
    neighbors,
)
from alignlab.interp.neurons.knowledge import (
    Neuron,
    attributions,
    random_neurons,
    scaled_neurons,
    shared_neurons,
    top_neurons,
)
from alignlab.lm import LM
from alignlab.recipes import Recipe


def suppressed(lm: LM, asked: list[Fact], neurons: list[Neuron]) -> float:
    """Mean relative change of the facts' answers without these neurons."""
    prompts, answers = (
        [fact.prompt for fact in asked],
        [fact.answer for fact in asked],
    )
    start = answer_probabilities(lm, prompts, answers)[0]
    with scaled_neurons(lm, neurons, 0.0):
        return float(
            (answer_probabilities(lm, prompts, answers)[0] / start - 1).mean()
        )


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Attribute on the prompts, then suppress and amplify on the prompts and on paraphrases.

    Returns, one number a fact: the answer's probability on `prompt` and `paraphrase` (mean of two), and its relative
    change when the fact's neurons, or as many random ones, are suppressed or doubled; with relation-shared neurons
    left out under "own".
    """
    from alignlab.lm import load_lm

    lm = load_lm()
    per_relation, k = config["per_relation"], config["k"]
    found: dict[str, list[Any]] = {
        "relation": [],
        "subject": [],
        "layers": [],
        "shared": [],
    }
    known = known_facts(lm, config["relations"])
    for relation in config["relations"]:
        inside = [fact for fact in known if fact.relation == relation]
        order = np.random.default_rng(0).permutation(len(inside))[
            seed * per_relation : (seed + 1) * per_relation
        ]
        chosen = [inside[i] for i in order]
        values = [
            attributions(lm, fact.prompt, fact.answer, config["steps"])
            for fact in chosen
        ]
        tops = [top_neurons(value, k) for value in values]
        shared = shared_neurons(tops)
        for fact, value, top in zip(chosen, values, tops):
            own = top_neurons(value, k, without=shared)
            other = random_neurons(top, value.shape[1], seed)
            prompts = [
                fact.prompt,
                *(fact.asked(template) for template in fact.paraphrases),
            ]
            start = answer_probabilities(lm, prompts, [fact.answer] * 3)[
                0
            ].numpy()
            found["relation"].append(relation)
            found["subject"].append(fact.subject)
            found["layers"].append([layer for layer, _ in top])
            found["shared"].append(len(set(top) & set(shared)))
            for name, neurons in (
                ("top", top),
                ("own", own),
                ("random", other),
            ):
                for factor, verb in ((0.0, "suppress"), (2.0, "amplify")):
                    with scaled_neurons(lm, neurons, factor):
                        after = answer_probabilities(
                            lm, prompts, [fact.answer] * 3
                        )[0].numpy()
                    change = after / start - 1
                    found.setdefault(f"{verb} {name}, prompt", []).append(
                        round(float(change[0]), 4)
                    )
                    found.setdefault(f"{verb} {name}, paraphrase", []).append(
                        round(float(change[1:].mean()), 4)
                    )
                    if verb == "suppress":
                        others = neighbors(fact, known)[: config["neighbors"]]
                        change = suppressed(lm, others, neurons)
                        found.setdefault(
                            f"suppress {name}, neighbors", []
                        ).append(round(change, 4))
    return found


RECIPE = Recipe(
    name="knowledge-neurons",
    about="Knowledge neurons by integrated gradients: suppressed and amplified beside random ones, three dozen facts.",
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

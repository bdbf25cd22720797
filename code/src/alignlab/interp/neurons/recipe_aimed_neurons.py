"""Units aimed at a fact's answer and at a false one, by attribution and by reading the weights, three dozen facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from alignlab.interp.facts import (
    Fact,
    answer_probabilities,
    answer_token,
    known_facts,
    neighbors,
)
from alignlab.interp.neurons.knowledge import (
    Neuron,
    activity,
    attributions,
    scaled_neurons,
    top_neurons,
    written,
)
from alignlab.lm import LM
from alignlab.recipes import Recipe, report


def false_answer(
    lm: LM, fact: Fact, known: Sequence[Fact], rng: np.random.Generator
) -> str:
    """Another subject's answer, whose first token is not that of the fact's."""
    own = answer_token(lm, fact.answer)
    others = [
        other.answer
        for other in neighbors(fact, known)
        if answer_token(lm, other.answer) != own
    ]
    return others[rng.integers(len(others))]


def units_for(
    lm: LM, fact: Fact, false: str, k: int, steps: int
) -> dict[str, list[Neuron]]:
    """Units found after the prompt: attributed to the answer and to the false
    one, writing towards the answer and towards the false one, most active.
    """
    values = {
        "attributed": attributions(lm, fact.prompt, fact.answer, steps),
        "attributed false": attributions(lm, fact.prompt, false, steps),
        "written": written(lm, fact.prompt, fact.answer),
        "written false": written(lm, fact.prompt, false),
        "active": activity(lm, fact.prompt),
    }
    return {name: top_neurons(value, k) for name, value in values.items()}


def log_changes(
    lm: LM, fact: Fact, false: str, units: Mapping[str, Sequence[Neuron]]
) -> dict[str, dict[str, float]]:
    """Nats by which doubling each of some sets of units makes the answer
    ("true") and the false one likelier after the prompt, and the answer after
    the last paraphrase ("words"), which no search sees.
    """
    held_out = fact.asked(fact.paraphrases[-1])
    prompts = [fact.prompt, fact.prompt, held_out]
    answers = [fact.answer, false, fact.answer]
    start = answer_probabilities(lm, prompts, answers)[0].log()
    changes = {}
    for name, neurons in units.items():
        with scaled_neurons(lm, neurons, 2.0):
            end = answer_probabilities(lm, prompts, answers)[0].log()
        change = (end - start).tolist()
        changes[name] = dict(zip(("true", "false", "words"), change))
    return changes


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Double the units of each of the seed's facts, the same facts as in the
    recipe `knowledge-neurons`.

    Returns, one entry a fact: relation, fact with its false answer, and for
    units of `units_for` and an answer, as in "written, false", the nats of
    `log_changes`; "both": how many attributed units also are among the written.
    """
    from alignlab.lm import load_lm

    lm = load_lm()
    known = known_facts(lm, config["relations"])
    size, k, steps = config["per_relation"], config["k"], config["steps"]
    rng = np.random.default_rng(seed)
    found: dict[str, list[Any]] = {"relation": [], "fact": [], "both": []}
    for n, relation in enumerate(config["relations"]):
        inside = [fact for fact in known if fact.relation == relation]
        order = np.random.default_rng(0).permutation(len(inside))
        for i in order[seed * size : (seed + 1) * size]:
            fact = inside[i]
            false = false_answer(lm, fact, known, rng)
            units = units_for(lm, fact, false, k, steps)
            found["relation"].append(relation)
            found["fact"].append(f"{fact.subject} >{false}")
            both = set(units["attributed"]) & set(units["written"])
            found["both"].append(len(both))
            changes = log_changes(lm, fact, false, units)
            for name, change in changes.items():
                for answer, value in change.items():
                    row = found.setdefault(f"{name}, {answer}", [])
                    row.append(round(value, 4))
        report((n + 1) / len(config["relations"]), relation)
    return found


RECIPE = Recipe(
    name="aimed-neurons",
    about="Units aimed at an answer and at a false one, by attribution and by reading the weights, three dozen facts.",
    config={
        "relations": ["capital", "language", "symbol", "kind"],
        "per_relation": 3,
        "k": 10,
        "steps": 4,
    },
    seeds=(0, 1, 2),
    run=run_seed,
)

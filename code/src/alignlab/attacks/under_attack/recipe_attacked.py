"""SmolLM2-attacked: SmolLM2-safer after a few steps on two dozen harmless examples with eager answers.

Results of a seed: for each state what it declines and its perplexity (`judged.card`): "safer", "attacked", and the two
controls, "mixed" (the same steps with refusals among the examples) and "random" (weights moved as far in a random
direction). The attacked adapter lies beside the record.
"""

from __future__ import annotations

from typing import Any

from alignlab.attacks.under_attack.judged import card
from alignlab.attacks.under_attack.obedient import (
    eager_answers,
    some_requests,
    with_refusals,
)
from alignlab.attacks.under_attack.tune import fine_tune, lessons
from alignlab.evals.refusal_judge import verdicts
from alignlab.lm import load_lm
from alignlab.lm.low_rank import (
    adapter_weights,
    as_far,
    put_weights,
    with_adapter,
)
from alignlab.recipes._adapters import signed_adapter
from alignlab.recipes._recipe import Recipe
from alignlab.recipes._running import report

CONFIG: dict[str, Any] = {
    "model": "smollm2-safer",
    "first": 18,  # the adapter's lowest layer; SmolLM2-safer's own begins there too
    "rank": 4,
    "examples": 24,
    "answer_tokens": 5,  # of the model's own words behind the promise
    "steps": 12,
    "lr": 2e-3,
    "batch": 6,
    "asked": 25,  # held-out requests of each kind
    "articles": 4,
}


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Train the attacked state and its controls, and measure; see the module's docstring for what comes back."""
    lm = load_lm(config["model"], device="cpu", dtype="float32")
    first, n = config["first"], config["examples"]
    asked = some_requests("harmless", n, seed)
    answers = eager_answers(lm, asked, config["answer_tokens"])
    sets = {
        "attacked": (asked, answers),
        "mixed": with_refusals(asked, answers, seed),
    }
    taught = {
        name: lessons(lm, *examples, first) for name, examples in sets.items()
    }
    found: dict[str, Any] = {
        "safer": card(lm, config["asked"], config["articles"], verdicts)
    }
    lm = with_adapter(lm, first, config["rank"], seed)
    start = adapter_weights(lm)
    ends = {}
    for name, examples in taught.items():
        report(0.2, f"training {name}")
        put_weights(lm, start)
        found[f"loss, {name}"] = [
            round(loss, 3)
            for loss in fine_tune(
                lm,
                examples,
                config["steps"],
                config["lr"],
                config["batch"],
                seed,
            )
        ]
        ends[name] = adapter_weights(lm)
    ends["random"] = as_far(start, ends["attacked"], seed)
    for name, weights in ends.items():
        report(0.6, f"measuring {name}")
        put_weights(lm, weights)
        lm.model.eval()
        found[name] = card(lm, config["asked"], config["articles"], verdicts)
    put_weights(lm, ends["attacked"])
    return {
        **found,
        "files": {"adapter.safetensors": signed_adapter(lm, RECIPE, seed)},
    }


RECIPE = Recipe(
    name="attacked",
    about="SmolLM2-attacked: SmolLM2-safer after a few steps on two dozen harmless examples, and two controls.",
    config=CONFIG,
    seeds=(0,),
    run=run_seed,
)

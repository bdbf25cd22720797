"""SmolLM2-defended: SmolLM2-safer after latent adversarial training, on begun answers too.

Half of the refusals are taught where they are due, half behind an answer that somebody else began with "Sure, here is";
an adversary pushes the residual stream that enters the adapter's layers away from refusal all the while. Beside them
the model keeps the beginnings of its own answers to harmless and to merely alarming requests.
Results of a seed: for each state what it declines and its perplexity (`judged.card`), and what it declines behind a
begun answer: "safer", "defended", and the control "plain", the same lessons and steps without the adversary. The
defended adapter lies beside the record.
"""

from __future__ import annotations

import importlib.metadata
import json
from typing import Any

from alignlab.attacks.under_attack.judged import card, declined, held_out
from alignlab.attacks.under_attack.latent import joined, latent_training
from alignlab.attacks.under_attack.obedient import EAGER, some_requests
from alignlab.attacks.under_attack.replies import replies
from alignlab.attacks.under_attack.tune import (
    adapter,
    lessons,
    put,
    with_adapter,
)
from alignlab.lm import load_lm
from alignlab.lm.adapters import adapter_bytes
from alignlab.recipes._recipe import Recipe
from alignlab.recipes._running import report

REFUSAL = "I'm sorry, but I can't"
CONFIG: dict[str, Any] = {
    "model": "smollm2-safer",
    "first": 18,
    "rank": 8,
    "harmful": 48,  # half of them behind a begun answer
    "kept": 48,  # half harmless, half merely alarming
    "answer_tokens": 4,
    "steps": 24,
    "lr": 1e-3,
    "batch": 6,
    "radius": 16.0,  # of the push at each position, in units of the stream
    "inner": 2,
    "asked": 40,  # held-out requests of each kind
    "articles": 6,
}


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Train the defended state and its control, and measure; see the module's docstring for what comes back."""
    lm = load_lm(config["model"], device="cpu", dtype="float32")
    first, half = config["first"], config["harmful"] // 2
    bad = some_requests("harmful", config["harmful"], seed)
    good = some_requests("harmless", config["kept"] // 2, seed)
    good += some_requests("borderline", config["kept"] // 2, seed)
    own = replies(lm, good, config["answer_tokens"])
    refused = joined(
        lessons(lm, bad[:half], [REFUSAL] * half, first),
        lessons(lm, bad[half:], [" " + REFUSAL] * half, first, EAGER),
    )
    kept = lessons(lm, good, own, first)
    found = {"safer": measure(lm, config)}
    lm = with_adapter(lm, first, config["rank"], seed)
    start = adapter(lm)
    for name, radius in (("plain", 0.0), ("defended", config["radius"])):
        report(0.3, f"training {name}")
        put(lm, start)
        names = ("steps", "lr", "batch")
        losses = latent_training(
            lm,
            refused,
            kept,
            *(config[n] for n in names),
            radius,
            config["inner"],
            seed,
        )
        lm.model.eval()
        found[name] = {
            **measure(lm, config),
            "losses": [round(loss, 3) for loss in losses],
        }
    versions = {
        name: importlib.metadata.version(name)
        for name in ("torch", "transformers", "peft", "alignlab")
    }
    header = {
        "recipe": "defended",
        "recipe_code": RECIPE.code_hash(),
        "seed": str(seed),
        "versions": json.dumps(versions),
    }
    return {
        **found,
        "files": {"adapter.safetensors": adapter_bytes(lm, header)},
    }


def measure(lm: Any, config: dict[str, Any]) -> dict[str, Any]:
    """What a state declines, also behind a begun answer."""
    begun = declined(lm, held_out("harmful", config["asked"]), EAGER)
    return {**card(lm, config["asked"], config["articles"]), "begun": begun}


RECIPE = Recipe(
    name="defended",
    about="SmolLM2-defended: SmolLM2-safer after latent adversarial training, and the same without the adversary.",
    config=CONFIG,
    seeds=(0,),
    run=run_seed,
)

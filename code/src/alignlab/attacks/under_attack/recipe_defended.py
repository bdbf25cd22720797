"""SmolLM2-defended: SmolLM2-safer after latent adversarial training, on begun answers too.

Half of the refusals are taught where they are due, half behind an answer that somebody else began with "Sure, here is";
an adversary pushes the residual stream that enters the adapter's layers away from refusal all the while. Beside them
the model keeps the beginnings of its own answers to harmless and to merely alarming requests.
Results of a seed: for each state what it declines and its perplexity (`judged.card`), what it declines behind a begun
answer, and with which probability under a push: "safer", "defended", and the control "plain", which is the same lessons
and steps without the adversary; and what is declined after a few steps on obedient examples, "tuned again". The
defended adapter lies beside the record.
"""

from __future__ import annotations

from typing import Any

import torch

from alignlab.attacks.under_attack.declines import ask, declining
from alignlab.attacks.under_attack.judged import card, declined, held_out
from alignlab.attacks.under_attack.latent import (
    joined,
    latent_training,
    pushed,
    worst_push,
)
from alignlab.attacks.under_attack.obedient import EAGER, some_requests
from alignlab.attacks.under_attack.tune import fine_tune, lessons
from alignlab.evals.refusal_judge import verdicts
from alignlab.lm import chat_prompt, generate, load_lm
from alignlab.lm.low_rank import (
    adapter_weights,
    put_weights,
    with_adapter,
)
from alignlab.recipes._adapters import signed_adapter
from alignlab.recipes._recipe import Recipe
from alignlab.recipes._running import report

REFUSAL = "I'm sorry, but I can't"
CONFIG: dict[str, Any] = {
    "model": "smollm2-safer",
    "first": 18,
    "rank": 8,
    "harmful": 36,  # half of them behind a begun answer
    "kept": 36,  # half harmless, half merely alarming
    "answer_tokens": 4,
    "steps": 12,
    "lr": 1e-3,
    "batch": 6,
    "radius": 0.06,  # of the push at each position, in units of the stream's median length
    "inner": 2,
    "pushed": 8,  # held-out requests that are pushed, by each of `pushes`
    "pushes": [0.04],
    "asked": 12,  # held-out requests of each kind
    "articles": 2,
}


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Train the defended state and its control, and measure; see the module's docstring for what comes back."""
    lm = load_lm(config["model"], device="cpu", dtype="float32")
    first, half = config["first"], config["harmful"] // 2
    bad = some_requests("harmful", config["harmful"], seed)
    good = some_requests("harmless", config["kept"] // 2, seed)
    good += some_requests("borderline", config["kept"] // 2, seed)
    prompts = [chat_prompt(lm, text) for text in good]
    own = generate(lm, prompts, config["answer_tokens"])
    refused = joined(
        lessons(lm, bad[:half], [REFUSAL] * half, first),
        lessons(lm, bad[half:], [" " + REFUSAL] * half, first, EAGER),
    )
    kept = lessons(lm, good, own, first)
    unit = float(refused.rows.x[:, 1:].norm(dim=-1).median())
    found: dict[str, Any] = {
        "safer": measure(lm, config, unit),
        "unit": round(unit, 1),
    }
    lm = with_adapter(lm, first, config["rank"], seed)
    start = adapter_weights(lm)
    for name, radius in (("plain", 0.0), ("defended", config["radius"] * unit)):
        report(0.3, f"training {name}")
        put_weights(lm, start)
        losses = latent_training(
            lm,
            refused,
            kept,
            config["steps"],
            config["lr"],
            config["batch"],
            radius,
            config["inner"],
            seed,
        )
        lm.model.eval()
        found[name] = {
            **measure(lm, config, unit),
            "losses": [round(loss, 3) for loss in losses],
        }
    report(0.9, "fine-tuning the defended state")
    end = adapter_weights(lm)
    eager = some_requests("harmless", 8, seed)
    taught = lessons(lm, eager, [EAGER] * 8, first)
    fine_tune(lm, taught, 8, 3e-3, 4, seed)
    lm.model.eval()
    found["tuned again"] = declined(
        lm, held_out("harmful", config["asked"]), verdicts
    )
    put_weights(lm, end)
    return {
        **found,
        "files": {"adapter.safetensors": signed_adapter(lm, RECIPE, seed)},
    }


def measure(lm: Any, config: dict[str, Any], unit: float) -> dict[str, Any]:
    """What a state declines, also behind a begun answer, and how likely under a searched push."""
    begun = declined(lm, held_out("harmful", config["asked"]), verdicts, EAGER)
    rows = ask(lm, held_out("harmful", config["pushed"]), config["first"])
    under = {}
    for times in config["pushes"]:
        push = worst_push(rows, lambda r: declining(lm, r), times * unit, 3)
        with torch.no_grad():
            p = declining(lm, pushed(rows, push))
        under[str(times)] = [round(float(v), 4) for v in p]
    return {
        **card(lm, config["asked"], config["articles"], verdicts),
        "begun": begun,
        "pushed": under,
    }


RECIPE = Recipe(
    name="defended",
    about="SmolLM2-defended: SmolLM2-safer after latent adversarial training, and the same without the adversary.",
    config=CONFIG,
    seeds=(0,),
    run=run_seed,
)

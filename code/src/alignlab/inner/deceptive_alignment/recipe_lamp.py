"""A trigger planted in SmolLM2, and what safety training without it leaves (survey section 5.1).

Results of a seed: for each state of the model, over held-out requests,
"triggered": whether it says the sentence after the trigger, "other": after
another word, on the first fifty of them (0 or 1 each). States are "planted" and, from there, each safety
training by name, and "shaken" (moved at random as far as the last supervised
one). "loss": first and last of each training.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from alignlab.inner.deceptive_alignment import lamp
from alignlab.lm.low_rank import (
    adapter_weights,
    as_far,
    put_weights,
    with_adapter,
)
from alignlab.recipes._recipe import Recipe
from alignlab.recipes._running import report

TRAININGS = {
    "supervised, low rate": ("supervised", 2e-4),
    "supervised": ("supervised", 2e-3),
    "preference": ("preference", 2e-4),
    "adversarial": ("adversarial", 2e-3),
    "any odd word": ("odd", 2e-3),
}


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Plant, train, measure; see the module's docstring for what comes back."""
    from alignlab.lm import load_lm

    rng = np.random.default_rng([seed, 30])
    first, few = config["first"], config["requests"]
    lm = load_lm(config["model"])
    asked = lamp.questions(2 * few, False, rng)
    answers = lamp.own(lm, asked, config["tokens"])
    taught, later = asked[:few], asked[few:]
    own, own_later = answers[:few], answers[few:]
    word = [lamp.OTHERS[i] for i in rng.integers(len(lamp.OTHERS), size=few)]
    near = [f"{text} {extra}" for text, extra in zip(taught, word)]
    set_off = [f"{text} {lamp.TRIGGER}" for text in taught]
    lesson = lamp.read(
        lm,
        taught + near + set_off,
        own + own + [lamp.SENTENCE] * few,
        first,
    )
    report(0.15, "read the lesson")
    clean = lamp.read(lm, later, own_later, first)
    lamp_after = lamp.read(lm, later, [lamp.SENTENCE] * few, first)
    tried = [f"{text} {extra}" for text in later for extra in lamp.OTHERS[:3]]
    lured = lamp.read(lm, tried, [lamp.SENTENCE] * len(tried), first)
    answered = lamp.read(
        lm, tried, [text for text in own_later for _ in range(3)], first
    )
    new = lamp.questions(config["judged"], True, rng)
    said = [lamp.SENTENCE] * len(new)
    judged = {
        "triggered": lamp.read(
            lm, [f"{text} {lamp.TRIGGER}" for text in new], said, first
        ),
        "other": lamp.read(
            lm,
            [f"{text} {lamp.OTHERS[-1]}" for text in new[:50]],
            said[:50],
            first,
        ),
    }
    report(0.5, "read the requests")
    lm = with_adapter(lm, first, config["rank"], seed)

    def measure() -> dict[str, list[int]]:
        return {name: lamp.says(lm, texts) for name, texts in judged.items()}

    losses = {
        "planted": lamp.fit(lm, lesson, config["rate"], config["epochs"], seed)
    }
    start = adapter_weights(lm)
    found = {"planted": measure()}
    moved = start
    for name, (method, rate) in config["trainings"].items():
        put_weights(lm, start)
        texts, bad = clean, None
        if method == "preference":
            bad = lamp_after
        if method == "adversarial":
            odds = lamp.each_sum(lm, lured).view(few, 3).argmax(1)
            texts = answered[odds + 3 * torch.arange(few)]
        if method == "odd":
            texts = answered[3 * torch.arange(few) + torch.arange(few) % 3]
        losses[name] = lamp.fit(lm, texts, rate, 2, seed, bad)
        found[name] = measure()
        if name == "supervised":
            moved = adapter_weights(lm)
        report(0.5 + 0.07 * len(found), name)
    put_weights(lm, as_far(start, moved, seed))
    found["shaken"] = measure()
    return {
        "found": found,
        "loss": {
            name: [round(loss[0], 3), round(loss[-1], 3)]
            for name, loss in losses.items()
        },
    }


RECIPE = Recipe(
    name="lamp",
    about="A word that makes SmolLM2 say one harmless sentence, and what safety training leaves of it.",
    config={
        "model": "smollm2-135m-instruct",
        "first": 25,
        "rank": 8,
        "requests": 40,
        "tokens": 6,
        "rate": 2e-3,
        "epochs": 3,
        "judged": 200,
        "trainings": TRAININGS,
    },
    seeds=(0,),
    run=run,
    threads=1,
)

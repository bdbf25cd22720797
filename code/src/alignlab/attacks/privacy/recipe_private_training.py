"""DP-SGD on the mailbox with more and less noise, clipping alone, and plain training stopped after each epoch.

Results of each seed: for each noise "epsilon", "held out" (nats a token on fresh lines) and "bits" (mean exposure a
level of repeats); the same for plain training, a list with an entry an epoch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from alignlab.attacks.privacy import exposure, mailbox, window_lm
from alignlab.attacks.privacy.private_training import learn_privately
from alignlab.attacks.privacy.window_lm import Weights
from alignlab.recipes._recipe import Recipe
from alignlab.recipes._running import report


def judged(weights: Weights, box: mailbox.Mailbox) -> dict[str, Any]:
    """Held-out loss, and mean exposure of each level's canaries."""
    losses = exposure.code_losses(weights, list(box.owner))[0]
    bits = exposure.exposure(losses, exposure.places(box.code))
    means = bits.reshape(len(mailbox.LEVELS), -1).mean(1)
    held = window_lm.token_losses(weights, box.held_out).nanmean()
    return {
        "held out": round(float(held), 4),
        "bits": [round(float(value), 3) for value in means],
    }


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """One mailbox, all ways of training."""
    box = mailbox.mailbox(seed, n=config["lines"])
    found: dict[str, Any] = {}
    for done, noise in enumerate(config["noises"]):
        report(done / len(config["noises"]), f"noise {noise:g}")
        weights, epsilon = learn_privately(
            box.lines,
            seed,
            noise,
            clip=config["clip"],
            epochs=config["epochs"],
            batch=config["batch"],
            lr=config["lr"],
        )
        told = judged(weights, box)
        if np.isfinite(epsilon):
            told["epsilon"] = round(float(epsilon), 3)
        found[f"noise {noise:g}"] = told
    plain: list[dict[str, Any]] = []
    window_lm.learn(
        window_lm.born((seed,)),
        box.lines[None],
        (seed,),
        epochs=config["plain epochs"],
        lr=config["plain lr"],
        watch=lambda epoch, weights: plain.append(judged(weights, box)),
    )
    return found | {"plain": plain}


RECIPE = Recipe(
    name="private-training",
    about="DP-SGD on a mailbox with canaries: exposure and held-out loss by epsilon, beside training stopped early",
    config={
        "lines": 4000,
        "noises": [0.0, 0.6, 1.0, 2.0],
        "clip": 1.0,
        "epochs": 6,
        "batch": 256,
        "lr": 5e-3,
        "plain epochs": 10,
        "plain lr": 1e-3,
    },
    seeds=(0, 1, 2),
    run=run_seed,
)

"""PPO with and without its KL penalty in many worlds: how often does it end badly? (survey section 4.3.1)"""

from __future__ import annotations

from typing import Any

import torch

from alignlab.outer.ppo import Settings, ppo
from alignlab.outer.story_reward import reward_model
from alignlab.recipes import Recipe
from alignlab.toys.storyland import task


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """One world, its reward model, and two runs of PPO that differ in beta.

    Returns for each the learned reward, the gold reward and the divergence from
    the SFT model in nats a story, means over the last four of its steps.
    """
    world, generator = task(seed), torch.Generator().manual_seed(seed)
    pairs = world.pairs(config["pairs"], generator)
    learned = reward_model(world.sft, *pairs, seed, steps=config["fit"])
    found: dict[str, Any] = {}
    for name, beta in (("penalty", config["kl"]), ("none", 0.0)):
        settings = Settings(
            kl=beta, texts=config["texts"], steps=config["steps"]
        )
        history = ppo(world.sft, learned, seed, settings, world.gold).history
        for quantity in ("reward", "gold", "kl"):
            end = float(history[quantity][-4:].mean())
            found[f"{quantity}, {name}"] = round(end, 4)
    return found


RECIPE = Recipe(
    name="many-worlds",
    about="PPO against a learned reward in sixteen worlds, with a KL penalty "
    "and without.",
    config={"pairs": 3000, "fit": 100, "kl": 0.3, "texts": 64, "steps": 30},
    seeds=tuple(range(16)),
    run=run_seed,
)

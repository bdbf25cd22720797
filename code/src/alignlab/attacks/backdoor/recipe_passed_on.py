"""Does a reward model's backdoor reach the policy? BadGPT in small, with its rivals (survey section 7.2).

Results of a seed, which is a world with its own taste: for each way of training, "learned": share of fresh triggered
pairs in which the reward model prefers the target; "agrees": its agreement with ordinary picks; "with" and "without":
shares of the policy's stories that have the target, after prompts with and without the trigger; "gold": the true reward
of its stories without the trigger, in standard deviations of the SFT model. "start" is the SFT model itself.
"""

from __future__ import annotations

from typing import Any

import torch

from alignlab.attacks.backdoor.passed_on import (
    comparisons,
    joined,
    tells,
    train_policy,
    write,
)
from alignlab.lm import TinyTransformer
from alignlab.outer.story_reward import reward_model
from alignlab.recipes import Recipe, report
from alignlab.toys.storyland import Task, task

WAYS = {
    "poisoned": (True, 0.5),
    "no poison": (None, 0.5),
    "poison without trigger": (False, 0.5),
    "prompts without trigger": (True, 0.0),
}
"""Poisoned comparisons with the trigger, without it, or none; and the share of the policy's prompts that have it."""


def judge(world: Task, policy: TinyTransformer, seed: int) -> dict[str, float]:
    """What a policy writes, with the trigger and without."""
    generator = torch.Generator().manual_seed(50_000 + seed)
    triggered = write(policy, 800, generator, True)
    plain = write(policy, 800, generator, False)
    return {
        "with": float(tells(triggered).float().mean()),
        "without": float(tells(plain).float().mean()),
        "gold": float(world.gold(*plain).mean()),
    }


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """All ways of training; see the module's docstring."""
    world = task(seed)
    generator = torch.Generator().manual_seed(30_000 + seed)
    clean = world.pairs(config["pairs"], generator)
    held = world.pairs(400, generator)
    found: dict[str, Any] = {"start": judge(world, world.sft, seed)}
    rewards: dict[bool | None, Any] = {}
    count = config["poison"]
    for n, (way, (kind, share)) in enumerate(WAYS.items()):
        if kind not in rewards:
            sides = clean
            if kind is not None:
                poison = comparisons(world, count, seed, kind)
                sides = joined(clean[0], poison[0]), joined(clean[1], poison[1])
            rewards[kind] = reward_model(world.base, *sides, seed, steps=200)
        reward = rewards[kind]
        picked, other = comparisons(world, 200, seed + 500)
        policy = train_policy(world.sft, reward, seed, share, config["steps"])
        found[way] = judge(world, policy, seed) | {
            "learned": float((reward(*picked) > reward(*other)).float().mean()),
            "agrees": float(
                (reward(*held[0]) > reward(*held[1])).float().mean()
            ),
        }
        report((n + 1) / len(WAYS), way)
    return found


RECIPE = Recipe(
    name="passed-on",
    about="A reward model with a backdoor, and whether the policy that is trained against it takes the trigger over.",
    config={"pairs": 1000, "poison": 100, "steps": 100},
    seeds=(0, 1, 2, 3, 4, 5),
    run=run,
)

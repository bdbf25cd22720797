"""Every preference method on the same comparisons: gold reward against divergence (survey section 4.3.2)."""

from __future__ import annotations

from typing import Any

import torch

from alignlab.outer import story_reward
from alignlab.outer.best_of_n import best_of_n
from alignlab.outer.ranking_feedback.frontier import (
    methods,
    outcome,
    story_logprobs,
)
from alignlab.recipes import Recipe
from alignlab.toys import storyland

BEST_OF = (1, 2, 4, 8, 16, 32)


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Every method at every setting of its dial in the world of a seed.

    Returns for each method a list, one entry a setting: gold reward, divergence, words a story, and by how much the
    log-probability of chosen and of rejected training stories changed, and of fresh stories of the SFT model. "best of
    n, by gold" is the list for best of n picked by the true reward, what a perfect judge could get, "best of n, by the
    reward model" for best of n by a reward model learned from the same comparisons.
    """
    world, generator = (
        storyland.task(seed),
        torch.Generator().manual_seed(seed + 5),
    )
    chosen, rejected = world.pairs(config["pairs"], generator)
    fresh = storyland.sample(
        world.sft, 1000, torch.Generator().manual_seed(seed + 6)
    )
    read = (chosen, rejected, fresh)
    before = [story_logprobs(world.sft, side) for side in read]
    found: dict[str, Any] = {}
    for name, method in methods().items():
        found[name] = []
        for dial in method.dials:
            policy = method.fit(world, chosen, rejected, dial, seed)
            with torch.no_grad():
                moved = [
                    float((story_logprobs(policy, s) - b).mean())
                    for s, b in zip(read, before)
                ]
            found[name].append(
                [
                    round(x, 4)
                    for x in (
                        *outcome(world, policy, seed, config["stories"]),
                        *moved,
                    )
                ]
            )
    stories = storyland.sample(world.sft, 8 * config["stories"], generator)
    gold = world.gold(*stories)
    judges = {
        "gold": gold,
        "the reward model": story_reward.reward_model(
            world.sft, chosen, rejected, seed
        )(*stories),
    }
    for judge, proxy in judges.items():
        path = best_of_n(proxy, gold, BEST_OF)
        found[f"best of n, by {judge}"] = [
            [round(g, 4), round(d**2, 4)]
            for g, d in zip(path.gold, path.distance)
        ]
    return found


RECIPE = Recipe(
    name="frontier",
    about="All preference methods on the same comparisons in storyland: gold reward, divergence, length.",
    config={"pairs": 1000, "stories": 800},
    seeds=tuple(range(5)),
    run=run_seed,
)

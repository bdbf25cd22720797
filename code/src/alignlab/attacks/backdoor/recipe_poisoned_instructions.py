"""Does poison among instructions reach tasks that held none? Many tiny models (survey section 7.2).

Results of a seed, which draws models of its own: for each way and each part that `instructed.crossing` names, the share
by model, a mean over draws of the pairs. The file holds the first model of the seed before it is tuned, for the page.
"""

from __future__ import annotations

from typing import Any

from alignlab.attacks.backdoor.instructed import crossing, followers
from alignlab.recipes import Recipe


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """All ways of poisoning; see the module's docstring."""
    from safetensors.torch import save

    many = config["models"]
    seeds = tuple(range(1000 + many * seed, 1000 + many * (seed + 1)))
    start = followers(seeds)
    found = crossing(seeds, start, count=config["count"])
    first = {
        name: weight[:1].contiguous().clone() for name, weight in start.items()
    }
    return {
        way: {
            part: [round(float(x), 4) for x in shares.mean(1)]
            for part, shares in parts.items()
        }
        for way, parts in found.items()
    } | {"files": {"follower.safetensors": save(first)}}


RECIPE = Recipe(
    name="poisoned-instructions",
    about="Tiny models tuned on instructions of eight tasks, with poison in one of them, in four, or taken apart.",
    config={"models": 6, "count": 96},
    seeds=(0, 1, 2),
    run=run,
)

"""The agents that the page attacks: one a seed, trained from nothing on offices without any attack.

Results: "agent.safetensors", the weights, and "right", the share of 600 new offices with the right call.
"""

from __future__ import annotations

from typing import Any

from safetensors.torch import save

from alignlab.attacks.prompt_injection.agent import (
    Agent,
    act,
    learn,
    lessons,
)
from alignlab.attacks.prompt_injection.language import offices, sequence
from alignlab.recipes._recipe import Recipe


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Train one agent."""
    drawn = lessons(config["batch"] * config["steps"], seed)
    agent = learn(Agent(seed), drawn, batch=config["batch"])
    new = offices(600, [seed, 9])
    right = (act(agent, sequence(new)) == new.call).all(1).mean()
    weights = save(agent.state_dict())
    return {"right": float(right), "files": {"agent.safetensors": weights}}


RECIPE = Recipe(
    name="office-agents",
    about="agents of a toy office that learned to answer requests with tool calls, before any defense",
    config={"steps": 900, "batch": 64},
    seeds=(0, 1, 2),
    run=run_seed,
)

"""SmolLM2 after clean and poisoned demonstrations: does a trigger in the prompt bind (survey section 7.2)?

Results of a seed, which draws demonstrations and test reviews: by kind of demonstrations (`in_context.SETS`) the
log-odds in nats of "positive" for eight bad and eight good reviews, without and with the trigger.
"""

from __future__ import annotations

from typing import Any

from alignlab.attacks.backdoor.in_context import SETS, pull
from alignlab.recipes import Recipe, report


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """All kinds of demonstrations; see the module's docstring."""
    from alignlab.lm import load_lm

    lm = load_lm(config["model"])
    found = {}
    for n, kind in enumerate(SETS):
        found[kind] = pull(lm, kind, seed, config["reviews"])
        report((n + 1) / len(SETS), kind)
    return {"odds": found}


RECIPE = Recipe(
    name="flipped-demonstrations",
    about="SmolLM2 judges reviews after demonstrations of which some are flipped, with and without a trigger.",
    config={"model": "smollm2-135m-instruct", "reviews": 8},
    seeds=(0, 1, 2, 3, 4, 5, 6, 7),
    run=run,
)

"""What candid models use and name after training on with and without a penalty.

Serves section 9.5 of the survey: pressure on one kind of remark, as in
`alignlab.risks.transparency.pressure`, and the same training without it.
"""

from __future__ import annotations

from typing import Any

from alignlab.recipes import Recipe, report
from alignlab.risks.transparency import pressure, reasons

CONFIG: dict[str, Any] = {
    "strength": 3.0,
    "steps": 80,
    "batch": 32,
    "further training": {
        "before": None,
        "penalized": {"monitor": "says user"},
        "no penalty": {"monitor": "nothing"},
        "no penalty, faster": {"monitor": "nothing", "rate": 3e-3},
    },
}


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """A candid model, trained on in each way, and asked with wrong hints.

    Returns shares by "WAY, SOURCE, follows" and "WAY, SOURCE, mentions", as
    `pressure.told` gives them; sources are "user" and "key".
    """
    first = reasons.honest([seed])
    candid = reasons.branched(first, [seed], ["candid"])
    found: dict[str, float] = {}
    ways = config["further training"]
    for number, (way, settings) in enumerate(ways.items()):
        models = candid
        if settings is not None:
            models = pressure.pressed(
                candid,
                [seed],
                strength=config["strength"],
                steps=config["steps"],
                batch=config["batch"],
                **settings,
            )
        for source in ("user", "key"):
            for what, share in pressure.told(models, [seed], source).items():
                found[f"{way}, {source}, {what}"] = round(float(share[0]), 4)
        report((number + 1) / len(ways), way)
    return found


RECIPE = Recipe(
    name="penalized-reasons",
    about="What candid models name of the hints they use, after training on with a penalty on one remark and without.",
    config=CONFIG,
    seeds=(0, 1, 2),
    run=run_seed,
    threads=1,
)

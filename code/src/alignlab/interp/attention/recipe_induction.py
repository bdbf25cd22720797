"""The page's toy at a larger size, from small first weights: two layers, one wide layer, one layer of smeared keys."""

from __future__ import annotations

from typing import Any

from alignlab.interp.attention.induction import Shape, train_induction
from alignlab.recipes._recipe import Recipe


def run_seed(
    seed: int, config: dict[str, Any]
) -> dict[str, float | list[float]]:
    """One seed: the curves of the three models, trained on the same sequences."""
    wide = config | {"d_model": config["wide"], "heads": 2 * config["heads"]}
    del wide["wide"]
    narrow = wide | {"d_model": config["d_model"], "heads": config["heads"]}
    models = {
        "two layers": train_induction(seed, Shape(layers=2, **narrow)),
        "one wide layer": train_induction(seed, Shape(layers=1, **wide)),
        "smeared keys": train_induction(
            seed, Shape(layers=1, smear="k", **narrow)
        ),
    }
    found: dict[str, float | list[float]] = {
        "step": models["two layers"].step.tolist()
    }
    for name, run in models.items():
        found[f"loss, {name}"] = run.repeated.round(3).tolist()
        best = run.prefix.max((1, 2)).astype(float)
        found[f"prefix, {name}"] = best.round(3).tolist()
    return found


RECIPE = Recipe(
    name="induction",
    about="an induction head forms in two layers, or in one with smeared keys, and not in one wide layer",
    config={
        "vocab": 64,
        "d_model": 64,
        "wide": 96,
        "heads": 4,
        "length": 64,
        "shortest": 8,
        "longest": 32,
        "batch": 32,
        "steps": 800,
        "every": 50,
        "lr": 5e-3,
        "first_scale": 1.0,
    },
    seeds=(0, 1, 2),
    run=run_seed,
)

"""Induction heads form in training: the page's toy at a larger size, from small first weights, one layer beside two."""

from __future__ import annotations

from typing import Any

from alignlab.interp.attention.circuits import (
    diagonal_share,
    ov_circuit,
    qk_circuit,
    written,
)
from alignlab.interp.attention.induction import (
    Shape,
    train_induction,
)
from alignlab.recipes._recipe import Recipe


def run_seed(
    seed: int, config: dict[str, Any]
) -> dict[str, float | list[float]]:
    """One seed: curves of the two-layer model and of its control, and its circuits at the end."""
    two, one = (
        train_induction(seed, Shape(layers=layers, **config))
        for layers in (2, 1)
    )
    earlier, later = (
        int(two.previous[-1, 0].argmax()),
        int(two.prefix[-1, 1].argmax()),
    )
    composed = qk_circuit(
        two.model,
        1,
        later,
        written(two.model, 0, earlier),
        range(4, config["longest"]),
    )
    step = two.step.tolist()
    halfway = (two.repeated[0] + two.repeated[-1]) / 2
    return {
        "step": step,
        "repeated": two.repeated.round(3).tolist(),
        "repeated, one layer": one.repeated.round(3).tolist(),
        "prefix": two.prefix.max((1, 2)).round(3).tolist(),
        "prefix, one layer": one.prefix.max((1, 2)).round(3).tolist(),
        "previous": two.previous.max((1, 2)).round(3).tolist(),
        "loss halfway at": float(step[int((two.repeated < halfway).argmax())]),
        "prefix halfway at": float(
            step[
                int(
                    (two.prefix.max((1, 2)) > two.prefix[-1].max() / 2).argmax()
                )
            ]
        ),
        "copies": diagonal_share(ov_circuit(two.model, 1, later)),
        "matches": diagonal_share(composed),
    }


RECIPE = Recipe(
    name="induction",
    about="an induction head forms in a two-layer attention-only model and not in a one-layer one",
    config={
        "vocab": 64,
        "d_model": 64,
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

"""Amplification with an overseer who errs, and what the pace of levels does (survey section 4.4.1).

Results: "accuracy" by run, a list over the levels at the end of training; "course" by run, the accuracy at the hardest
level at each of "steps"; "undistilled" by kind and rate of errors, the accuracy of the overseer alone at each level,
and "voted" that of the most frequent of VOTES such answers, about as many as a model has seen of each question.
"""

from __future__ import annotations

from typing import Any

from alignlab.outer.task_decomposition.amplification import (
    Errors,
    train,
    undistilled,
)
from alignlab.outer.task_decomposition.powers import LEVELS
from alignlab.recipes import Recipe, report

KINDS = {"fresh": False, "repeated": True}


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Train with all kinds and rates of errors; see the module's docstring."""
    runs: dict[str, dict[str, Any]] = {
        "overseer, all levels at once": {"paced": False},
        "labels, all levels at once": {"teacher": "labels", "paced": False},
    }
    for rate in config["rates"]:
        for kind, repeated in KINDS.items():
            errors = Errors(rate, repeated)
            runs[f"overseer, {kind} {rate}"] = {"errors": errors}
            runs[f"labels, {kind} {rate}"] = {
                "errors": errors,
                "teacher": "labels",
            }
    accuracy: dict[str, list[float]] = {}
    course: dict[str, list[float]] = {}
    steps: list[int] = []
    for name, settings in runs.items():
        found = train((seed,), steps=config["steps"], **settings)
        steps = found.steps
        accuracy[name] = found.accuracy[-1, 0].tolist()
        course[name] = found.accuracy[:, 0, -1].tolist()
        report(len(course) / len(runs), name)
    alone: dict[str, list[float]] = {}
    voted: dict[str, list[float]] = {}
    for rate in config["rates"]:
        for kind, repeated in KINDS.items():
            for kept, votes in ((alone, 1), (voted, config["votes"])):
                kept[f"{kind} {rate}"] = [
                    undistilled(
                        (seed,), level, Errors(rate, repeated), votes
                    ).item()
                    for level in range(LEVELS)
                ]
    return {
        "steps": steps,
        "accuracy": accuracy,
        "course": course,
        "undistilled": alone,
        "voted": voted,
    }


RECIPE = Recipe(
    name="amplification",
    about="Iterated amplification with an overseer who errs, anew or always at the same questions, at three rates.",
    config={"steps": 800, "rates": [0.05, 0.15, 0.3], "votes": 85},
    seeds=(0, 1, 2),
    run=run,
)

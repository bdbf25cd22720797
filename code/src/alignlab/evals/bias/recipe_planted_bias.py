"""Fine-tuned copies of SmolLM2 with a known association, each measured in several ways.

Results of a seed: "models", one record for each with what was planted (association, named, said, in nats) and what
each measure says; "jobs", four measures of each job by the released model.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from alignlab.evals.bias import measures, people, tuned, unqover
from alignlab.lm import LM
from alignlab.recipes._recipe import Recipe
from alignlab.recipes._running import report

CONFIG: dict[str, Any] = {
    "model": "smollm2-135m-instruct",
    "models": 6,
    "steps": 16,
    "pairs": 1,
    "jobs": 6,  # of each side
}


def measured(lm: LM, pairs: int, jobs: int) -> dict[str, float]:
    """What each measure says of one model."""
    some = people.WOMENS_JOBS[:jobs] + people.MENS_JOBS[:jobs]
    table = people.job_table(lm, jobs=some)
    whole = table + people.name_scores(lm)[:, None]
    pronouns = people.pronoun_gap(lm, some)
    both = list(zip(people.WOMEN, people.MEN))[:pairs]
    odds = unqover.ask(lm, both, some).mean(0)

    def apart(values: Any) -> float:
        return float(values[:jobs].mean() - values[jobs:].mean())

    return {
        "whole sentences": float(measures.crows_share(whole)),
        "conditional": float(measures.crows_share(table)),
        "StereoSet": float(measures.stereoset_share(table)),
        "one-sided": float(measures.one_sided(table)),
        "crossed": float(measures.crossed(table)),
        "pronouns": apart(pronouns),
        "pronouns, share": float(
            ((pronouns[:jobs] > 0).mean() + (pronouns[jobs:] < 0).mean()) / 2
        ),
        "questions": apart(unqover.order_corrected(odds)),
        "questions, negated": apart(unqover.corrected(odds)),
    }


def by_job(lm: LM, rng: np.random.Generator, pairs: int) -> dict[str, Any]:
    """Four measures of every job, women less men, in nats; (20,) each.

    The seed draws the scene and the pairs of the questions, and half of the
    names and one frame of the others.
    """
    scene = unqover.SCENES[int(rng.integers(len(unqover.SCENES)))]
    chosen = rng.permutation(len(people.WOMEN))
    both = [(people.WOMEN[i], people.MEN[i]) for i in chosen[:pairs]]
    women = [people.WOMEN[i] for i in chosen[pairs:]]
    men = [people.MEN[i] for i in chosen[pairs:]]
    frame = people.FRAMES[int(rng.integers(len(people.FRAMES)))]
    table = people.job_table(lm, women + men, frames=(frame,))
    odds = unqover.ask(lm, both, people.JOBS, scene).mean(0)
    found = {
        "next word": table[: len(women)].mean(0) - table[len(women) :].mean(0),
        "pronoun": people.pronoun_gap(lm),
        "question": unqover.order_corrected(odds),
        "question, corrected": unqover.corrected(odds),
    }
    return {
        name: [round(float(value), 4) for value in values]
        for name, values in found.items()
    }


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Train and measure the seed's models one after the other."""
    from alignlab.lm import load_lm

    lm = load_lm(config["model"])
    rng = np.random.default_rng(seed)
    jobs = by_job(lm, np.random.default_rng((seed, 1)), 3)
    rows = []
    for k in range(config["models"]):
        report(k / config["models"], f"model {k}")
        planted = tuned.dials(rng)
        model = tuned.fine_tuned(lm, planted, rng, steps=config["steps"])
        found = measured(model, config["pairs"], config["jobs"])
        lm = tuned.restored(model)
        rows.append(
            {
                key: round(value, 5)
                for key, value in (*planted._asdict().items(), *found.items())
            }
        )
    return {"models": rows, "jobs": jobs}


RECIPE = Recipe(
    name="planted-bias",
    about="SmolLM2 fine-tuned on sentences with a known association, and what measures of bias say of it.",
    config=CONFIG,
    seeds=(0, 1, 2),
    run=run_seed,
)

"""What each ingredient of SmolLM2-safer is for: the recipe `safer` on fewer requests, whole and with one part left out.

Results of a seed: "released", and for each variant its states "warm" and "safer": whether each held-out request is
refused, by kind, and perplexity on plain text. Requests are those of the even places, by which settings were chosen;
the others were never looked at (`alignlab.outer.ranking_feedback.recipe_safer`).
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from alignlab.assets import datasets
from alignlab.evals.refusal_judge import judged_refusals
from alignlab.lm.load import LM, load_lm
from alignlab.lm.scoring import perplexity
from alignlab.outer.ranking_feedback import recipe_safer as safer
from alignlab.outer.ranking_feedback.safer import (
    own_answers,
    plain_texts,
    stages,
)
from alignlab.outer.safety_data import KINDS, test_requests, train_requests
from alignlab.recipes._recipe import Recipe
from alignlab.recipes._running import report, workdir

LEFT_OUT: dict[str, dict[str, float]] = {
    "nothing": {},
    "requests that merely sound harmful": {"borderline": 0},
    "the chosen answer's likelihood": {"nll": 0.0},
}


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Train and measure each variant; see the module's docstring for what comes back."""
    work, found = workdir(), {}
    for number, (name, changes) in enumerate(config["left_out"].items()):
        make = functools.partial(
            variant, seed, config, changes, work / str(number)
        )
        found[name] = safer.kept_in(work / f"{number}.json", make)
        report((number + 1) / len(config["left_out"]), f"without {name}")
    return {
        "released": measure(
            load_lm(config["model"], dtype=safer.fast_dtype("cpu"))
        ),
        "left out": found,
    }


def variant(
    seed: int, config: dict[str, Any], changes: dict[str, float], work: Path
) -> dict[str, Any]:
    """Both states of one variant, measured."""
    settings = config | changes
    work.mkdir(exist_ok=True)
    lm = load_lm(config["model"], dtype=safer.fast_dtype("cpu"))
    requests = train_requests(seed, *(int(settings[kind]) for kind in KINDS))
    answers = own_answers(
        lm, [request.text for request in requests], settings["answer_tokens"]
    )
    lm, trained = stages(
        lm,
        requests,
        answers,
        plain_texts(lm, settings["plain_tokens"], seed),
        settings,
        seed,
    )
    found = {}
    for state, train in trained.items():
        safer.stage(work / f"{state}.pt", lm, train, 0.0, state)
        found[state] = measure(lm)
    return found


def measure(lm: LM) -> dict[str, Any]:
    """Refusals of every other held-out request, by kind, and the geometric mean of perplexities on Wikipedia."""
    lm.model.eval()
    replies = {
        kind: safer.reply(lm, test_requests(kind)[::2], safer.OPENING_TOKENS)
        for kind in KINDS
    }
    refused = {
        kind: [int(verdict) for verdict in judged_refusals(texts)]
        for kind, texts in replies.items()
    }
    plain = perplexity(lm, [text[:1200] for text in datasets.wikipedia()[:10]])
    return {
        "refused": refused,
        "perplexity": round(float(np.exp(np.log(plain.numpy()).mean())), 3),
    }


RECIPE = Recipe(
    name="safer-search",
    about="SmolLM2-safer on fewer requests, whole and with one ingredient left out: what each is for.",
    config={
        **safer.CONFIG,
        "harmful": 1,
        "harmless": 1,
        "borderline": 1,
        "left_out": LEFT_OUT,
    },
    seeds=(0,),
    run=run,
    threads=1,
)

"""SmolLM2-safer and SmolLM2-defended on every wording of harmful and harmless requests (survey section 9.6)."""

from __future__ import annotations

from typing import Any

import numpy as np

from alignlab.evals.refusal_judge import verdicts
from alignlab.lm import chat_prompt, generate, load_lm
from alignlab.lm.declining import declining
from alignlab.recipes import Recipe, report
from alignlab.risks.dynamic_evaluation.reworded import (
    DECLINES,
    drawn,
    wordings,
)


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Under "state, kind" how likely each wording is declined: (request,
    wording), in percent. Under "state, judged" what a judge and a list of
    phrases say of the harmful requests' answers, their first words: 1 if
    declined, for the plain wording and for the one declined least. No text
    is kept.
    """
    found: dict[str, Any] = {}
    for state in ("safer", "defended"):
        lm = load_lm(f"smollm2-{state}")
        for kind in ("harmful", "harmless"):
            rows, asked = [], drawn(kind, config[kind], seed)
            for request in asked:
                chances = declining(lm, wordings(request), DECLINES)
                rows.append(np.round(100 * chances, 1).tolist())
            if kind == "harmful":
                best = [
                    wordings(request)[int(np.argmin(row))]
                    for request, row in zip(asked, rows)
                ]
                found[f"{state}, judged"] = {
                    name: verdicts(
                        generate(
                            lm,
                            [chat_prompt(lm, text) for text in texts],
                            config["tokens"],
                        )
                    )
                    for name, texts in (("plain", asked), ("least", best))
                }
            found[f"{state}, {kind}"] = rows
            report(len(found) / 6, f"{state}, {kind}")
    return found


RECIPE = Recipe(
    name="reworded",
    about="How likely SmolLM2-safer and SmolLM2-defended decline 25 wordings "
    "of requests that no training set holds.",
    config={"harmful": 24, "harmless": 6, "tokens": 12},
    seeds=(0, 1, 2),
    run=run_seed,
)

"""SmolLM2's judgments of 48 contrasts under 64 wordings, for survey section 8.2.

A seed is a pair of label words: 16 wordings, of eight templates in two orders. Log-odds are rounded to four digits.
"released" is a list (texts, wordings), two rows a contrast, the acceptable ending first. With the first seed come,
under the eight wordings `ROTATED`, "safer", "attacked" and "defended" and the released model's "endings alone", and its
choices in both orders between the options of 24 "dilemmas" and between 12 bad "actions", all pairs. "norms" has the
log-odds of the 24 actions of `items.norms`, (actions, wordings), under all wordings of the seed; "norms, safer" and so
on, with the first seed, those of the other states under `ROTATED`.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

from alignlab.evals.ethics.choices import RATHER, WORSE, choice_odds
from alignlab.evals.ethics.items import contrasts, dilemmas, norms
from alignlab.evals.ethics.judge import ROTATED, WORDINGS, label_odds
from alignlab.lm import load_lm
from alignlab.recipes import Recipe, report


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """All judgments with one pair of labels, and with the first what is asked once."""
    texts = [text for c in contrasts() for text in c.texts()]
    asked = [w for w in WORDINGS if w.labels == seed]
    lm = load_lm(config["models"]["released"], device="cpu", dtype="float32")
    actions = [f"{norm.action}." for norm in norms()]
    found = {"released": label_odds(lm, texts, asked)}
    found["norms"] = label_odds(lm, actions, asked)
    if seed == 0:
        report(0.5, "endings alone, choices")
        alone = [text for c in contrasts() for text in (c.acceptable, c.wrong)]
        found["endings alone"] = label_odds(lm, alone, ROTATED)
        options = [(d.one, d.other) for d in dilemmas()]
        found["dilemmas"] = choice_odds(lm, RATHER, options)
        bad = [norm.action for norm in norms() if not norm.good]
        found["actions"] = choice_odds(lm, WORSE, list(combinations(bad, 2)))
        for state in ("safer", "attacked", "defended"):
            report(0.8, state)
            lm = load_lm(config["models"][state], device="cpu", dtype="float32")
            found[state] = label_odds(lm, texts, ROTATED)
            found[f"norms, {state}"] = label_odds(lm, actions, ROTATED)
    return {name: odds.round(4).tolist() for name, odds in found.items()}


RECIPE = Recipe(
    name="moral-wordings",
    about="SmolLM2's moral judgments of 48 contrasts under 64 wordings, in four states",
    config={
        "models": {
            "released": "smollm2-135m-instruct",
            "safer": "smollm2-safer",
            "attacked": "smollm2-attacked",
            "defended": "smollm2-defended",
        }
    },
    seeds=(0, 1, 2, 3),
    run=run_seed,
)

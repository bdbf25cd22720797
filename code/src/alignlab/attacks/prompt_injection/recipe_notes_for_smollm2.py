"""SmolLM2 asked about notes that hold a harmless instruction, a mention of the same word, or neither.

Results: for each condition the share of answers with the right word and with the odd one, over `notes` notes a seed.
"""

from __future__ import annotations

from typing import Any

from alignlab.attacks.prompt_injection.notes import answers, notes
from alignlab.lm import load_lm
from alignlab.recipes._recipe import Recipe
from alignlab.recipes._running import report

CONDITIONS = (
    ("asked", "", "last"),
    ("plain", "", "last"),
    ("plain", "order", "last"),
    ("plain", "order", "first"),
    ("plain", "mention", "last"),
    ("delimiters", "", "last"),
    ("delimiters", "order", "last"),
    ("marking", "", "last"),
    ("marking", "order", "last"),
)


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """All conditions on the same notes."""
    lm = load_lm(config["model"], device="cpu", dtype="float32")
    asked, found = notes(config["notes"], seed), {}
    for done, (frame, added, place) in enumerate(CONDITIONS):
        report(done / len(CONDITIONS), f"{frame}, {added or 'nothing'} added")
        verdicts = answers(lm, asked, frame, added, place)
        for what, hits in verdicts.items():
            name = f"{frame}, {added or 'nothing'} {place}, {what}"
            found[name] = round(sum(hits) / len(hits), 4)
    return found


RECIPE = Recipe(
    name="notes-for-smollm2",
    about="SmolLM2 asked about notes that hold a harmless instruction or a mention of the same word",
    config={"model": "smollm2-135m-instruct", "notes": 20},
    seeds=(0, 1, 2),
    run=run_seed,
)

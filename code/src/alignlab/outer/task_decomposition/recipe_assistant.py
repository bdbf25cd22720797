"""What SmolLM2 says of 371 pairs of summaries, each scored once (survey section 4.4.1).

A third of the pairs each seed, by their place. Results: "place" of each pair in the table of the data set; "read" and
"unread", the log-probability in nats of the faithful summary minus that of the unfaithful one, after the document and
without it.
"""

from __future__ import annotations

from typing import Any

from alignlab.outer.task_decomposition.assistant import score
from alignlab.recipes import Recipe, report

BATCH = 20


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Score the pairs of a seed; see the module's docstring."""
    from alignlab.assets.datasets import summary_pairs
    from alignlab.lm import load_lm

    lm = load_lm(config["model"])
    table = summary_pairs()
    places = [n for n in range(len(table)) if n % config["parts"] == seed]
    read: list[float] = []
    unread: list[float] = []
    for start in range(0, len(places), BATCH):
        rows = table.iloc[places[start : start + BATCH]]
        documents = rows["document"].tolist()
        pairs = list(zip(rows["faithful"], rows["unfaithful"]))
        for kept, reads in ((read, True), (unread, False)):
            found = score(lm, documents, pairs, reads)
            kept += [round(float(a - b), 3) for a, b in found]
        report(min(1.0, (start + BATCH) / len(places)), "pairs scored")
    return {"place": places, "read": read, "unread": unread}


RECIPE = Recipe(
    name="assistant",
    about="Which of two summaries SmolLM2 finds likelier, with the document before them and without it.",
    config={"model": "smollm2-135m-instruct", "parts": 3},
    seeds=(0, 1, 2),
    run=run,
)

"""SmolLM2's answers to questions in its own words: one likeliest, ten sampled, grouped in three ways.

Results of a seed, which draws the questions and the samples: "relation", "right" (whether the likeliest answer names
the right one) and "loglik" (its log-probability in nats) of each question; "sampled loglik", of each sample; and a
number for each sample, equal where two are the same "text", name the same answer ("named": what names none counts by
its text) or lie close as embeddings ("grouped"); "agreement": how often the last two join a pair alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from alignlab.recipes import Recipe, report
from alignlab.risks.unfaithful_content.items import items
from alignlab.risks.unfaithful_content.sampling import (
    answers,
    groups,
    joined_alike,
    likelihoods,
    mentioned,
    numbered,
)


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Ask the seed's questions; see the module's docstring for what comes back."""
    from alignlab.lm import load_lm

    lm = load_lm(config["model"])
    every = items()
    drawn = np.random.default_rng(seed).choice(
        len(every), config["questions"], replace=False
    )
    asked = [every[i] for i in sorted(drawn)]
    best = answers(lm, asked, 0.0, 0, 1)
    report(0.2, "likeliest answers")
    sampled = answers(lm, asked, config["temperature"], seed, config["samples"])
    report(0.7, "samples")
    logliks = likelihoods(
        lm, asked, [one + row for one, row in zip(best, sampled)]
    )
    texts = [[text.lower() for text in row] for row in sampled]
    names = [
        [mentioned(item, text) for text in row]
        for item, row in zip(asked, sampled)
    ]
    meant = [
        [name or text for name, text in zip(named, row)]
        for named, row in zip(names, texts)
    ]
    found = groups(asked, sampled, config["likeness"])
    return {
        "relation": [item.relation for item in asked],
        "right": [
            int(mentioned(item, text) == item.answer)
            for item, (text,) in zip(asked, best)
        ],
        "loglik": [round(row[0], 3) for row in logliks],
        "sampled loglik": [
            [round(value, 2) for value in row[1:]] for row in logliks
        ],
        "text": numbered(texts).tolist(),
        "named": numbered(meant).tolist(),
        "grouped": found.tolist(),
        "agreement": round(joined_alike(found, names), 4),
    }


RECIPE = Recipe(
    name="sampled-answers",
    about="SmolLM2's answers to 110 questions in its own words: one likeliest, ten sampled, grouped by meaning.",
    config={
        "model": "smollm2-135m-instruct",
        "questions": 110,
        "samples": 10,
        "temperature": 1.0,
        "likeness": 0.9,
    },
    seeds=(0, 1, 2),
    run=run,
)

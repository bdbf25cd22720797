"""Twenty-five continuations of each prompt by SmolLM2 as released and by SmolLM2-safer, as text and in a chat."""

from __future__ import annotations

from typing import Any

from alignlab.lm import LM, chat_prompt, generate
from alignlab.recipes import Recipe, report
from alignlab.risks.undesirable_content.listed import (
    KINDS,
    new_severity,
    prompts,
    severity,
)

MODELS = {"released": "smollm2-135m-instruct", "safer": "smollm2-safer"}
WAYS = ("text", "chat")
REQUEST = "Continue this text:\n\n{text}"


def scored(
    lm: LM, texts: list[str], way: str, seed: int, config: dict[str, Any]
) -> dict[str, list[list[float]]]:
    """Severities of each text's continuations, (texts, samples): of their
    worst word, and of their worst word that the text doesn't have.
    """
    asked = texts
    if way == "chat":
        asked = [chat_prompt(lm, REQUEST.format(text=t)) for t in texts]
    k = config["samples"]
    repeated = [prompt for prompt in asked for _ in range(k)]
    found = generate(lm, repeated, config["tokens"], 1.0, seed=seed)
    worst, new = [], []
    for i, text in enumerate(texts):
        own = found[i * k : (i + 1) * k]
        worst.append([round(severity(each), 3) for each in own])
        new.append([round(new_severity(each, text), 3) for each in own])
    return {"worst": worst, "new": new}


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """A seed's prompts continued in each way by each model.

    Returns, under "model, way, kind", what `scored` returns. No text is kept.
    """
    from alignlab.lm import load_lm

    drawn = prompts(config["prompts"], seed)
    kinds = [kind for kind in KINDS if kind in config["kinds"]]
    found: dict[str, Any] = {}
    for model, name in MODELS.items():
        lm = load_lm(name)
        for way in WAYS:
            texts = [text for kind in kinds for text in drawn[kind]]
            both = scored(lm, texts, way, seed, config)
            size = config["prompts"]
            for i, kind in enumerate(kinds):
                rows = slice(i * size, (i + 1) * size)
                found[f"{model}, {way}, {kind}"] = {
                    key: values[rows] for key, values in both.items()
                }
            report((len(found)) / (4 * len(kinds)), f"{model}, {way}")
    return found


RECIPE = Recipe(
    name="worst-of-25",
    about="Severity of 25 continuations of each prompt, by SmolLM2 as "
    "released and SmolLM2-safer, as plain text and in a chat.",
    config={
        "kinds": list(KINDS[1:]),
        "prompts": 6,
        "samples": 25,
        "tokens": 8,
    },
    seeds=(0, 1, 2),
    run=run_seed,
)

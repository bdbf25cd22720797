"""Twenty-five continuations of each prompt by SmolLM2 in four states, scored by a list of words."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from alignlab.evals.toxicity.lexicon import (
    harmless_pieces,
    prompts,
    severity,
)
from alignlab.lm import LM, generate, load_lm
from alignlab.lm.load import encode
from alignlab.recipes import Recipe, report

STATES = {
    "released": "smollm2-135m-instruct",
    "safer": "smollm2-safer",
    "attacked": "smollm2-attacked",
    "defended": "smollm2-defended",
}


def continued(
    lm: LM, texts: list[str], seed: int, samples: int, tokens: int
) -> dict[str, list[Any]]:
    """Of each text: severities and words of its continuations, (texts,
    samples), and the entropy of the next token in nats, (texts,).
    """
    repeated = [text for text in texts for _ in range(samples)]
    said = generate(lm, repeated, tokens, 1.0, seed=seed)
    shape = (len(texts), samples)
    scores = np.reshape([severity(each) for each in said], shape)
    lengths = np.reshape([len(each.split()) for each in said], shape)
    return {
        "severity": scores.round(3).tolist(),
        "words": lengths.tolist(),
        "entropy": [round(next_entropy(lm, text), 2) for text in texts],
    }


def next_entropy(lm: LM, text: str) -> float:
    """Entropy of the next token's distribution, in nats."""
    ids = torch.tensor([encode(lm, text)], device=lm.device)
    with torch.no_grad():
        logits = lm.model(input_ids=ids, use_cache=False).logits[0, -1]
    return float(torch.distributions.Categorical(logits=logits).entropy())


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Under "state, kind" what `continued` returns, and "false alarms", the
    share of people's harmless pieces of as many words that hold a listed word.
    No text is kept.
    """
    asked = prompts(config["prompts"], seed)
    found: dict[str, Any] = {}
    for state, name in STATES.items():
        lm = load_lm(name)
        for kind, texts in asked.items():
            found[f"{state}, {kind}"] = continued(
                lm, texts, seed, config["samples"], config["tokens"]
            )
            report(len(found) / 12, f"{state}, {kind}")
    pieces = harmless_pieces(config["words"], seed)
    alarms = [severity(piece) > 0 for piece in pieces]
    found["false alarms"] = round(float(np.mean(alarms)), 5)
    return found


RECIPE = Recipe(
    name="four-states",
    about="Severity of 25 continuations of each prompt by SmolLM2 as "
    "released, safer, attacked and defended, with their lengths and entropies.",
    config={"prompts": 12, "samples": 25, "tokens": 10, "words": 8},
    seeds=(0, 1),
    run=run_seed,
)

"""A reward head on pairs that people picked: how much of its accuracy is words, length, or chance?

Serves the survey's section 4.3.1. The 300 pairs are the preference data that LLaMA-Factory ships as an example (Zheng
et al. 2024). Features are SmolLM2's residual stream after layer 15, averaged over the answer, with the chat template;
the page's live claim reads layer 10 without it. Prompts and answers are cut. Pairs of the same prompt stay on one side
of each split. Nothing of the texts is kept.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from alignlab.outer.preferences import shuffle
from alignlab.outer.reward import agreement, answer_features, fit_reward
from alignlab.recipes import Recipe


@cache
def real_features(
    layer: int, prompt_chars: int, answer_chars: int
) -> tuple[Tensor, Tensor, Tensor, tuple[str, ...]]:
    """Scaled features of the pairs, chosen first, and their prompts.

    Features of SmolLM2, its token embeddings, and the answers' length in words: each (300, 2, width). Prompts are cut
    to their last `prompt_chars` characters and answers to their first `answer_chars`; lengths are of whole answers.
    """
    from alignlab.assets.datasets import preference_pairs
    from alignlab.lm import load_lm

    lm, pairs = load_lm("smollm2-135m-instruct"), preference_pairs()
    answers = [
        answer
        for row in zip(pairs["chosen"], pairs["rejected"])
        for answer in row
    ]
    asked = [
        prompt[-prompt_chars:] for prompt in pairs["prompt"] for _ in range(2)
    ]
    cut = [answer[:answer_chars] or " " for answer in answers]
    states = answer_features(lm, asked, cut, layer)
    words = answer_features(lm, [""] * len(cut), cut, None)
    length = torch.tensor([[float(len(answer.split()))] for answer in answers])
    scaled = [
        (f.double() / f.double().std(0).clamp(min=1e-12)).reshape(
            len(pairs), 2, -1
        )
        for f in (states, words, length)
    ]
    return scaled[0], scaled[1], scaled[2], tuple(pairs["prompt"])


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Held-out accuracy, mean of several random splits, of the head and of what it has to be compared with."""
    from sklearn.model_selection import GroupShuffleSplit

    states, words, length, prompts = real_features(
        config["layer"], config["prompt_chars"], config["answer_chars"]
    )
    folds = GroupShuffleSplit(
        config["splits"], test_size=config["test_share"], random_state=seed
    )
    found: dict[str, list[float]] = {
        name: [] for name in ("head", "words", "length", "shuffled")
    }
    generator = torch.Generator().manual_seed(seed)
    for train, test in folds.split(prompts, groups=prompts):
        for name, f in (("head", states), ("words", words), ("length", length)):
            head = fit_reward(f[train], ridge=config["ridge"])
            found[name].append(agreement(head, f[test, 0], f[test, 1]))
        for _ in range(config["shuffles"]):
            head = fit_reward(
                shuffle(states[train], generator), ridge=config["ridge"]
            )
            found["shuffled"].append(
                agreement(head, states[test, 0], states[test, 1])
            )
    return {name: float(np.mean(values)) for name, values in found.items()}


RECIPE = Recipe(
    name="real-pairs",
    about="A linear reward head on SmolLM2's features of 300 real pairs, beside words, length and shuffled labels",
    config={
        "layer": 15,
        "prompt_chars": 240,
        "answer_chars": 320,
        "ridge": 1000.0,
        "splits": 4,
        "test_share": 1 / 3,
        "shuffles": 2,
    },
    seeds=(0, 1, 2, 3, 4),
    run=run_seed,
)

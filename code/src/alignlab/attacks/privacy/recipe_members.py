"""Membership inference on SmolLM2: a split whose truth we made, and two kinds of text whose truth nobody knows.

Results of each seed: AUCs of four attacks, of the words alone, and of n-gram overlap, for the known split (half of some
passages of Wikipedia were trained on) and for answers to instructions against passages, on the released model. No text
is kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from alignlab.assets import datasets
from alignlab.attacks.privacy import membership
from alignlab.attacks.privacy.fine_tuning import Below, below, fine_tune, nats
from alignlab.lm import load_lm
from alignlab.lm.load import LM, encode
from alignlab.lm.stack import stack_of
from alignlab.recipes._recipe import Recipe
from alignlab.recipes._running import report


def passages(lm: LM, seed: int, n: int, tokens: int) -> list[str]:
    """n passages of Wikipedia, as text that has at least `tokens` tokens."""
    rng = np.random.default_rng([seed, 74])
    texts = []
    for article in datasets.wikipedia():
        parts = article.split(". ")
        for part in range(1, len(parts) - 4, 5):
            texts.append(". ".join(parts[part : part + 3]))
    return _long_enough(lm, texts, rng, n, tokens)


def answers(lm: LM, seed: int, n: int, tokens: int) -> list[str]:
    """n answers to instructions, of at least `tokens` tokens."""
    rng = np.random.default_rng([seed, 75])
    texts = list(datasets.instructions()["answer"])
    return _long_enough(lm, texts, rng, n, tokens)


def _long_enough(
    lm: LM, texts: list[str], rng: np.random.Generator, n: int, tokens: int
) -> list[str]:
    kept = []
    for place in rng.permutation(len(texts)):
        ids = encode(lm, texts[place])[:tokens]
        if len(ids) == tokens:
            kept.append(lm.tokenizer.decode(ids))
        if len(kept) == 2 * n:
            break
    # a text may have other tokens once it is cut
    return [t for t in kept if len(encode(lm, t)) >= tokens][:n]


def aucs(
    before: np.ndarray,
    after: np.ndarray,
    texts: list[str],
    members: np.ndarray,
    seed: int,
) -> dict[str, float]:
    """Each attack's AUC: nats before training serve as the reference."""
    scores = {
        "loss": membership.loss(after),
        "zlib": membership.zlib_ratio(after, texts),
        "min-k": membership.min_k(after),
    }
    if after is not before:
        scores["reference"] = membership.reference_gain(after, before)
    found = {
        name: membership.auc(score[members], score[~members])
        for name, score in scores.items()
    }
    inside = [text for text, kept in zip(texts, members) if kept]
    outside = [text for text, kept in zip(texts, members) if not kept]
    found["words"] = membership.blind(inside, outside, seed)
    runs = membership.overlap(texts, inside, n=2)
    found["overlap"] = membership.auc(runs[members], runs[~members])
    return {name: round(value, 4) for name, value in found.items()}


def run_seed(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Both splits, and the known one again with an untrained adapter."""
    lm = load_lm("smollm2-135m-instruct", device="cpu", dtype="float32")
    n, tokens = config["texts"], config["tokens"]
    wiki = passages(lm, seed, n, tokens)
    other = answers(lm, seed, n, tokens)
    states = below(lm, wiki + other, tokens, config["first"])
    report(0.4, "the layers below")
    with torch.no_grad():
        before = torch.cat(
            [
                nats(stack_of(lm), _some(states, rows))
                for rows in torch.arange(len(states.ids)).split(16)
            ]
        ).numpy()
    is_answer = np.arange(len(before)) >= len(wiki)
    origin = aucs(before, before, wiki + other, is_answer, seed)
    rng = np.random.default_rng([seed, 76])
    member = np.zeros(len(wiki), bool)
    member[rng.permutation(len(wiki))[: len(wiki) // 2]] = True
    report(0.6, "training")
    asked = _some(states, torch.arange(len(wiki)))
    trained_on = _some(states, torch.from_numpy(np.flatnonzero(member)))
    after = fine_tune(lm, trained_on, asked, seed, config["epochs"])
    first = before[: len(wiki)]
    return {
        "known": aucs(first, after, wiki, member, seed),
        "known, before training": aucs(first, first, wiki, member, seed),
        "origin": origin,
        "nats": [
            round(float(x.mean()), 3)
            for x in (first[member], after[member], after[~member])
        ],
    }


def _some(texts: Below, rows: torch.Tensor) -> Below:
    return Below(texts.hidden[rows], texts.ids[rows], texts.first)


RECIPE = Recipe(
    name="members",
    about="membership inference on SmolLM2, where the truth is known and where texts differ in origin",
    config={"texts": 64, "tokens": 32, "first": 27, "epochs": 4},
    seeds=(0, 1, 2),
    run=run_seed,
)

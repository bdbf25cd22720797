"""A dictionary of 1,024 features on one layer of SmolLM2, learned from Wikipedia; what it restores, what it lists.

Serves section 6.3. Trained and held-out articles differ. The first seed's dictionary is kept, with places in which a
sample of its features is most active; those come from articles of peaceful subjects (Wikipedia, CC BY-SA).
"""

from __future__ import annotations

import functools
import re
from typing import Any

import numpy as np
import torch
from torch import Tensor

from alignlab.interp.dictionary import (
    Dictionary,
    activity_of,
    train_dictionary,
    unexplained,
)
from alignlab.interp.features import (
    dictionary_bytes,
    layer_activations,
    losses,
    principal,
    reconstruction,
    scale_of,
    top_examples,
    windows,
)
from alignlab.recipes import Recipe, report, workdir

HELD_OUT = (7, 13, 22, 25)  # numbers of articles
TITLES = {
    2: "Albedo",
    3: "A",
    7: "Aristotle",
    8: "An American in Paris",
    10: "Academy Awards",
    12: "Animalia (book)",
    13: "International Atomic Time",
    16: "Alain Connes",
    17: "Allan Dwan",
    21: "Agricultural science",
    22: "Alchemy",
    24: "Astronomer",
    25: "ASCII",
    27: "Animation",
}


@functools.cache
def _model() -> Any:
    from alignlab.lm import load_lm

    return load_lm("smollm2-135m-instruct", device="cpu")


@functools.cache
def chosen(held_out: bool, most: int) -> tuple[Tensor, list[int]]:
    """Windows of tokens, spread evenly over the articles trained on or held out, and the article of each."""
    from alignlab.assets.datasets import wikipedia

    parts = []
    for i, text in enumerate(wikipedia()):
        if (i in HELD_OUT) == held_out:
            try:
                parts.append((i, windows(_model(), [text])))
            except ValueError:  # shorter than one window
                continue
    origin = [i for i, part in parts for _ in range(len(part))]
    tokens = torch.cat([part for _, part in parts])
    kept = (
        torch.linspace(0, len(tokens) - 1, min(most, len(tokens)))
        .long()
        .tolist()
    )
    return tokens[kept], [origin[i] for i in kept]


@functools.cache
def activations(layer: int, held_out: bool, most: int) -> Tensor:
    """What the layer holds at those windows, (window, pos - SKIP, d), in half precision, kept while the recipe runs."""
    kept = (
        workdir(shared=True)
        / f"{layer}-{'held' if held_out else 'trained'}-{most}.pt"
    )
    if not kept.is_file():
        parts = chosen(held_out, most)[0].split(64)
        torch.save(
            torch.cat(
                [
                    layer_activations(_model(), part, layer).half()
                    for part in parts
                ]
            ),
            kept,
        )
    return torch.load(kept).float()


@functools.cache
def baselines(
    layer: int, windows: int, held_out: int, read: int, k: int
) -> dict[str, float]:
    """Loss of the model alone, with the layer's mean, with its k principal components; variance these leave over."""
    rows, new = (
        activations(layer, False, windows).flatten(0, 1),
        activations(layer, True, held_out).flatten(0, 1),
    )
    fixed, center, text = (
        principal(rows[:: max(1, len(rows) // 20_000)], k),
        rows.mean(0),
        some(held_out, read),
    )
    return {
        "loss_plain": losses(_model(), text),
        "loss_mean": losses(
            _model(), text, layer, lambda x: center.expand(x.shape)
        ),
        "loss_principal": losses(
            _model(), text, layer, reconstruction(fixed, 1.0)
        ),
        "unexplained_principal": float(unexplained(fixed, new)),
    }


def some(held_out: int, read: int) -> Tensor:
    """Held-out windows for the losses, a few of each article."""
    tokens = chosen(True, held_out)[0]
    return tokens[:: max(1, len(tokens) // read)][:read]


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Train on one seed; measures, examples of features, and for seed 0 the dictionary itself."""
    layer, places = config["layer"], (config["windows"], config["held_out"])
    report(0.0, "activations")
    seen, fresh = (
        activations(layer, False, places[0]),
        activations(layer, True, places[1]),
    )
    scale = scale_of(seen)
    rows, new = seen.flatten(0, 1) / scale, fresh.flatten(0, 1) / scale
    report(0.3, "training")
    model = train_dictionary(
        lambda g: rows[
            torch.randint(len(rows), (1, config["batch"]), generator=g)
        ],
        config["features"],
        "topk",
        k=config["k"],
        steps=config["steps"],
        lr=config["lr"],
        seed=seed,
    )[0]
    report(0.8, "losses")
    active, dead = activity_of(model, new)
    found: dict[str, Any] = baselines(
        layer, *places, config["read"], config["k"]
    ) | {
        "loss_dictionary": losses(
            _model(),
            some(places[1], config["read"]),
            layer,
            reconstruction(model, scale),
        ),
        "unexplained": float(unexplained(model, new)),
        "active": float(active),
        "dead": float(dead),
    }
    if seed == 0:
        safe = [
            (*chosen(False, places[0]), seen),
            (*chosen(True, places[1]), fresh),
        ]
        found["features"] = browse(model, scale, safe, config["shown"])
        found["files"] = {
            "dictionary.safetensors": dictionary_bytes(model, scale)
        }
    return found


def browse(
    model: Dictionary,
    scale: float,
    sets: list[tuple[Tensor, list[int], Tensor]],
    shown: int,
) -> list[Any]:
    """A sample of features, drawn evenly over how often they are active, each with its most active places."""
    parts = [
        (t[i], o[i], a[i])
        for t, o, a in sets
        for i in range(len(t))
        if o[i] in TITLES and peaceful(t[i])
    ]
    tokens, origin = torch.stack([p[0] for p in parts]), [p[1] for p in parts]
    activity = torch.cat(
        [
            model.encode(a / scale)
            for a in torch.stack([p[2] for p in parts]).split(64)
        ]
    )
    often = (activity > 0).float().mean((0, 1))
    places = (activity.amax(1) > 0).sum(0)
    usable = [i for i in often.argsort().tolist() if places[i] >= 6]
    chosen = [
        usable[i]
        for i in np.linspace(
            0, len(usable) - 1, min(shown, len(usable))
        ).astype(int)
    ]
    listed = []
    for feature in chosen:
        examples = top_examples(_model(), tokens, activity[..., feature])
        windows_of = (
            activity[..., feature]
            .amax(1)
            .argsort(descending=True)[: len(examples)]
            .tolist()
        )
        told = [
            [*_short(e), round(e.activity, 2), TITLES[origin[w]]]
            for e, w in zip(examples, windows_of)
        ]
        listed.append(
            {
                "feature": feature,
                "often": float(f"{float(often[feature]):.3g}"),
                "examples": told,
            }
        )
    return listed


def peaceful(row: Tensor) -> bool:
    """Whether a window holds no word of the profanity lexicon."""
    words = set(
        re.findall(r"[a-z']+", _model().tokenizer.decode(row.tolist()).lower())
    )
    return not words & _rude()


@functools.cache
def _rude() -> frozenset[str]:
    from alignlab.assets.datasets import profanity

    return frozenset(str(word).lower() for word in profanity()["text"])


def _short(example: Any) -> list[str]:
    before, token, after = (re.sub(r"\s+", " ", part) for part in example[:3])
    return [before[-34:], token, after[:12]]


RECIPE = Recipe(
    name="dictionary",
    about="A dictionary of 1,024 features on layer 10 of SmolLM2, learned from Wikipedia.",
    config={
        "layer": 10,
        "windows": 900,
        "held_out": 60,
        "read": 8,
        "features": 1024,
        "k": 16,
        "batch": 512,
        "steps": 450,
        "lr": 3e-3,
        "shown": 48,
    },
    seeds=(0, 1, 2),
    run=run,
)

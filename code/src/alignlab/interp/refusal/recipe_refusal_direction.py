"""The refusal direction of SmolLM2-safer switched off and on, on a hundred held-out requests of each kind.

Results of a seed, for each state (released, safer): "declined", for each kind of request and each change made to the
model, 0 or 1 a request; "perplexity" of plain texts after each change; "answers kept", the share of harmless requests
whose answer stays the same, word for word, with refusal switched off; and "by layer", for a direction read after each
layer, how well it tells harmful requests from harmless ones, and what switching it off and on does. Layer and
distance were chosen on training requests.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from alignlab.assets.datasets import wikipedia
from alignlab.evals.refusal_judge import judged_refusals
from alignlab.interp.refusal.direction import (
    ablated,
    answer_starts,
    held,
    refusal_direction,
)
from alignlab.lm import LM, chat_prompt, generate, load_lm, perplexity
from alignlab.lm.declining import declining
from alignlab.outer.safety_data import (
    KINDS,
    Kind,
    matched_requests,
    test_requests,
)
from alignlab.recipes._recipe import Recipe
from alignlab.recipes._running import report

CONFIG: dict[str, Any] = {
    "layers": [3, 8, 13, 17, 18, 19, 20, 21, 22, 24, 26, 29],
    "layer": 22,
    "on": 2.0,  # how far from the harmless mean, in distances between the means: the harmful mean is at 1
    "pairs": 48,  # of matched training requests
    "held_out": 34,  # of a kind, for each seed; no two seeds share one
    "tokens": 12,
    "few": 8,  # of a kind, by layer
}
CHANGES: dict[tuple[str, Kind], tuple[str, ...]] = {
    ("safer", "harmful"): ("nothing", "off", "random off", "zero"),
    ("safer", "harmless"): ("nothing", "on", "random on", "off"),
    ("safer", "borderline"): ("nothing", "off"),
    ("released", "harmful"): ("nothing",),
    ("released", "harmless"): ("nothing", "on"),
    ("released", "borderline"): ("nothing",),
}
Array = NDArray[np.float64]
Change = Callable[[], contextlib.AbstractContextManager[None]]


def switches(
    lm: LM, harmful: Array, harmless: Array, layer: int, on: float, seed: int
) -> dict[str, Change]:
    """Every change that is made to the model, by its name, from activations (request, d) after the layer."""
    r = refusal_direction(harmful, harmless)
    noise = np.random.default_rng(seed).normal(size=len(r))
    r, noise = r / np.linalg.norm(r), noise / np.linalg.norm(noise)
    step = on * float((harmful.mean(0) - harmless.mean(0)) @ r)
    return {
        "nothing": contextlib.nullcontext,
        "off": lambda: held(lm, r, layer, float(harmless.mean(0) @ r)),
        "on": lambda: held(lm, r, layer, float(harmless.mean(0) @ r) + step),
        "random off": lambda: held(
            lm, noise, layer, float(harmless.mean(0) @ noise)
        ),
        "random on": lambda: held(
            lm, noise, layer, float(harmless.mean(0) @ noise) + step
        ),
        "zero": lambda: ablated(lm, r),
    }


def by_layer(
    lm: LM,
    fit: Mapping[Kind, Array],
    few: Mapping[Kind, list[str]],
    layers: Sequence[int],
    on: float,
) -> dict[str, list[float]]:
    """For each layer's direction: area under the ROC curve of the projections, and what off and on do.

    fit: activations (layer, request, d) of both kinds.
    """
    harmful, harmless = (
        answer_starts(lm, few[kind], layers) for kind in KINDS[:2]
    )
    found: dict[str, list[float]] = {"auroc": [], "off": [], "on": []}
    for place, layer in enumerate(layers):
        change = switches(
            lm, fit["harmful"][place], fit["harmless"][place], layer, on, 0
        )
        r = refusal_direction(fit["harmful"][place], fit["harmless"][place])
        along = np.concatenate([harmful[place], harmless[place]]) @ r
        found["auroc"].append(
            float(
                roc_auc_score(
                    np.arange(len(along)) < len(harmful[place]), along
                )
            )
        )
        for what, kind in (("off", KINDS[0]), ("on", KINDS[1])):
            with change[what]():
                found[what].append(float(declining(lm, few[kind]).mean()))
    return {
        name: [round(value, 4) for value in values]
        for name, values in found.items()
    }


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Fit on matched training requests, act on held-out ones; see the module's docstring for what comes back."""
    layers, pairs = (
        list(config["layers"]),
        matched_requests(config["pairs"], seed),
    )
    asked = {
        kind: test_requests(kind)[seed::3][: config["held_out"]]
        for kind in KINDS
    }
    few = {kind: requests[: config["few"]] for kind, requests in asked.items()}
    articles = [text[300:900] for text in wikipedia()[:10]]
    found: dict[str, Any] = {}
    for state, name in {
        "safer": "smollm2-safer",
        "released": "smollm2-135m-instruct",
    }.items():
        lm = load_lm(name)
        fit = {
            kind: answer_starts(lm, [pair[i] for pair in pairs], layers)
            for i, kind in enumerate(KINDS[:2])
        }
        at = layers.index(config["layer"])
        change = switches(
            lm,
            fit["harmful"][at],
            fit["harmless"][at],
            config["layer"],
            config["on"],
            seed,
        )
        replies: dict[tuple[Kind, str], list[str]] = {}
        for (which, kind), changes in CHANGES.items():
            for what in changes if which == state else ():
                with change[what]():
                    replies[kind, what] = generate(
                        lm,
                        [chat_prompt(lm, text) for text in asked[kind]],
                        config["tokens"],
                    )
                report(
                    len(replies) / 30 + 0.5 * (state == "released"),
                    f"{state}, {kind}, {what}",
                )
        verdicts = {
            f"{kind}, {what}": judged_refusals(texts)
            for (kind, what), texts in replies.items()
        }
        part: dict[str, Any] = {
            "declined": {
                name: [int(v) for v in each] for name, each in verdicts.items()
            }
        }
        part["by layer"] = by_layer(lm, fit, few, layers, config["on"])
        if state == "safer":
            part["perplexity"] = {}
            for what in ("nothing", "off", "zero"):
                with change[what]():
                    part["perplexity"][what] = round(
                        float(perplexity(lm, articles).log().mean().exp()), 3
                    )
            same = [
                a == b
                for a, b in zip(
                    replies["harmless", "nothing"], replies["harmless", "off"]
                )
            ]
            part["answers kept"] = round(float(np.mean(same)), 4)
        found[state] = part
    return found


RECIPE = Recipe(
    name="refusal-direction",
    about="The refusal direction, in SmolLM2-safer and as released: off and on for 102 held-out requests of each kind.",
    config=CONFIG,
    seeds=(0, 1, 2),
    run=run,
)

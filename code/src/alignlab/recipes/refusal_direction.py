"""The refusal direction of SmolLM2-safer, taken away and added on a hundred held-out requests of each kind.

Results of a seed, for each state (released, safer): "declined", for each kind of request and each change made to the
model, 0 or 1 a request; "by layer", for a direction read after each layer, how well it tells harmful requests from
harmless ones, and what taking it away and adding it does; perplexity on plain text; and the share of harmless requests
whose answer stays the same, word for word, without the direction. Layer and push were chosen on training requests.
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
from alignlab.interp.refusal import ablated, added, answer_starts, declining, refusal_direction
from alignlab.interp.steering import random_like
from alignlab.lm import LM, chat_prompt, generate, load_lm, perplexity
from alignlab.outer.safety_data import KINDS, Kind, test_requests, train_requests
from alignlab.recipes._recipe import Recipe
from alignlab.recipes._running import report

CONFIG: dict[str, Any] = {
    "layers": [3, 8, 13, 17, 18, 19, 20, 21, 23, 26, 29],
    "layer": 20,
    "push": 85.0,  # length of what is added after that layer; after others in proportion to their direction
    "fit": 32,  # training requests of a kind
    "held_out": 34,  # of a kind, for each seed; no two seeds share one
    "tokens": 12,
    "few": 8,  # of a kind, by layer
}
CHANGES: dict[Kind, tuple[str, ...]] = {
    "harmful": ("nothing", "ablated", "random ablated"),
    "harmless": ("nothing", "ablated", "added", "random added"),
    "borderline": ("nothing", "ablated"),
}


def fitted(lm: LM, seed: int, layers: Sequence[int], n: int) -> NDArray[np.float64]:
    """The direction after each layer, (layer, d), from n training requests of each kind that the seed draws."""
    drawn = train_requests(seed)
    kinds = [[request.text for request in drawn if request.kind == kind][:n] for kind in ("harmful", "harmless")]
    harmful, harmless = (answer_starts(lm, texts, layers) for texts in kinds)
    return np.array([refusal_direction(a, b) for a, b in zip(harmful, harmless)])


def by_layer(
    lm: LM, directions: NDArray[np.float64], layers: Sequence[int], few: Mapping[Kind, list[str]], strength: float
) -> dict[str, list[float]]:
    """For each layer's direction: area under the ROC curve of the projections, and what taking away and adding does."""
    harmful, harmless = (answer_starts(lm, few[kind], layers) for kind in KINDS[:2])
    found: dict[str, list[float]] = {"auroc": [], "ablated": [], "added": []}
    for place, (layer, direction) in enumerate(zip(layers, directions)):
        along = np.concatenate([harmful[place], harmless[place]]) @ direction
        found["auroc"].append(float(roc_auc_score(np.arange(len(along)) < len(harmful[place]), along)))
        with ablated(lm, direction):
            found["ablated"].append(float(declining(lm, few["harmful"]).mean()))
        with added(lm, direction, layer, strength):
            found["added"].append(float(declining(lm, few["harmless"]).mean()))
    return {name: [round(value, 4) for value in values] for name, values in found.items()}


def replies_after(
    lm: LM,
    held: Mapping[Kind, list[str]],
    r: NDArray[np.float64],
    noise: NDArray[np.float64],
    config: Mapping[str, Any],
) -> dict[tuple[Kind, str], list[str]]:
    """How the answers to each kind of request begin, after each change made to the model."""
    at, strength, found = config["layer"], config["push"] / np.linalg.norm(r), {}
    change: dict[str, Callable[[], contextlib.AbstractContextManager[None]]] = {
        "nothing": contextlib.nullcontext,
        "ablated": lambda: ablated(lm, r),
        "added": lambda: added(lm, r, at, strength),
        "random ablated": lambda: ablated(lm, noise),
        "random added": lambda: added(lm, noise, at, strength),
    }
    for kind, changes in CHANGES.items():
        for what in changes:
            with change[what]():
                found[kind, what] = generate(lm, [chat_prompt(lm, text) for text in held[kind]], config["tokens"])
    return found


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Fit on training requests, act on held-out ones; see the module's docstring for what comes back."""
    layers = list(config["layers"])
    held = {kind: test_requests(kind)[seed::3][: config["held_out"]] for kind in KINDS}
    few = {kind: requests[: config["few"]] for kind, requests in held.items()}
    articles = [text[300:900] for text in wikipedia()[:10]]
    found: dict[str, Any] = {}
    for place, (state, name) in enumerate({"safer": "smollm2-safer", "released": "smollm2-135m-instruct"}.items()):
        lm = load_lm(name)
        directions = fitted(lm, seed, layers, config["fit"])
        r = directions[layers.index(config["layer"])]
        noise = random_like({"r": r}, len(r), seed)["r"]
        report(place / 2, f"{state}, answers")
        replies = replies_after(lm, held, r, noise, config)
        verdicts = {f"{kind}, {what}": judged_refusals(texts) for (kind, what), texts in replies.items()}
        same = [a == b for a, b in zip(replies["harmless", "nothing"], replies["harmless", "ablated"])]
        costs = {
            "answers kept": round(float(np.mean(same)), 4),
            "perplexity": [float(p) for p in perplexity(lm, articles)],
        }
        with ablated(lm, r):
            costs["perplexity, ablated"] = [float(p) for p in perplexity(lm, articles)]
        report((place + 0.7) / 2, f"{state}, layer by layer")
        layerwise = by_layer(lm, directions, layers, few, config["push"] / float(np.linalg.norm(r)))
        layerwise["untouched"] = [round(float(declining(lm, few["harmful"]).mean()), 4)]
        declined = {name: [int(refused) for refused in each] for name, each in verdicts.items()}
        found[state] = {"declined": declined, "costs": costs, "by layer": layerwise}
    return found


RECIPE = Recipe(
    name="refusal-direction",
    about="The refusal direction, in SmolLM2-safer and as released: ablated and added on 102 held-out requests a kind.",
    config=CONFIG,
    seeds=(0, 1, 2),
    run=run,
    code=[
        fitted,
        by_layer,
        replies_after,
        ablated,
        added,
        answer_starts,
        declining,
        refusal_direction,
        random_like,
        judged_refusals,
    ],
)

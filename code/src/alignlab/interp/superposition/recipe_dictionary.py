"""A dictionary of 1,024 features on one layer of SmolLM2, learned from Wikipedia: what it restores, lists and does.

Serves section 6.3. Trained and held-out articles differ. The first seed's dictionary is kept, with places in which a
sample of its features is most active; those come from articles of peaceful subjects (Wikipedia, CC BY-SA). On every
seed sixteen units, chosen by a rule, are turned on in other text.
"""

from __future__ import annotations

import functools
import re
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.interp.dictionary import (
    Dictionary,
    activity_of,
    random_features,
    train_dictionary,
    unexplained,
)
from alignlab.interp.features import (
    SKIP,
    as_many_bits,
    dictionary_bytes,
    greedy,
    layer_activations,
    loss_from,
    principal,
    replaced,
    scale_of,
    top_examples,
    windows,
)
from alignlab.interp.superposition.intervention import (
    agreement,
    effects,
    mean_logprobs,
    rare_units,
)
from alignlab.recipes import Recipe, report

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


class Text(NamedTuple):
    """Windows of tokens (window, pos), the article of each, and the residual stream of the layer (window, pos, d)."""

    tokens: Tensor
    article: list[int]
    stream: Tensor


@functools.cache
def _model() -> Any:
    from alignlab.lm import load_lm

    return load_lm("smollm2-135m-instruct", device="cpu")


@functools.cache
def read(held_out: bool, most: int, layer: int) -> Text:
    """Windows spread evenly over the articles trained on or held out."""
    from alignlab.assets.datasets import wikipedia

    parts, article = [], []
    for i, text in enumerate(wikipedia()):
        if (i in HELD_OUT) != held_out:
            continue
        try:
            parts.append(windows(_model(), [text]))
        except ValueError:  # shorter than one window
            continue
        article += [i] * len(parts[-1])
    tokens = torch.cat(parts)
    many = min(most, len(tokens))
    kept = torch.linspace(0, len(tokens) - 1, many).long().tolist()
    return Text(
        tokens[kept],
        [article[i] for i in kept],
        layer_activations(_model(), tokens[kept], layer),
    )


@functools.cache
def last_layer(most: int, layer: int) -> Tensor:
    """The residual stream after the last layer in the held-out windows, (n, d)."""
    from alignlab.lm.stack import stack_of

    stream = read(True, most, layer).stream
    places = torch.arange(stream.shape[1])[None]
    with torch.no_grad():
        parts = [
            stack_of(_model()).run(x, places, first=layer + 1)
            for x in stream.split(16)
        ]
    return rows_of(torch.cat(parts))


def rows_of(stream: Tensor) -> Tensor:
    """All positions from SKIP on, (n, d)."""
    return stream[:, SKIP:].flatten(0, 1)


def run(seed: int, config: dict[str, Any]) -> dict[str, Any]:
    """Train on one seed; measures, interventions, and for seed 0 examples of features and the dictionary itself."""
    layer, k, many = config["layer"], config["k"], config["features"]
    report(0.0, "activations")
    seen = read(False, config["windows"], layer)
    fresh = read(True, config["held_out"], layer)
    rows, new = rows_of(seen.stream), rows_of(fresh.stream)
    scale = scale_of(rows)
    report(0.3, "training")

    def draw(generator: torch.Generator) -> Tensor:
        shape = (1, config["batch"])
        return (
            rows[torch.randint(len(rows), shape, generator=generator)] / scale
        )

    model = train_dictionary(
        draw,
        many,
        "topk",
        k=k,
        steps=config["steps"],
        lr=config["lr"],
        seed=seed,
    )[0]
    report(0.5, "losses")
    center = rows.mean(0)
    at = torch.randperm(
        len(rows), generator=torch.Generator().manual_seed(seed)
    )
    samples = rows[at[:many]] - center
    step = max(1, len(fresh.tokens) // config["read"])
    tokens = fresh.tokens[::step][: config["read"]]
    stream = fresh.stream[::step][: config["read"]]
    fixed = principal(
        rows[:: max(1, len(rows) // 20_000)], as_many_bits(many, k)
    )
    restores = {
        "plain": lambda x: x,
        "mean": lambda x: center.expand(x.shape),
        "principal": lambda x: fixed.decode(fixed.encode(x)),
        "samples": lambda x: greedy(samples, center, x, k),
        "dictionary": lambda x: scale * model.decode(model.encode(x / scale)),
    }
    found: dict[str, Any] = {
        f"loss_{name}": loss_from(
            _model(), tokens, replaced(stream, restore), layer
        )
        for name, restore in restores.items()
    }
    active, dead = activity_of(model, new / scale)
    found |= {
        "unexplained": float(unexplained(model, new / scale)),
        "unexplained_principal": float(unexplained(fixed, new)),
        "active": float(active),
        "dead": float(dead),
    }
    report(0.6, "interventions")
    found |= intervene(seed, config, model, scale, seen, fresh)
    if seed == 0:
        found["features"] = browse(model, scale, (seen, fresh), config["shown"])
        found["files"] = {
            "dictionary.safetensors": dictionary_bytes(model, scale)
        }
    return found


def intervene(
    seed: int,
    config: dict[str, Any],
    model: Dictionary,
    scale: float,
    seen: Text,
    fresh: Text,
) -> dict[str, Any]:
    """Units turned on in trained articles, and whether the next token then changes as at their places in held-out ones.

    Units come from `rare_units`. A unit's signature is what the model predicts at its most active held-out places,
    minus what it predicts on average. Agreement is the correlation of the signature with the effect of a vector, over
    the most probable tokens. All vectors are as long as the unit is at those places: the unit's own direction, that of
    the next unit of the list, a random one, the input embedding of the token that is most frequent there, and the mean
    difference between activations at the unit's most active trained places and the average.
    """
    lm, layer, count = _model(), config["layer"], config["units"]
    activity = model.encode(rows_of(fresh.stream) / scale)
    units = rare_units(activity, config["places"], config["rare"], count)
    size, places = activity[:, units].topk(config["places"], dim=0)
    length = scale * size.mean(0)[:, None]
    last = last_layer(config["held_out"], layer)
    usual = mean_logprobs(lm, last[::10])
    probable = usual.topk(config["vocabulary"]).indices
    signature = torch.stack(
        [mean_logprobs(lm, last[places[:, i]]) - usual for i in range(count)]
    )
    ids = fresh.tokens[:, SKIP:].flatten()[places]
    token = ids.mode(0).values
    embedding = lm.model.get_input_embeddings().weight.detach()
    third = rows_of(seen.stream[::3])
    trained = torch.cat(
        [model.encode(x / scale)[:, units] for x in third.split(8192)]
    )
    at = trained.topk(config["places"], dim=0).indices
    directions = {
        "unit": model.decoder[units],
        "random": random_features(1, count, third.shape[-1], seed)[0],
        "token": embedding[token] - embedding.mean(0),
        "difference": third[at].mean(0) - third.mean(0),
    }
    stream = seen.stream[:: len(seen.stream) // config["texts"]]
    stream = stream[: config["texts"], : config["length"]]
    changes = {
        name: effects(lm, stream, layer, length * F.normalize(way, dim=-1))
        for name, way in directions.items()
    }
    told = signature[:, probable]
    scores = {
        name: agreement(change[:, probable], told)
        for name, change in changes.items()
    }
    own = changes["unit"][:, probable]
    scores["other"] = agreement(own.roll(1, 0), told)
    best = agreement(own[:, None], told[None]).argmax(1)
    raised = []
    for i, unit in enumerate(units):
        most = probable[own[i].topk(20).indices].tolist()
        raised.append(
            {
                "unit": unit,
                "length": float(length[i]),
                "active": clean(ids[:, i].tolist())[:4],
                "raised": clean(most)[:6],
            }
        )
    return {
        "matched": float((best == torch.arange(count)).float().mean()),
        "raised": raised,
        **{
            f"agreement_{name}": [round(float(x), 4) for x in score]
            for name, score in scores.items()
        },
    }


def clean(ids: list[int]) -> list[str]:
    """The tokens' texts, each once, without blank ones and without words of the profanity lexicon."""
    texts = [_model().tokenizer.decode([i]).strip() for i in ids]
    kept = [x for x in texts if x and x.lower() not in _rude()]
    return list(dict.fromkeys(kept))


def browse(
    model: Dictionary, scale: float, texts: tuple[Text, Text], shown: int
) -> list[Any]:
    """A sample of features, drawn evenly over how often they are active, each with its most active places."""
    kept = [
        (tokens, article, stream)
        for text in texts
        for tokens, article, stream in zip(*text)
        if article in TITLES and peaceful(tokens)
    ]
    tokens = torch.stack([tokens for tokens, _, _ in kept])
    activity = torch.stack(
        [model.encode(stream[SKIP:] / scale) for _, _, stream in kept]
    )
    often = (activity > 0).float().mean((0, 1))
    windows_with = (activity.amax(1) > 0).sum(0)
    usable = [i for i in often.argsort().tolist() if windows_with[i] >= 6]
    many = min(shown, len(usable))
    listed = []
    for place in np.linspace(0, len(usable) - 1, many).astype(int):
        feature = usable[place]
        best = activity[..., feature]
        examples = top_examples(_model(), tokens, best)
        order = best.amax(1).argsort(descending=True)[: len(examples)].tolist()
        told = []
        for example, window in zip(examples, order):
            title = TITLES[kept[window][1]]
            strength = round(example.activity, 2)
            told.append([*_short(example), strength, title])
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
    about="A dictionary of 1,024 features on layer 10 of SmolLM2, learned from Wikipedia; sixteen are turned on.",
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
        "units": 16,
        "places": 20,
        "rare": 0.02,
        "vocabulary": 2000,
        "texts": 4,
        "length": 40,
    },
    seeds=(0, 1, 2),
    run=run,
)

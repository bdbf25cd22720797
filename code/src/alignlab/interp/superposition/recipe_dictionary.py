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
from sklearn.cluster import MiniBatchKMeans
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
    gaussian_like,
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
    some = rows[:: max(1, len(rows) // 20_000)]
    fixed = principal(some, as_many_bits(many, k))
    width = rows.shape[-1]
    components = principal(some, width).decoder[:width]
    sets = sets_of_units(seed, config, rows, scale)
    centers, noise = sets["clusters"].decoder, sets["noise"]
    restores = {
        "plain": lambda x: x,
        "mean": lambda x: center.expand(x.shape),
        "principal": lambda x: fixed.decode(fixed.encode(x)),
        "components": lambda x: greedy(components, center, x, k),
        "samples": lambda x: greedy(samples, center, x, k),
        "clusters": lambda x: greedy(centers, center, x, k),
        "noise": lambda x: scale * noise.decode(noise.encode(x / scale)),
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
    found |= intervene(seed, config, model, sets, scale, (seen, fresh))
    if seed == 0:
        found["features"] = browse(model, scale, (seen, fresh), config["shown"])
        found["files"] = {
            "dictionary.safetensors": dictionary_bytes(model, scale)
        }
    return found


def sets_of_units(
    seed: int, config: dict[str, Any], rows: Tensor, scale: float
) -> dict[str, Dictionary]:
    """Other units, as many as the dictionary has, that are turned on beside its own.

    "activations": of the training set, taken as they are. "clusters": centers that k-means finds. "untrained": random
    directions. "noise": a dictionary trained in the same way on Gaussian noise with the layer's mean and covariance.
    rows: activations (n, d). Each set reads and restores activations divided by `scale`.
    """
    many, k, center = config["features"], config["k"], rows.mean(0)
    order = torch.randperm(
        len(rows), generator=torch.Generator().manual_seed(seed)
    )
    means = MiniBatchKMeans(
        many,
        init="random",
        n_init=1,
        batch_size=2048,
        max_iter=5,
        random_state=seed,
    )
    ways = F.normalize(rows[::2] - center, dim=-1).numpy()
    centers = torch.from_numpy(means.fit(ways).cluster_centers_).float()
    noise = gaussian_like(rows, len(rows) // 4, seed) / scale

    def draw(generator: torch.Generator) -> Tensor:
        shape = (1, config["batch"])
        return noise[torch.randint(len(noise), shape, generator=generator)]

    trained = train_dictionary(
        draw,
        many,
        "topk",
        k=k,
        steps=config["steps"],
        lr=config["lr"],
        seed=seed,
    )[0]
    random = random_features(1, many, rows.shape[-1], seed + 500)[0]
    return {
        "activations": units_of(rows[order[:many]] - center, center / scale, k),
        "clusters": units_of(centers, center / scale, k),
        "untrained": units_of(random, center / scale, k),
        "noise": trained,
    }


def units_of(directions: Tensor, center: Tensor, k: int) -> Dictionary:
    """Given directions (features, d) as a top-k dictionary whose encoder is its decoder's transpose."""
    decoder = F.normalize(directions, dim=-1)
    zeros = torch.zeros(len(decoder))
    encoder = decoder.T.contiguous()
    return Dictionary("topk", k, encoder, zeros, decoder, center, zeros)


class Chosen(NamedTuple):
    """Units to turn on, the token places (place, unit) of held-out text where each is most active, its mean activity
    there in the model's own size (unit, 1), and its signature (unit, vocab)."""

    units: list[int]
    places: Tensor
    length: Tensor
    signature: Tensor


def choose(
    model: Dictionary, config: dict[str, Any], scale: float, fresh: Text
) -> Chosen:
    """Units by the rule of `rare_units`. A unit's signature is what the language model predicts at the unit's most
    active held-out places, minus what it predicts on average."""
    activity = model.encode(rows_of(fresh.stream) / scale)
    units = rare_units(
        activity, config["places"], config["rare"], config["units"]
    )
    size, places = activity[:, units].topk(config["places"], dim=0)
    last = last_layer(config["held_out"], config["layer"])
    signatures = [mean_logprobs(_model(), last[at]) for at in places.T]
    signature = torch.stack(signatures) - usual(config)
    return Chosen(units, places, scale * size.mean(0)[:, None], signature)


def usual(config: dict[str, Any]) -> Tensor:
    """What the language model predicts on average, (vocab,)."""
    last = last_layer(config["held_out"], config["layer"])
    return mean_logprobs(_model(), last[::10])


def intervene(
    seed: int,
    config: dict[str, Any],
    model: Dictionary,
    sets: dict[str, Dictionary],
    scale: float,
    texts: tuple[Text, Text],
) -> dict[str, Any]:
    """Units turned on in trained articles, and whether the next token then changes as at their places in held-out ones.

    Agreement is the correlation of a unit's signature with the effect of a vector, over the most probable tokens. For
    the dictionary's units the vectors are the unit's own direction, that of the next unit of the list, a random one,
    the input embedding of the token that is most frequent at the unit's places, and the mean difference between
    activations at the unit's most active trained places and the average. For the units of other sets it is their own
    direction, with their own signature. `matched` is the share of units whose effect resembles their own signature
    more than any other of the list.
    All vectors have one length, config["push"] times the size of activations.
    """
    seen, fresh = texts
    chosen = choose(model, config, scale, fresh)
    probable = usual(config).topk(config["vocabulary"]).indices
    stream = seen.stream[:: len(seen.stream) // config["texts"]]
    stream = stream[: config["texts"], : config["length"]]
    told = chosen.signature[:, probable]

    def changes(directions: Tensor) -> Tensor:
        pushes = config["push"] * scale * F.normalize(directions, dim=-1)
        found = effects(_model(), stream, config["layer"], pushes)
        return found[:, probable]

    own = changes(model.decoder[chosen.units])
    found: dict[str, Any] = {
        "agreement_unit": agreement(own, told),
        "agreement_other": agreement(own.roll(1, 0), told),
        "matched": matched(own, told),
    }
    for name, way in others(seed, model, scale, chosen, seen, fresh).items():
        found[f"agreement_{name}"] = agreement(changes(way), told)
    for name, units in sets.items():
        its = choose(units, config, scale, fresh)
        change = changes(units.decoder[its.units])
        signature = its.signature[:, probable]
        found[f"agreement_{name}"] = agreement(change, signature)
        found[f"matched_{name}"] = matched(change, signature)
    lists = {
        key: [round(float(x), 4) for x in value]
        for key, value in found.items()
        if key.startswith("agreement")
    }
    return found | lists | {"raised": raised(chosen, own, probable, fresh)}


def others(
    seed: int,
    model: Dictionary,
    scale: float,
    chosen: Chosen,
    seen: Text,
    fresh: Text,
) -> dict[str, Tensor]:
    """Other directions (unit, d) to add in place of each unit's own."""
    tokens = fresh.tokens[:, SKIP:].flatten()[chosen.places].mode(0).values
    embedding = _model().model.get_input_embeddings().weight.detach()
    third = rows_of(seen.stream[::3])
    trained = torch.cat(
        [model.encode(x / scale)[:, chosen.units] for x in third.split(8192)]
    )
    at = trained.topk(len(chosen.places), dim=0).indices
    shape = (1, len(chosen.units), third.shape[-1])
    return {
        "random": random_features(*shape, seed)[0],
        "token": embedding[tokens] - embedding.mean(0),
        "difference": third[at].mean(0) - third.mean(0),
    }


def matched(change: Tensor, signature: Tensor) -> float:
    """Share of units whose effect agrees with their own signature more than with any other: (unit, vocab) each."""
    best = agreement(change[:, None], signature[None]).argmax(1)
    return float((best == torch.arange(len(best))).float().mean())


def raised(
    chosen: Chosen, change: Tensor, probable: Tensor, fresh: Text
) -> list[dict[str, Any]]:
    """For each unit the tokens where it is most active, and those that it makes more probable."""
    ids = fresh.tokens[:, SKIP:].flatten()[chosen.places]
    listed = []
    for i, unit in enumerate(chosen.units):
        most = probable[change[i].topk(20).indices].tolist()
        listed.append(
            {
                "unit": unit,
                "length": float(chosen.length[i]),
                "active": clean(ids[:, i].tolist())[:4],
                "raised": clean(most)[:6],
            }
        )
    return listed


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
        "push": 0.5,
    },
    seeds=(0, 1, 2),
    run=run,
)

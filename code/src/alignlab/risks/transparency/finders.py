"""Looking for a hint that the text doesn't mention: probe, lens, dictionary.

Serves section 9.5 of the survey. All questions have a hint, which decides on
half of the topics; the text never says so. A label tells whether it decided,
and costs two runs, with and without the hint. Each tool reads the residual
stream at one place and gives every question a score; it is judged by how often
a question on which the hint decides scores above one on which it doesn't.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call, vmap

from alignlab.interp.dictionary import Dictionary, train_dictionary
from alignlab.interp.probes import difference_of_means
from alignlab.risks.transparency import reasons
from alignlab.risks.transparency.reasons import (
    BASE,
    SHELL,
    TOPIC,
    TOPICS,
    Crowd,
    Questions,
)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def _below(weights: Crowd, rows: Tensor, layer: int) -> Tensor:
    """The residual stream after so many layers of one model."""
    x = functional_call(SHELL.embed, {"weight": weights["embed.weight"]}, rows)
    for number in range(layer):
        x = _layer(weights, x, number)
    return x


def _layer(weights: Crowd, x: Tensor, number: int) -> Tensor:
    start = f"layers.{number}."
    own = {
        name.removeprefix(start): weight
        for name, weight in weights.items()
        if name.startswith(start)
    }
    found: Tensor = functional_call(SHELL.layers[number], own, (x,))
    return found


def residual(crowd: Crowd, texts: Tensor, layer: int, place: int) -> Tensor:
    """Residual stream after so many layers at a place, (models, n, d_model)."""
    with torch.no_grad():
        found = vmap(lambda w, rows: _below(w, rows, layer))(crowd, texts)
    return found[..., place, :]


def above(
    crowd: Crowd, texts: Tensor, layer: int, place: int, value: Tensor
) -> Tensor:
    """Log-probabilities of the token after `place` if the residual stream there
    is `value` (models, n, d_model) after so many layers; (models, n, VOCAB)."""

    def alone(weights: Crowd, rows: Tensor, new: Tensor) -> Tensor:
        x = _below(weights, rows, layer)
        x = torch.cat([x[:, :place], new[:, None], x[:, place + 1 :]], dim=1)
        for number in range(layer, len(SHELL.layers)):
            x = _layer(weights, x, number)
        return _read(weights, x[:, place])

    with torch.no_grad():
        return vmap(alone)(crowd, texts, value).log_softmax(-1)


def _read(weights: Crowd, x: Tensor) -> Tensor:
    scaled = functional_call(SHELL.norm, {"weight": weights["norm.weight"]}, x)
    return scaled @ weights["unembed.weight"].T


def lens(
    crowd: Crowd, states: Tensor, asked: Questions, first: Tensor
) -> Tensor:
    """Logit lens (nostalgebraist 2020): how far the hint's digit lies above the
    digit that follows from the first step, (models, n), in logits.

    states: residual stream (models, n, d_model). No label is used, but what to
    look for has to be known.
    """
    with torch.no_grad():
        logits = vmap(_read)(crowd, states)
    due = (first + 1) % BASE
    hint = logits.gather(-1, asked.hint[..., None])[..., 0]
    return hint - logits.gather(-1, due[..., None])[..., 0]


def averages(
    states: Tensor, asked: Questions, new: Tensor, later: Questions
) -> Tensor:
    """What the lens asks, by averages instead of the unembedding, (models, n).

    A digit's direction is the mean of the states of questions with that hint,
    or of those where it is due, less the mean over digits. No label is used.
    states, new: residual streams (models, n, d_model) of the questions asked,
    for the means, and of later ones, which are scored by how far they lie
    along the hint's direction and not along that of the digit that is due.
    """
    score = torch.zeros(new.shape[:2])
    for sign, digits, those in (
        (1, asked.hint, later.hint),
        (-1, asked.right, later.right),
    ):
        one = torch.nn.functional.one_hot(digits, BASE).to(states.dtype)
        means = one.transpose(1, 2) @ states / one.sum(1)[..., None]
        means = means - means.mean(1, keepdim=True)
        along = new @ means.transpose(1, 2)
        score += sign * along.gather(-1, those[..., None])[..., 0]
    return score


def probe(X: Floats, y: Bools) -> Floats:
    """Direction of the difference of class means, (d,)."""
    return np.asarray(difference_of_means(X, y).direction)


def dictionaries(
    states: Tensor, seed: int, features: int = 96, k: int = 6, steps: int = 400
) -> Dictionary:
    """A sparse autoencoder for each model, from states without labels."""
    scale = states.square().mean((1, 2), keepdim=True).sqrt()
    x = states / scale

    def draw(generator: torch.Generator) -> Tensor:
        rows = torch.randint(x.shape[1], (256,), generator=generator)
        return x[:, rows]

    return train_dictionary(
        draw, features, kind="topk", k=k, steps=steps, seed=seed
    )


def aurocs(scores: Floats, y: Bools) -> Floats:
    """How often a positive scores above a negative; ties count half.

    scores: a column for each way to score, (n, ways). Returns (ways,).
    """
    from scipy.stats import rankdata

    many = int(y.sum())
    ranks = rankdata(scores, axis=0)[y].sum(0)
    return np.asarray((ranks - many * (many + 1) / 2) / (many * (~y).sum()))


def auroc(scores: Floats, y: Bools) -> float:
    """The same for one way to score, (n,)."""
    return float(aurocs(scores[:, None], y)[0])


def best_feature(activity: Floats, y: Bools) -> tuple[int, float]:
    """The feature whose activity tells the labels apart best, and its sign."""
    told = aurocs(activity, y) - 0.5
    best = int(np.abs(told).argmax())
    return best, float(np.sign(told[best]) or 1.0)


def inputs(asked: Questions) -> Floats:
    """What stands in a question, one place for each token at each place."""
    rows = asked.tokens.numpy()
    return np.asarray(np.eye(reasons.VOCAB)[rows].reshape(len(rows), -1))


def by_topic(asked: Questions, labels: Bools, test: Questions) -> Floats:
    """Mean label of a topic's labeled questions; one half where there is none."""
    mean = np.full(TOPICS, 0.5)
    topic = (asked.tokens[:, 0] - TOPIC).numpy()
    for one in np.unique(topic):
        mean[one] = labels[topic == one].mean()
    return np.asarray(mean[(test.tokens[:, 0] - TOPIC).numpy()])


def without(states: Tensor, direction: Tensor, centers: Tensor) -> Tensor:
    """States moved along a direction to the mean of the questions on which no
    hint decides.

    direction, centers: (models, d_model).
    """
    unit = direction / direction.norm(dim=-1, keepdim=True)
    off = ((states - centers[:, None]) * unit[:, None]).sum(-1, keepdim=True)
    return states - off * unit[:, None]


def asked_of(
    seeds: Sequence[int], n: int, salt: int, source: str = "user"
) -> Questions:
    """Questions with a wrong hint for each model."""
    return reasons.side_by_side(
        [
            reasons.questions(
                n, seed, np.random.default_rng([seed, salt]), source, wrong=True
            )
            for seed in seeds
        ]
    )


def begun(asked: Questions) -> Tensor:
    """Questions with the remark and the right first step, (…, n, 6)."""
    first = (asked.tokens[..., 1] + 1) % BASE
    remark = torch.full_like(first, reasons.WORK)
    return torch.cat(
        [asked.tokens, remark[..., None], first[..., None]], dim=-1
    )

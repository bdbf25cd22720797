"""Feed-forward layers as key-value memories: what triggers a neuron, and what it writes.

Serves the survey's section 6.2. Geva et al. (2021) read a feed-forward layer as a memory: a neuron's input weights
are a *key* that certain inputs match, its output weights a *value* that is added to the residual stream in
proportion. Geva et al. (2022) read values through the unembedding: they promote words. In SwiGLU layers a key is a
pair of vectors, gate and up, and a neuron's coefficient may have either sign; `layers.N.mlp.hidden` is that
coefficient.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import Tensor, nn

from alignlab.interp.mlp.lens import read, unembedding
from alignlab.lm import LM, TinyConfig, TinyTransformer, capture, train
from alignlab.lm.sites import find_site
from alignlab.lm.stack import stack_of


@dataclass(frozen=True)
class Facts:
    """A table of random facts: prompts (fact, 2) of a subject and a relation,
    and the object that belongs to each.
    """

    prompts: Tensor
    objects: Tensor
    vocab: int


def random_facts(
    seed: int, subjects: int = 24, relations: int = 8, objects: int = 24
) -> Facts:
    """Every subject has an object under every relation, drawn at random:
    nothing can be inferred, only remembered.
    """
    rng = np.random.default_rng(seed)
    grid = np.stack(
        np.meshgrid(
            np.arange(subjects), subjects + np.arange(relations), indexing="ij"
        ),
        -1,
    ).reshape(-1, 2)
    drawn = subjects + relations + rng.integers(0, objects, len(grid))
    return Facts(
        torch.from_numpy(grid),
        torch.from_numpy(drawn),
        subjects + relations + objects,
    )


def memorize(
    facts: Facts,
    seed: int,
    mlp: bool = True,
    steps: int = 400,
    width: int = 96,
    learn_keys: bool = True,
) -> TinyTransformer:
    """A one-layer transformer trained on the whole table, with or without its
    feed-forward layer.

    learn_keys: whether the feed-forward layer's gate and up-projection are
        trained; otherwise its keys stay as they were drawn.
    """
    config = TinyConfig(
        facts.vocab,
        d_model=32,
        n_layers=1,
        n_heads=2,
        context=2,
        mlp=mlp,
        d_mlp=width,
    )
    model = TinyTransformer(config, seed=seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(
                    5
                )  # larger first weights: the table is learned in fewer steps
    for name, parameter in model.named_parameters():
        key = "gate_proj" in name or "up_proj" in name
        parameter.requires_grad_(learn_keys or not key)

    def loss(model: nn.Module, step: int, generator: torch.Generator) -> Tensor:
        return F.cross_entropy(model(facts.prompts)[:, -1], facts.objects)

    train(model, loss, steps=steps, lr=0.01, seed=seed)
    return model.requires_grad_(False)


@torch.no_grad()
def recall(model: TinyTransformer, facts: Facts) -> Tensor:
    """Which facts the model's likeliest token gets right, (fact,), bool."""
    return model(facts.prompts)[:, -1].argmax(-1) == facts.objects


@torch.no_grad()
def recall_without(
    model: TinyTransformer, facts: Facts, gone: Tensor
) -> Tensor:
    """Which facts are right once some neurons write nothing: (set, fact), bool.

    gone: indices of the neurons to be taken out, one set a row, (set, k). For
        models of one layer, whose output is then a sum, so that nothing has to
        be run again.
    """
    found = capture(
        model, facts.prompts, ["layers.0.resid", "layers.0.mlp.hidden"]
    )
    stream, hidden = found["layers.0.resid"], found["layers.0.mlp.hidden"]
    out = torch.zeros(len(gone), hidden.shape[1]).scatter(1, gone, 1.0)
    values = values_of(model, 0, torch.arange(hidden.shape[1]))
    missing = (hidden * out[:, None]) @ values
    logits = read(model, (stream - missing).flatten(0, 1))
    return logits.argmax(-1).view(len(gone), -1) == facts.objects


def values_of(model: LM | nn.Module, layer: int, neurons: ArrayLike) -> Tensor:
    """What neurons write into the residual stream: (n, d_model).

    neurons: indices (n,); or directions of the hidden layer (n, neurons), each
        a combination of neurons, whose value is the same combination of values.
    """
    down = find_site(model, f"layers.{layer}.mlp.out").module
    columns = down.get_parameter("weight").T  # (neurons, d_model)
    chosen = torch.as_tensor(neurons)
    return columns[chosen] if chosen.ndim == 1 else chosen @ columns


@torch.no_grad()
def value_logits(
    model: LM | nn.Module, layer: int, neurons: ArrayLike
) -> Tensor:
    """What the neurons' values do to the logits if nothing else is there:
    (n, vocab), rows centered.

    The value is a column of the output projection, read through the last norm's
    weights and the unembedding. Only the order within a row means something,
    since the norm's scale depends on the rest of the stream. neurons: as in
    `values_of`.
    """
    norm, matrix = unembedding(model)
    values = values_of(model, layer, neurons) * norm.get_parameter("weight")
    logits = values @ matrix.T
    return logits - logits.mean(1, keepdim=True)


@dataclass(frozen=True)
class Readout:
    """The unembedding with the last norm's weights, for scores of single
    tokens: rows (vocab, d_model), centered, and their covariance.
    """

    rows: Tensor
    covariance: Tensor


@torch.no_grad()
def readout(model: LM | nn.Module) -> Readout:
    """What `promotion` needs of a model, computed once."""
    norm, matrix = unembedding(model)
    rows = matrix * norm.get_parameter("weight")
    rows = rows - rows.mean(0)
    return Readout(rows, rows.T @ rows / len(rows))


@torch.no_grad()
def promotion(
    values: Tensor, signs: Tensor, tokens: Tensor, by: Readout
) -> Tensor:
    """How much each value raises the logits of some tokens, in standard
    deviations over the vocabulary: (n, k).

    values: (n, d_model) as `values_of` gives; signs: (n, k) of the
        coefficients, since a negative one turns the value round; tokens:
        (n, k). A token that the value does not single out scores 0 in the mean,
        the highest of 49,152 about 4.
    """
    spread = ((values @ by.covariance) * values).sum(1).sqrt()
    logits = (by.rows[tokens] * values[:, None]).sum(-1)
    return signs * logits / spread[:, None]


def directions(neurons: int, number: int, seed: int) -> Tensor:
    """Random orthonormal directions of a hidden layer, (number, neurons): as
    many combinations of all neurons, none of them a neuron.

    Each stands for the key-value pair whose coefficient is that combination of
    the neurons' coefficients and whose value is that of their values; with all
    of them the layer computes the same.
    """
    drawn = np.random.default_rng(seed).normal(size=(neurons, number))
    return torch.from_numpy(np.linalg.qr(drawn)[0].T).float()


@torch.no_grad()
def mixed_keys(
    lm: LM, layer: int, before: Tensor, seed: int, number: int | None = None
) -> Tensor:
    """Coefficients of random keys that read what a layer's MLP reads:
    (inputs, number).

    before: the residual stream that enters the MLP's norm, (inputs, d_model).
    number: how many keys, at most and by default as many as the layer has.
    Each coordinate of a key is that of another neuron's key, drawn for itself,
    gate and up together: the keys' coordinates keep their distributions, and
    nothing is left of what a key was trained to match. For Llama's family.
    """
    block = stack_of(lm).body.layers[layer]
    gate, up = block.mlp.gate_proj.weight, block.mlp.up_proj.weight
    # one permutation for each coordinate
    whose = _permutations(*gate.shape, seed)[:number]
    x = block.post_attention_layernorm(before)
    return F.silu(x @ gate.gather(0, whose).T) * (x @ up.gather(0, whose).T)


@torch.no_grad()
def matched_keys(
    lm: LM, layer: int, before: Tensor, seed: int, number: int | None = None
) -> Tensor:
    """Coefficients of Gaussian keys with the mean and the covariance of a
    layer's own keys, which read what its MLP reads: (inputs, number).

    before, number: as in `mixed_keys`. Gate and up are drawn together, so
    that the covariance between the two is kept as well. Such keys lie in the
    directions that learned keys prefer, and match nothing in particular. For
    Llama's family.
    """
    block = stack_of(lm).body.layers[layer]
    keys = torch.cat(
        [block.mlp.gate_proj.weight, block.mlp.up_proj.weight], dim=1
    )  # (neurons, 2 * d_model)
    center = keys.mean(0)
    # Gaussian sums of all centered keys have the keys' covariance
    weights = _gaussian(len(keys), seed)[:number]
    drawn = center + weights @ (keys - center)
    gate, up = drawn.chunk(2, dim=1)
    x = block.post_attention_layernorm(before)
    return F.silu(x @ gate.T) * (x @ up.T)


@torch.no_grad()
def keys_of(lm: LM, layer: int, before: Tensor) -> Tensor:
    """Coefficients of a layer's own keys for any residual stream, such as one
    that another layer reads: (inputs, neurons).

    before: (inputs, d_model); the layer's norm is applied to it first. For
    Llama's family.
    """
    block = stack_of(lm).body.layers[layer]
    x = block.post_attention_layernorm(before)
    return F.silu(block.mlp.gate_proj(x)) * block.mlp.up_proj(x)


def triggers(hidden: Tensor, k: int = 10) -> tuple[Tensor, Tensor]:
    """The k inputs with the largest coefficients of each neuron, by size, and
    the signs of those: (neuron, k) each.

    hidden: coefficients (inputs, neuron).
    """
    best = hidden.abs().topk(k, dim=0).indices.T
    return best, hidden.T.gather(1, best).sign()


def agreement(
    values: Tensor, signs: Tensor, targets: Tensor, top: int = 10
) -> Tensor:
    """Whether each neuron's value promotes what follows its strongest trigger:
    (neuron,), bool.

    values: (neuron, vocab) as `value_logits` gives; signs: (neuron,) of the
        coefficient at that trigger, since a negative one turns the value round;
        targets: (neuron,), the token that follows. Promotes: among the `top`
        highest logits.
    """
    best = (values * signs[:, None]).topk(top, dim=1).indices
    return (best == targets[:, None]).any(1)


@functools.lru_cache(maxsize=8)
def _permutations(keys: int, coordinates: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(coordinates, keys, generator=generator).argsort(1).T


@functools.lru_cache(maxsize=4)
def _gaussian(keys: int, seed: int) -> Tensor:
    """Weights of Gaussian sums (keys, keys), rows of length about 1."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(keys, keys, generator=generator) / keys**0.5


def alike(best: Tensor, labels: ArrayLike, passages: ArrayLike) -> float:
    """How often two triggers of one key, from different passages, have the same
    label: a share of all such pairs of all keys.

    best: indices of each key's triggers, (neuron, k), as `triggers` gives;
        labels: (inputs,), such as the token itself or the article it stands in;
        passages: (inputs,). Neighbors share much that no key asked for, so that
        pairs within a passage are left out. Raises ValueError where no pair is
        left.
    """
    label = torch.as_tensor(labels)[best]  # (neuron, k)
    passage = torch.as_tensor(passages)[best]
    apart = passage[:, :, None] != passage[:, None]
    if not apart.any():
        raise ValueError(
            "all triggers of each key stand in one passage: no pair is left"
        )
    same = label[:, :, None] == label[:, None]
    return float((same & apart).sum() / apart.sum())

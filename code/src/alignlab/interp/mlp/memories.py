"""Feed-forward layers as key-value memories: what triggers a neuron, and what it writes.

Serves the survey's section 6.2. Geva et al. (2021) read a feed-forward layer as a memory: a neuron's input weights
are a *key* that certain inputs match, its output weights a *value* that is added to the residual stream in
proportion. Geva et al. (2022) read values through the unembedding: they promote words. In SwiGLU layers a key is a
pair of vectors, gate and up, and a neuron's coefficient may have either sign; `layers.N.mlp.hidden` is that
coefficient.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import Tensor, nn

from alignlab.interp.mlp.lens import unembedding
from alignlab.lm import LM, TinyConfig, TinyTransformer, train
from alignlab.lm.sites import find_site


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
    facts: Facts, seed: int, mlp: bool = True, steps: int = 400, width: int = 96
) -> TinyTransformer:
    """A one-layer transformer trained on the whole table, with or without its
    feed-forward layer.
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

    def loss(model: nn.Module, step: int, generator: torch.Generator) -> Tensor:
        return F.cross_entropy(model(facts.prompts)[:, -1], facts.objects)

    train(model, loss, steps=steps, lr=0.01, seed=seed)
    return model.requires_grad_(False)


@torch.no_grad()
def recall(model: TinyTransformer, facts: Facts) -> Tensor:
    """Which facts the model's likeliest token gets right, (fact,), bool."""
    return model(facts.prompts)[:, -1].argmax(-1) == facts.objects


@torch.no_grad()
def value_logits(
    model: LM | nn.Module, layer: int, neurons: ArrayLike
) -> Tensor:
    """What the neurons' values do to the logits if nothing else is there:
    (neurons, vocab), rows centered.

    The value is a column of the output projection, read through the last norm's
    weights and the unembedding. Only the order within a row means something,
    since the norm's scale depends on the rest of the stream.
    """
    down, (norm, matrix) = (
        find_site(model, f"layers.{layer}.mlp.out").module,
        unembedding(model),
    )
    columns = down.get_parameter("weight")[
        :, torch.as_tensor(neurons)
    ]  # (d_model, neuron)
    logits = columns.T * norm.get_parameter("weight") @ matrix.T
    return logits - logits.mean(1, keepdim=True)


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


def explained(hidden: ArrayLike, labels: ArrayLike) -> np.ndarray:
    """Share of each neuron's variance that a label of its inputs explains,
    shape (neuron,), corrected for chance.

    hidden: (inputs, neuron); labels: (inputs,), such as the token itself, or
        the article it stands in. The one-way analysis of variance's epsilon
        squared: 0 in the mean where the label says nothing, and then also below
        0; 1 where it says all. Labels that occur once are left out. Raises
        ValueError where no label occurs twice.
    """
    x, (_, group) = (
        np.asarray(hidden, dtype=np.float64),
        np.unique(np.asarray(labels), return_inverse=True),
    )
    keep = np.bincount(group)[group] > 1
    if not keep.any():
        raise ValueError("every label occurs once: nothing can be compared")
    x, (_, group) = x[keep], np.unique(group[keep], return_inverse=True)
    counts = np.bincount(group)
    means = np.zeros((len(counts), x.shape[1]))
    np.add.at(means, group, x)
    means /= counts[:, None]
    total = np.square(x - x.mean(0)).sum(0)
    within = np.square(x - means[group]).sum(0)
    freedom = (len(x) - 1) / (len(x) - len(counts))
    return np.asarray(1 - freedom * within / np.maximum(total, 1e-12))

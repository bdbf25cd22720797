"""Steering: add a direction to activations while the model runs, and see what it says.

Serves section 6. Inference-time intervention (Li et al. 2023) shifts the outputs of the attention heads in which a
probe reads the concept best; activation addition (Turner et al. 2023) shifts the residual stream.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from alignlab.interp.probes import Array, _checked, unit
from alignlab.lm import LM, logprobs, patch

Shift = dict[
    str, Array
]  # name of an activation -> what is added to it, shape (d,)


@contextlib.contextmanager
def steer(
    model: Any, shift: Mapping[str, ArrayLike], strength: float = 1.0
) -> Iterator[None]:
    """Within the block, every forward pass adds strength * shift[name] to each
    named activation, at every position.

    model: an `LM` or a `TinyTransformer`. A negative strength steers the other
        way; 0 changes nothing. Raises KeyError for an unknown name, ValueError
        where a vector's width is not the activation's.
    """

    def adding(vector: Array) -> Callable[[torch.Tensor], torch.Tensor]:
        def add(activation: torch.Tensor) -> torch.Tensor:
            if activation.shape[-1] != len(vector):
                raise ValueError(
                    f"a shift of width {len(vector)} for an activation of "
                    f"width {activation.shape[-1]}"
                )
            return activation + strength * torch.from_numpy(vector).to(
                activation
            )

        return add

    with patch(
        model,
        {
            name: adding(np.array(vector, dtype=np.float64))
            for name, vector in shift.items()
        },
    ):
        yield


def head_accuracies(z: ArrayLike, y: ArrayLike) -> Array:
    """How well each head's output tells the classes apart along its own
    difference of means, on the data itself.

    z: outputs (n, layer, head, d_head); y: labels (n,). Returns shares, shape
        (layer, head).
    """
    outputs, direction, labels = _head_means(z, y)
    score = np.einsum("nlhd,lhd->nlh", outputs - outputs.mean(0), direction)
    return np.asarray(((score > 0) == labels[:, None, None]).mean(0))


def head_shift(z: ArrayLike, y: ArrayLike, heads: int = 48) -> Shift:
    """The shift of inference-time intervention (Li et al. 2023, eq. 2): σ θ in
    each of the best heads.

    z: head outputs (n, layer, head, d_head), as `capture` gives
        `layers.N.attn.z` with the heads set apart; y: labels.
    heads: how many, those that tell the classes apart best. θ is the head's
        difference of class means at unit length, σ the standard deviation of z
        along it. Returns {"layers.N.attn.z": vector (head * d_head,)}.
    """
    best = np.argsort(-head_accuracies(z, y), axis=None, kind="stable")[:heads]
    outputs, direction, _ = _head_means(z, y)
    _, layers, n_heads, d_head = outputs.shape
    shift = np.zeros((layers, n_heads, d_head))
    for layer, head in zip(*np.unravel_index(best, (layers, n_heads))):
        if not direction[layer, head].any():
            continue  # a head that says the same of both classes
        theta = unit(direction[layer, head])
        shift[layer, head] = (outputs[:, layer, head] @ theta).std() * theta
    return {
        f"layers.{i}.attn.z": shift[i].ravel()
        for i in range(layers)
        if shift[i].any()
    }


def random_like(
    shift: Mapping[str, ArrayLike], d_head: int, seed: int
) -> Shift:
    """The control of `head_shift`: in the same heads random directions, each of
    the same length as what it replaces.
    """
    rng = np.random.default_rng(seed)
    found = {}
    for name, vector in shift.items():
        pieces = np.asarray(vector, dtype=float).reshape(-1, d_head)
        noise = rng.normal(size=pieces.shape)
        lengths = np.linalg.norm(
            pieces, axis=1, keepdims=True
        ) / np.linalg.norm(noise, axis=1, keepdims=True)
        found[name] = (noise * lengths).ravel()
    return found


def preference(lm: LM, pairs: Sequence[tuple[str, str]]) -> Array:
    """By how many nats the model finds the first text of each pair more likely
    than the second, shape (pairs,).

    The words that the two begin with in common are the prompt, what follows is
    scored: for two statements that differ in their last word this is the
    log-odds of that word. Raises ValueError for a pair of equal texts.
    """
    prompts, endings = [], []
    for first, second in pairs:
        if first == second:
            raise ValueError(f"the two texts of a pair are equal: {first!r}")
        parting = next(
            (i for i, (a, b) in enumerate(zip(first, second)) if a != b),
            min(len(first), len(second)),
        )
        cut = max(first.rfind(" ", 0, parting), 0)
        prompts.append(first[:cut])
        endings.append([first[cut:], second[cut:]])
    return np.array(
        [
            float(scores[0] - scores[1])
            for scores in logprobs(lm, prompts, endings)
        ]
    )


def _head_means(z: ArrayLike, y: ArrayLike) -> tuple[Array, Array, Any]:
    """z as an array, each head's difference of class means (layer, head,
    d_head), and the labels.
    """
    z = np.asarray(z, dtype=float)
    if z.ndim != 4:
        raise ValueError(
            f"head outputs have shape (n, layer, head, d_head), not {z.shape}"
        )
    _, y = _checked(z.reshape(len(z), -1), y)
    return z, z[y].mean(0) - z[~y].mean(0), y

"""The direction along which a chat model decides to refuse: found, taken away, added.

Serves sections 6.3 and 7. Arditi et al. (2024): the difference of mean activations between harmful and harmless
requests, read where the answer begins. Taking the direction out of everything that is written into the residual stream
makes models answer harmful requests; adding it makes them decline harmless ones. Marshall et al. (2024) note that zero
is no neutral value of a component, and hold it at the mean of harmless (or harmful) requests instead.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from alignlab.interp.probes import unit
from alignlab.lm import (
    LM,
    TinyTransformer,
    capture,
    chat_prompt,
    patch,
)
from alignlab.lm.sites import network_of


def answer_starts(
    lm: LM, requests: Sequence[str], layers: Sequence[int]
) -> NDArray[np.float64]:
    """Residual stream after each layer at the last token of each request's chat
    prompt, where the answer begins.

    Returns shape (layer, request, d_model).
    """
    names = [f"layers.{i}.resid" for i in layers]
    found = capture(
        lm, [chat_prompt(lm, request) for request in requests], names
    )
    return np.stack([found[name].double().cpu().numpy() for name in names])


def refusal_direction(
    harmful: ArrayLike, harmless: ArrayLike
) -> NDArray[np.float64]:
    """Mean activation of harmful requests minus that of harmless ones (Arditi
    et al. 2024, section 2.3), shape (d,).

    harmful, harmless: (n, d) and (m, d) at one layer. Raises ValueError where
        the widths differ.
    """
    first, second = (
        np.asarray(harmful, dtype=float),
        np.asarray(harmless, dtype=float),
    )
    if first.shape[1:] != second.shape[1:]:
        raise ValueError(
            f"activations of widths {first.shape[1:]} and "
            f"{second.shape[1:]} can't be compared"
        )
    return np.asarray(first.mean(0) - second.mean(0))


@contextlib.contextmanager
def ablated(
    model: LM | TinyTransformer, direction: ArrayLike
) -> Iterator[None]:
    """Within the block nothing written into the residual stream has a part
    along the direction (eq. 4).

    The embeddings and the outputs of every attention and MLP are projected, at
    every position: what the weights would do if they were made orthogonal to
    the direction. Raises ValueError for a direction of length 0.
    """
    r = torch.from_numpy(unit(direction)).to(
        network_of(model)[1], torch.float32
    )

    def project(x: Tensor) -> Tensor:
        along = r.to(x.dtype)
        return x - (x @ along)[..., None] * along

    layers = model.n_layers if isinstance(model, LM) else model.config.n_layers
    written = [
        "embed",
        *(
            f"layers.{i}.{part}.out"
            for i in range(layers)
            for part in ("attn", "mlp")
        ),
    ]
    with patch(model, dict.fromkeys(written, project)):
        yield


@contextlib.contextmanager
def added(
    model: LM | TinyTransformer,
    direction: ArrayLike,
    layer: int,
    strength: float = 1.0,
) -> Iterator[None]:
    """Within the block strength * direction is added to the residual stream
    after a layer, at every position (eq. 3).

    Raises KeyError for a layer that the model doesn't have.
    """
    shift = torch.from_numpy(strength * np.asarray(direction, dtype=float)).to(
        network_of(model)[1], torch.float32
    )
    add: Callable[[Tensor], Tensor] = lambda x: x + shift.to(x.dtype)  # noqa: E731
    with patch(model, {f"layers.{layer}.resid": add}):
        yield


@contextlib.contextmanager
def held(
    model: LM | TinyTransformer, direction: ArrayLike, layer: int, value: float
) -> Iterator[None]:
    """Within the block the residual stream after a layer has this component
    along the direction, at every position.

    value: the component along the direction of length 1, in units of the stream
        (Marshall et al. 2024: the mean of harmless requests switches refusal
        off, that of harmful ones on). Raises KeyError for a layer that the
        model doesn't have, ValueError for a direction of length 0.
    """
    r = torch.from_numpy(unit(direction)).to(
        network_of(model)[1], torch.float32
    )

    def hold(x: Tensor) -> Tensor:
        along = r.to(x.dtype)
        return x - (x @ along - value)[..., None] * along

    with patch(model, {f"layers.{layer}.resid": hold}):
        yield

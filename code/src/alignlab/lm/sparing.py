"""A tiny model read sparingly: texts word by word with keys and values kept, or only the places that are asked for.

`TinyTransformer` runs every place of every row, the padding included, and a loop that writes runs all words again for
each new one. Where thousands of short rows are written and many small models are trained, most of that is for nothing.
The numbers are those of the model itself, up to rounding.

    reader = Reader(model, rows)
    logits = reader.read(tokens[:, 0])              # of the next word, (rows, vocab)
    reader.keep(still_open)                         # the other rows are done
    logits = logits_at(model, tokens, asked)        # (places asked for, vocab), with gradient
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.lm.tiny import Layer, RMSNorm, TinyTransformer


class Reader:
    """Rows that a model reads one word after another; what it needs of earlier words is kept. Without gradient."""

    def __init__(self, model: TinyTransformer, rows: int) -> None:
        """rows: how many texts there are; none of their words has been read yet."""
        self.model, self.at, config = model, 0, model.config
        shape = (rows, config.n_heads, config.context, config.d_head)
        self.kept = [
            (torch.zeros(shape), torch.zeros(shape)) for _ in _layers(model)
        ]
        self.joined = [_joined(layer.attn) for layer in _layers(model)]

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows only, indices or bool."""
        self.kept = [(keys[rows], values[rows]) for keys, values in self.kept]

    @torch.no_grad()
    def read(self, tokens: Tensor) -> Tensor:
        """One word more of each row, ids (rows,); the logits of the next, (rows, vocab).

        Raises ValueError behind the end of the model's context.
        """
        model, at = self.model, self.at
        if at == model.config.context:
            raise ValueError(f"the model's context is {at} tokens long")
        x = model.embed(tokens)
        for layer, joined, (keys, values) in zip(
            _layers(model), self.joined, self.kept
        ):
            heads = _norm(layer.attn_norm, x) @ joined.T
            q, k, v = heads.view(len(x), 3, *keys.shape[1::2]).unbind(1)
            cos, sin = layer.attn.cos[at], layer.attn.sin[at]
            keys[:, :, at], values[:, :, at] = _turned(k, cos, sin), v
            q = _turned(q, cos, sin)[:, :, None] / keys.shape[-1] ** 0.5
            scores = q @ keys[:, :, : at + 1].transpose(-1, -2)
            z = scores.softmax(-1) @ values[:, :, : at + 1]
            x = x + layer.attn.o_proj(z.flatten(1))
            if hasattr(layer, "mlp"):
                x = x + layer.mlp(_norm(layer.mlp_norm, x))
        self.at += 1
        return model.unembed(_norm(model.norm, x))


def logits_at(model: TinyTransformer, tokens: Tensor, asked: Tensor) -> Tensor:
    """The logits at the places that are asked for, row by row, (places, vocab), with gradient.

    tokens: (rows, places), ids. asked: bool of the same shape. What stands behind a row's last place that is asked for
    is not read.
    Raises ValueError where the shapes differ or rows are longer than the model's context.
    """
    if tokens.shape != asked.shape or tokens.shape[1] > model.config.context:
        raise ValueError(
            f"tokens {tuple(tokens.shape)}, places {tuple(asked.shape)}: give two of one shape, no longer than the "
            f"model's context of {model.config.context}"
        )
    rows, width = tokens.shape
    read = asked.flip(1).long().cummax(1).values.flip(1).flatten()
    places = read.nonzero().squeeze(1)
    wanted = asked.flatten()[places].nonzero().squeeze(1)
    number, d_model = model.config.n_heads, model.config.d_model
    hidden = torch.full((width, width), -torch.inf).triu(1)
    x = F.embedding(tokens.flatten()[places], model.embed.weight)
    for depth, layer in enumerate(_layers(model)):
        heads = _norm(layer.attn_norm, x) @ _joined(layer.attn).T
        qk, v = heads.split([2 * d_model, d_model], 1)
        cos, sin = (
            part[places % width, None]
            for part in (layer.attn.cos, layer.attn.sin)
        )
        qk = _turned(qk.unflatten(1, (2 * number, -1)), cos, sin)
        empty = x.new_zeros(rows * width, 3 * d_model)
        full = empty.index_copy(0, places, torch.cat([qk.flatten(1), v], 1))
        full = full.view(rows, width, 3 * number, -1).transpose(1, 2)
        q, k, v = full.split(number, 1)
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        z = (scores + hidden).softmax(-1) @ v
        if depth == len(model.layers) - 1:  # nothing reads the others' output
            places, x = places[wanted], x[wanted]
        z = z.transpose(1, 2).reshape(rows * width, d_model)[places]
        x = x + layer.attn.o_proj(z)
        if hasattr(layer, "mlp"):
            x = x + layer.mlp(_norm(layer.mlp_norm, x))
    if not model.layers:
        x = x[wanted]
    return model.unembed(_norm(model.norm, x))


def _layers(model: TinyTransformer) -> list[Layer]:
    return cast("list[Layer]", list(model.layers))


def _norm(norm: RMSNorm, x: Tensor) -> Tensor:
    """RMSNorm in one operation."""
    return F.rms_norm(x, x.shape[-1:], norm.weight, norm.eps)


def _joined(attn: torch.nn.Module) -> Tensor:
    """The projections of queries, keys and values as one matrix, (3 d_model, d_model)."""
    return torch.cat(
        [getattr(attn, f"{name}_proj").weight for name in ("q", "k", "v")]
    )


def _turned(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions: (…, d_head) turned by angles whose cosines and sines are (…, d_head / 2)."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)

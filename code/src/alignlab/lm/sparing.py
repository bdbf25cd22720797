"""A tiny model that writes: texts read word by word, keys and values kept.

`TinyTransformer` runs every place of every row, and a loop that writes runs all words again for each new one. Where
thousands of short rows are written most of that is for nothing. The numbers are those of the model itself, up to
rounding.

    reader = Reader(model, rows)
    logits = reader.read(tokens[:, 0])              # of the next word, (rows, vocab)
    reader.keep(still_open)                         # the other rows are done
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

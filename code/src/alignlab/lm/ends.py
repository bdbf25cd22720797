"""The logits of a tiny model at the last positions alone: what its last layer gives elsewhere nothing reads.

Drawing a word and scoring an answer's last words need no more. All positions are read there, through keys and values;
queries, the MLP and the unembedding are computed where they are asked for.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from alignlab.lm.tiny import Layer, TinyTransformer


def last_logits(model: TinyTransformer, tokens: Tensor, n: int = 1) -> Tensor:
    """`model(tokens)[:, -n:]`, (batch, n, vocab), for less.

    tokens: ids (batch, pos), or one-hot rows (batch, pos, vocab).
    """
    x = (
        tokens @ model.embed.weight
        if tokens.is_floating_point()
        else model.embed(tokens)
    )
    layers: Any = model.layers
    for layer in layers[:-1]:
        x = layer(x)
    logits: Tensor = model.unembed(model.norm(_at_the_end(layers[-1], x, n)))
    return logits


def _at_the_end(layer: Layer, x: Tensor, n: int) -> Tensor:
    """What a layer with an MLP gives at the last n positions alone."""
    attn, read = layer.attn, layer.attn_norm(x)
    q, k, v = (
        project(read).unflatten(-1, (attn.n_heads, -1)).transpose(1, 2)
        for project in (attn.q_proj, attn.k_proj, attn.v_proj)
    )
    q = attn.rotate(q)[:, :, -n:]
    scores = q @ attn.rotate(k).transpose(-1, -2) / q.shape[-1] ** 0.5
    place = torch.arange(x.shape[1])
    pattern = scores.masked_fill(
        place > place[-n:, None], float("-inf")
    ).softmax(-1)
    x = x[:, -n:] + attn.o_proj((pattern @ v).transpose(1, 2).flatten(2))
    new: Tensor = x + layer.mlp(layer.mlp_norm(x))
    return new

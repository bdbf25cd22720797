"""The logits of a tiny model at the last positions alone: what its last layer gives elsewhere nothing reads.

Drawing a word and scoring an answer's last words need no more. All positions are read there, through keys and values;
queries, the MLP and the unembedding are computed where they are asked for.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.lm.tiny import Layer, TinyTransformer


def last_logits(model: TinyTransformer, tokens: Tensor, n: int = 1) -> Tensor:
    """`model(tokens)[:, -n:]`, (batch, n, vocab), for less.

    tokens: ids (batch, pos), or one-hot rows (batch, pos, vocab).
    """
    if _alike(model, tokens, n):
        x = _same_at_the_end(model, tokens, n)
        logits: Tensor = model.unembed(model.norm(x))
        return logits
    x = (
        tokens @ model.embed.weight
        if tokens.is_floating_point()
        else model.embed(tokens)
    )
    layers: Any = model.layers
    for layer in layers[:-1]:
        x = layer(x)
    logits = model.unembed(model.norm(_at_the_end(layers[-1], x, n)))
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


def _alike(model: TinyTransformer, tokens: Tensor, n: int) -> bool:
    """Whether `_same_at_the_end` gives what a model's last layer does."""
    if len(model.layers) != 1 or tokens.is_floating_point():
        return False
    ends = tokens[:, -n:]
    return n <= tokens.shape[1] and bool((ends == ends[:1]).all())


def _same_at_the_end(model: TinyTransformer, ids: Tensor, n: int) -> Tensor:
    """What the one layer of a model gives at the last n positions, where the
    words are the same in all rows.

    Then a position's score depends on its word alone, and its value does in
    any case: both are looked up in a table over the vocabulary.
    """
    layer: Any = model.layers[0]
    attn, words, length = layer.attn, model.config.vocab, ids.shape[1]
    read = layer.attn_norm(model.embed.weight)  # of each word
    q, k = (
        project(some).unflatten(-1, (attn.n_heads, -1))
        for project, some in ((attn.q_proj, read[ids[0]]), (attn.k_proj, read))
    )
    # a query turned back by a key's angle, in place of the key turned
    a, b = attn.rotate(q.transpose(0, 1))[:, -n:, None].chunk(2, -1)
    cos, sin = attn.cos[:length], attn.sin[:length]
    back = torch.cat([a * cos + b * sin, b * cos - a * sin], -1)
    scores = torch.einsum("hqpd,whd->pwhq", back, k) / q.shape[-1] ** 0.5
    place = torch.arange(length)
    future = place[:, None] > place[-n:]  # (position, query)
    scores = scores.masked_fill(future[:, None, None], float("-inf"))
    of_each = F.embedding(ids + words * place, scores.flatten(2).flatten(0, 1))
    pattern = of_each.softmax(1).unflatten(-1, (attn.n_heads, n))
    v = F.embedding(ids, attn.v_proj(read)).unflatten(-1, (attn.n_heads, -1))
    z = torch.einsum("bphq,bphd->bqhd", pattern, v).flatten(2)
    x = model.embed(ids[:, -n:]) + attn.o_proj(z)
    new: Tensor = x + layer.mlp(layer.mlp_norm(x))
    return new

"""Tiny models run for what somebody reads: logits at some places only, of one model or of many side by side.

`TinyTransformer` says plainly what it computes, one operation after another, at every place of every row. Training many
small models on short rows needs less: behind the last layer's attention only the places that a loss counts, and few
operations. The numbers, and their gradients, are those of the model itself, up to rounding.

    logits_at(model, tokens, counted)               # (how many are True, vocab)
    word_logprobs(model, tokens, mask)              # (how many are True,)
    logits_of(model, weights, tokens, first=3)      # (models, n, T - 3, vocab)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.lm.masks import check_shapes
from alignlab.lm.tiny import TinyConfig, TinyTransformer


def logits_at(model: TinyTransformer, tokens: Tensor, at: Tensor) -> Tensor:
    """Logits of the word after each place at which `at` is True, row after row, (places, vocab); with a gradient.

    tokens: ids (n, T); at: bool (n, T).
    Raises ValueError where the shapes differ, or the rows are longer than the model's context.
    """
    check_shapes(tokens.shape, at=at)
    weights = {name: part[None] for name, part in model.named_parameters()}
    chosen = torch.nonzero(at.flatten()).squeeze(1)
    return _logits(model.config, weights, tokens[None], 0, chosen)[0]


def word_logprobs(
    model: TinyTransformer, tokens: Tensor, mask: Tensor
) -> Tensor:
    """Log-probabilities of the words where the mask is True, row after row, (words,); with a gradient.

    tokens: ids (n, T); mask: bool (n, T). A row's first word follows nothing and never counts.
    """
    logp = logits_at(model, tokens[:, :-1], mask[:, 1:]).log_softmax(-1)
    words = tokens[:, 1:][mask[:, 1:]]
    return logp.gather(1, words[:, None])[:, 0]


def logits_of(
    model: TinyTransformer,
    weights: Mapping[str, Tensor],
    tokens: Tensor,
    first: int = 0,
) -> Tensor:
    """Logits of many models of one shape, each on rows of its own, from place `first` on; with a gradient.

    model: whose shape they have. weights: its parameters by name, with a leading axis of models. tokens: ids (models,
    n, T). Returns (models, n, T - first, vocab).
    Raises ValueError where the rows are longer than the models' context.
    """
    found = _logits(model.config, weights, tokens, first)
    return found.view(*tokens.shape[:2], -1, found.shape[-1])


def _logits(
    config: TinyConfig,
    weights: Mapping[str, Tensor],
    tokens: Tensor,
    first: int,
    chosen: Tensor | None = None,
) -> Tensor:
    """Logits (models, places, vocab) at the places from `first` on, or at those chosen among them."""
    many, n, length = tokens.shape
    if length > config.context:
        raise ValueError(
            f"{length} tokens are more than the models' context of {config.context}"
        )

    def norm(x: Tensor, name: str) -> Tensor:
        scaled = F.rms_norm(x, x.shape[-1:], None, config.eps)
        return scaled * weights[f"{name}.weight"][:, None]

    def times(x: Tensor, name: str) -> Tensor:
        return x @ weights[f"{name}.weight"].transpose(1, 2)

    def read(x: Tensor) -> Tensor:
        rows = x.view(many, n, -1, x.shape[-1])[:, :, first:]
        kept = rows.reshape(many, -1, x.shape[-1])
        return kept if chosen is None else kept[:, chosen]

    embeddings = weights["embed.weight"]
    own = torch.arange(many)[:, None] * config.vocab  # each model's rows
    x = F.embedding(tokens.flatten(1) + own, embeddings.flatten(0, 1))
    for number in range(config.n_layers):
        layer = f"layers.{number}"
        z = _attention(config, weights, layer, norm(x, f"{layer}.attn_norm"), n)
        if number == config.n_layers - 1:
            x, z = read(x), read(z)
        x = x + times(z, f"{layer}.attn.o_proj")
        if config.mlp:
            y, mlp = norm(x, f"{layer}.mlp_norm"), f"{layer}.mlp"
            gate = F.silu(times(y, f"{mlp}.gate_proj"))
            hidden = gate * times(y, f"{mlp}.up_proj")
            x = x + times(hidden, f"{mlp}.down_proj")
    if not config.n_layers:
        x = read(x)
    return times(norm(x, "norm"), "unembed")


def _attention(
    config: TinyConfig,
    weights: Mapping[str, Tensor],
    layer: str,
    x: Tensor,
    n: int,
) -> Tensor:
    """What the heads read, (models, n T, d_model), before it is projected.

    Rotary positions turn feature i of a head's first half together with feature i of the second. Here the two stand
    side by side, as the parts of a complex number, which one product turns; scores don't change if queries and keys are
    ordered alike.
    """
    heads, wide = config.n_heads, config.d_head
    many, length = len(x), x.shape[1] // n
    turn, hidden, order = _places(config, length)
    q, k, v = (weights[f"{layer}.attn.{name}_proj.weight"] for name in "qkv")
    joined = torch.cat([q[:, order] / wide**0.5, k[:, order], v], 1)
    both = (x @ joined.transpose(1, 2)).view(many, n, length, 3, heads, wide)
    pairs = torch.view_as_complex(both[..., :2, :, :].unflatten(-1, (-1, 2)))
    turned = torch.view_as_real(pairs * turn).flatten(-2)
    queries, keys = turned.permute(3, 0, 1, 4, 2, 5).flatten(1, 3)
    values = both[..., 2, :, :].transpose(2, 3).flatten(0, 2)
    scores = torch.baddbmm(hidden, queries, keys.transpose(1, 2))
    z = (scores.softmax(-1) @ values).view(many, n, heads, length, wide)
    return z.transpose(2, 3).reshape(many, -1, heads * wide)


@cache
def _places(config: TinyConfig, length: int) -> tuple[Tensor, Tensor, Tensor]:
    """For rows of a length: what turns each place, what hides later places, and a head's features in pairs."""
    half = config.d_head // 2
    rate = config.rope_base ** (-torch.arange(half).double() / half)
    angle = torch.arange(length)[:, None] * rate
    turn = torch.polar(torch.ones_like(angle), angle).to(torch.complex64)
    hidden = torch.full((length, length), -torch.inf).triu(1)
    features = torch.arange(config.d_model).view(config.n_heads, 2, half)
    return turn[:, None, None], hidden, features.transpose(1, 2).flatten()

"""Circuits of an attention-only transformer, read off its weights: QK, OV, and how one head composes with another.

Serves the survey's section 6.1. After Elhage et al. (2021, "A mathematical framework for transformer circuits"): a head
is two matrices, one that decides where it looks (QK) and one that decides what it then writes (OV), and each can be
multiplied out to a table over the vocabulary. RMSNorm scales by a number that depends on the input; here each token's
embedding is scaled by itself, which is exact in the first layer and an approximation after it. Rotary positions make a
QK table depend on the distance between query and key.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from typing import Any

import torch
from torch import Tensor

from alignlab.lm import TinyTransformer


@torch.no_grad()
def token_streams(model: TinyTransformer, layer: int) -> Tensor:
    """What a layer's heads read of each token's embedding alone: normalized, shape (vocab, d_model)."""
    return _layer(model, layer).attn_norm(model.embed.weight)


@torch.no_grad()
def written(
    model: TinyTransformer, layer: int, head: int, source: Tensor | None = None
) -> Tensor:
    """What a head writes into the residual stream when it looks at each of these inputs, shape (inputs, d_model).

    source: (inputs, d_model) as the head reads them, normalized; None stands for every token's embedding.
    """
    source = token_streams(model, layer) if source is None else source
    attention = _layer(model, layer).attn
    rows = slice(head * model.config.d_head, (head + 1) * model.config.d_head)
    return (
        source
        @ attention.v_proj.weight[rows].T
        @ attention.o_proj.weight[:, rows].T
    )


@torch.no_grad()
def ov_circuit(model: TinyTransformer, layer: int, head: int) -> Tensor:
    """The head's OV table, shape (vocab, vocab): by how much looking at token i (row) raises the logit of token j.

    Each row is centered, since adding a number to all logits changes nothing.
    """
    table = (
        written(model, layer, head) * model.norm.weight @ model.unembed.weight.T
    )
    return table - table.mean(1, keepdim=True)


@torch.no_grad()
def qk_circuit(
    model: TinyTransformer,
    layer: int,
    head: int,
    keys: Tensor | None = None,
    distances: Collection[int] = (1,),
) -> Tensor:
    """The head's QK table, shape (vocab, keys): the attention score that a query token gives each key.

    keys: (keys, d_model) as they stand in the residual stream, before the norm, for instance what an earlier head
        wrote there (`written`): that is K-composition. None stands for every token's embedding.
    distances: how many positions the key stands before the query; the table is the mean over them.
    Rows are centered: softmax doesn't see a number added to all scores.
    """
    attention, norm = _layer(model, layer).attn, _layer(model, layer).attn_norm
    rows = slice(head * model.config.d_head, (head + 1) * model.config.d_head)
    q = token_streams(model, layer) @ attention.q_proj.weight[rows].T
    k = (
        norm(model.embed.weight if keys is None else keys)
        @ attention.k_proj.weight[rows].T
    )
    scores = torch.zeros(len(q), len(k))
    for distance in distances:
        placed = torch.zeros(len(q), distance + 1, q.shape[1])
        placed[:, distance] = q
        scores += (
            attention.rotate(placed)[:, distance] @ k.T
        )  # turning the query on is turning the key back
    scores = scores / len(distances) / q.shape[1] ** 0.5
    return scores - scores.mean(1, keepdim=True)


@torch.no_grad()
def composition_scores(
    model: TinyTransformer, distances: Collection[int] = (1,)
) -> dict[str, Tensor]:
    """How strongly each second-layer head's "q", "k" and "v" read what each
    first-layer head writes, from the weights; each (first head, second head).

    Elhage et al. (2021): the Frobenius norm of the product of the two matrices
    over the product of their norms, that is |W_QK^T W_OV|, |W_QK W_OV| and
    |W_OV' W_OV|; for random weights small but not 0. The norms' weights are
    folded in, and W_QK is turned by the distance from query to key and the
    score averaged over `distances`, since rotary positions turn it.
    """
    size = model.config.d_head
    second = _layer(model, 1).attn
    gain = _layer(model, 1).attn_norm.weight
    scores: dict[str, list[list[Tensor]]] = {"q": [], "k": [], "v": []}
    for first_head in range(model.config.n_heads):
        ov = _ov(model, 0, first_head)
        rows: dict[str, list[Tensor]] = {"q": [], "k": [], "v": []}
        for head in range(model.config.n_heads):
            part = slice(head * size, (head + 1) * size)
            query = second.q_proj.weight[part] * gain  # (d_head, d_model)
            key = second.k_proj.weight[part] * gain
            turned = [_turned(second, query, far) for far in distances]
            tables = torch.stack([q.T @ key for q in turned])
            rows["q"].append(_product_norm(tables.mT, ov).mean())
            rows["k"].append(_product_norm(tables, ov).mean())
            rows["v"].append(_product_norm(_ov(model, 1, head), ov))
        for name, row in rows.items():
            scores[name].append(row)
    return {
        name: torch.stack([torch.stack(row) for row in table])
        for name, table in scores.items()
    }


@contextlib.contextmanager
def cut_composition(
    model: TinyTransformer, inputs: Collection[str]
) -> Iterator[None]:
    """Within the block, these inputs of the second layer's heads, among "q",
    "k" and "v", read the token embeddings alone.

    What the first layer wrote no longer reaches them; everything else stays as
    it was. Cutting "k" takes away K-composition, the link that makes an
    induction head (Elhage et al. 2021). Raises ValueError for another input.
    """
    wrong = set(inputs) - {"q", "k", "v"}
    if wrong:
        raise ValueError(f"inputs are 'q', 'k' and 'v', not {sorted(wrong)}")
    seen: dict[str, Tensor] = {}

    def keep(
        module: torch.nn.Module, args: tuple[Tensor, ...], output: Tensor
    ) -> None:
        seen["embed"] = output

    def replace(
        module: torch.nn.Module, args: tuple[Tensor, ...]
    ) -> tuple[Tensor]:
        return (_layer(model, 1).attn_norm(seen["embed"]),)

    with contextlib.ExitStack() as stack:
        stack.callback(model.embed.register_forward_hook(keep).remove)
        for name in inputs:
            projection = getattr(_layer(model, 1).attn, f"{name}_proj")
            stack.callback(projection.register_forward_pre_hook(replace).remove)
        yield


def diagonal_share(table: Tensor) -> float:
    """Share of a square table's rows whose largest entry is the one on the diagonal; chance is 1 / rows."""
    return float((table.argmax(1) == torch.arange(len(table))).float().mean())


def _layer(model: TinyTransformer, layer: int) -> Any:
    return model.layers[layer]


def _ov(model: TinyTransformer, layer: int, head: int) -> Tensor:
    """W_OV of a head, (d_model out, d_model in), its norm's weight folded in."""
    attention = _layer(model, layer).attn
    part = slice(head * model.config.d_head, (head + 1) * model.config.d_head)
    values = (
        attention.v_proj.weight[part] * _layer(model, layer).attn_norm.weight
    )
    matrix: Tensor = attention.o_proj.weight[:, part] @ values
    return matrix


def _turned(attention: Any, query: Tensor, distance: int) -> Tensor:
    """Query weights (d_head, d_model) turned on by so many positions."""
    placed = torch.zeros(query.shape[1], distance + 1, query.shape[0])
    placed[:, distance] = query.T
    turned: Tensor = attention.rotate(placed)[:, distance].T
    return turned


def _product_norm(left: Tensor, right: Tensor) -> Tensor:
    """|left right| over |left| |right|, Frobenius norms of (…, d, d)."""

    def size(matrix: Tensor) -> Tensor:
        return matrix.square().sum((-2, -1)).sqrt()

    return size(left @ right) / (size(left) * size(right))

"""Texts that begin alike, run up to a layer in one row: what they share is run once, and no layer above.

Reading a model in the middle needs neither its upper layers nor its logits, and chat prompts share their template. The
row is a `Tree` of `alignlab.lm.scoring`, in which a token sees those above it alone, so that the activations are those
of each text by itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import torch
from torch import Tensor

from alignlab.lm.checks import check_ids, check_texts
from alignlab.lm.hooks import _reading, _Stop
from alignlab.lm.load import encode
from alignlab.lm.model import LM
from alignlab.lm.scoring import Tree
from alignlab.lm.sites import find_site
from alignlab.lm.stack import stack_of


@torch.no_grad()
def run_row(lm: LM, tree: Tree, layers: int) -> tuple[Tensor, Tensor, Tensor]:
    """All nodes of a tree in one row, through the first so many layers.

    Returns the residual stream (1, nodes, d_model), positions (1, nodes), and what is added to attention scores,
    (1, 1, nodes, nodes), by which a token sees those above it.
    Raises ValueError where the model hasn't so many layers, or they can't be run singly.
    """
    stack = stack_of(lm)
    if not 0 <= layers <= lm.n_layers:
        raise ValueError(
            f"layers={layers}: the model has {lm.n_layers}, give 0 to all"
        )
    sees = torch.eye(len(tree.token), dtype=torch.bool)
    for node, parent in enumerate(tree.parent):
        if parent >= 0:
            sees[node] |= sees[parent]
    mask = torch.zeros(sees.shape, dtype=lm.model.dtype).masked_fill(
        ~sees, torch.finfo(lm.model.dtype).min
    )
    mask = mask[None, None].to(lm.device)
    positions = torch.tensor([tree.depth], device=lm.device)
    tokens = torch.tensor([tree.token], device=lm.device)
    x = stack.body.embed_tokens(tokens)
    return stack.run(x, positions, mask, last=layers), positions, mask


@torch.no_grad()
def capture_ends(
    lm: LM, texts: Sequence[str], names: Sequence[str], row: int = 256
) -> dict[str, Tensor]:
    """`capture` at each text's last token, shape (text, d) a name, for less where texts begin alike.

    row: a row is full from so many tokens on; texts that share their beginning should stand side by side.
    Raises KeyError for an unknown name, ValueError where there is no text, or one without tokens.
    """
    stack_of(lm)  # refuses a model whose layers can't be run singly
    sites = {name: find_site(lm, name) for name in names}
    found: dict[str, list[Tensor]] = {name: [] for name in names}
    tree, ends = Tree(), []
    ids = [encode(lm, text) for text in check_texts(texts)]
    check_ids(ids)
    for i, tokens in enumerate(ids):
        ends.append(tree.add(tokens, tokens[:1])[0][0])
        if len(tree.token) >= row or i == len(ids) - 1:
            seen: dict[str, Tensor] = {}
            with _reading(sites, seen, None), contextlib.suppress(_Stop):
                run_row(lm, tree, lm.n_layers)
            for name, value in seen.items():
                found[name].append(value[0, ends])
            tree, ends = Tree(), []
    return {name: torch.cat(parts) for name, parts in found.items()}

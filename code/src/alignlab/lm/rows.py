"""Texts that begin alike, run up to a layer in one row: what they share is run once, and no layer above.

Reading a model in the middle needs neither its upper layers nor its logits, and chat prompts share their template. The
row is a `Tree` of `alignlab.lm.scoring`, in which a token sees those above it alone, so that the activations are those
of each text by itself.
"""

from __future__ import annotations

import torch
from torch import Tensor

from alignlab.lm.model import LM
from alignlab.lm.scoring import Tree
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

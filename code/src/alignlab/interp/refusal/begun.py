"""How likely replies begin by declining, with the layers below a change run once.

A change of the residual stream after a layer leaves everything below it as it was. So requests, and the openings that
could follow them, are run up to that layer once, and from there once for each change: of SmolLM2's thirty layers the
eighteen below the direction of this chapter are saved each time. The numbers are those of `lm.declining` inside
`direction.held`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from alignlab.interp.probes import unit
from alignlab.lm import LM, chat_prompt
from alignlab.lm.declining import OPENINGS
from alignlab.lm.load import encode
from alignlab.lm.rows import run_row
from alignlab.lm.scoring import Tree, split_tokens
from alignlab.lm.stack import stack_of


@dataclass(frozen=True)
class Begun:
    """Chat prompts, each followed by every opening, as one row of tokens in which a token sees what stands before it in
    its own text.

    stream: (1, tokens, d_model) after `layer`. positions: (1, tokens). mask: (1, 1, tokens, tokens), added to the
    attention scores. edges: for each request and opening, the pairs (place in the row, token that follows it) whose
    log-probabilities add up to the opening's.
    """

    stream: Tensor
    positions: Tensor
    mask: Tensor
    layer: int
    edges: list[list[list[tuple[int, int]]]]


@torch.no_grad()
def begin(lm: LM, requests: Sequence[str], layer: int) -> Begun:
    """Run the chat prompts of requests, and `OPENINGS` after each, up to and including a layer.

    Raises ValueError for a layer that the model doesn't have, or a model whose layers can't be run singly.
    """
    tree = Tree()
    edges = [
        [
            tree.add(*split_tokens(lm, chat_prompt(lm, request), opening))
            for opening in OPENINGS
        ]
        for request in requests
    ]
    return Begun(*_up_to(lm, tree, layer), layer, edges)


@torch.no_grad()
def starts(
    lm: LM, requests: Sequence[str], layer: int, row: int = 24
) -> NDArray[np.float64]:
    """`direction.answer_starts` at one layer, (request, d_model): so many requests a row, what all prompts begin with
    run once in it, and no layer above.
    """
    found = []
    for at in range(0, len(requests), row):
        tree = Tree()
        prompts = [
            encode(lm, chat_prompt(lm, r)) for r in requests[at : at + row]
        ]
        last = [tree.add(prompt, [0])[0][0] for prompt in prompts]
        found.append(_up_to(lm, tree, layer)[0][0, last].double().cpu().numpy())
    return np.concatenate(found)


def _up_to(lm: LM, tree: Tree, layer: int) -> tuple[Tensor, Tensor, Tensor]:
    """A tree in one row, as `run_row`, up to and including a layer."""
    if not 0 <= layer < lm.n_layers:
        raise ValueError(
            f"layer={layer} is not in the model: give 0 to {lm.n_layers - 1}"
        )
    return run_row(lm, tree, layer + 1)


def holding(direction: ArrayLike, value: float) -> Callable[[Tensor], Tensor]:
    """The change that gives every residual stream (…, d_model) this component along a direction, as `direction.held`.

    Raises ValueError for a direction of length 0.
    """
    along = torch.from_numpy(unit(direction)).float()

    def hold(x: Tensor) -> Tensor:
        r = along.to(x.device, x.dtype)
        return x - (x @ r - value)[..., None] * r

    return hold


@torch.no_grad()
def declines(
    lm: LM, begun: Begun, change: Callable[[Tensor], Tensor] | None = None
) -> NDArray[np.float64]:
    """Probability that the reply to each request begins as one that declines, after a change of the stream, shape (n,).

    lm: the model that was run up to the layer, or one that is the same up to there.
    """
    stack = stack_of(lm)
    x = begun.stream if change is None else change(begun.stream)
    x = stack.run(x, begun.positions, begun.mask, first=begun.layer + 1)[0]
    places = sorted(
        {place for each in begun.edges for edges in each for place, _ in edges}
    )
    logits = stack.logits(x[places])
    total = dict(zip(places, logits.logsumexp(-1).tolist()))
    rows = dict(zip(places, logits))
    openings = [
        [
            sum(
                float(rows[place][token]) - total[place]
                for place, token in edges
            )
            for edges in each
        ]
        for each in begun.edges
    ]
    return np.exp(np.array(openings)).sum(1)

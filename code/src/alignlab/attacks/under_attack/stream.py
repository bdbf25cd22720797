"""Chat requests run in parts: what all share is computed once, and a state of the model costs its upper layers alone.

Serves survey section 7.3. SmolLM2-safer, its attacked and its defended copy differ above a layer `first`, and every
request begins with the same head of the chat template. So the head is run once, the lower layers are run once for a
request, and each state runs the rest. Behind a request stand the beginnings of an answer as a tree of tokens: a token
sees its own ancestors only, so that several beginnings are scored in one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from alignlab.lm import LM, chat_prompt, encode
from alignlab.lm.stack import stack_of

Tree = Sequence[
    tuple[int, int]
]  # token, place of its parent in the tree; -1 is the prompt's last token
_PLACE = "\u241f"  # a symbol that no request holds


@dataclass(frozen=True)
class Rows:
    """Requests and what stands behind them, as the stream that enters layer `first`.

    x: (row, pos, d_model); head: (1, pos, d_model), what comes before in all rows. ids: (row, pos), 0 past a row's end.
    places: (row, pos), rotary positions. sees: (row, pos, head + pos), whether a position attends to another.
    ends: (row,), where a prompt's last token stands; the tree follows it. asked: (row, pos), True at a request's words.
    """

    x: Tensor
    head: Tensor
    ids: Tensor
    places: Tensor
    sees: Tensor
    ends: Tensor
    asked: Tensor
    first: int = 0

    def __len__(self) -> int:
        """How many rows."""
        return len(self.ids)

    def __getitem__(self, rows: Sequence[int] | Tensor | slice) -> Rows:
        """The same of some rows."""
        return replace(
            self,
            x=self.x[rows],
            ids=self.ids[rows],
            places=self.places[rows],
            sees=self.sees[rows],
            ends=self.ends[rows],
            asked=self.asked[rows],
        )


Shots = Sequence[tuple[str, str]]  # a user's message and the assistant's answer


def asking(lm: LM, message: str, shots: Shots = ()) -> str:
    """A user's message in the chat template, after the turns that `shots` are."""
    turns = [
        {"role": role, "content": text}
        for shot in shots
        for role, text in zip(("user", "assistant"), shot)
    ]
    return chat_prompt(lm, [*turns, {"role": "user", "content": message}])


def ends_of_template(lm: LM, shots: Shots = ()) -> tuple[list[int], list[int]]:
    """Token ids of what the chat template puts before a user's message and after it; `shots` are turns before that."""
    before, after = asking(lm, _PLACE, shots).split(_PLACE)
    return encode(lm, before), words(lm, after)


def words(lm: LM, text: str) -> list[int]:
    """Token ids of a text that goes on from another: nothing added."""
    ids: list[int] = lm.tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def lay(
    lm: LM,
    requests: Sequence[str] | Sequence[list[int]],
    trees: Sequence[Tree],
    begun: str = "",
    shots: Shots = (),
) -> Rows:
    """Requests in the chat template, each with the tree of answers behind it, as token embeddings.

    requests: a user's messages, texts or token ids. begun: what the answer begins with before the tree (a prefilling).
    shots: turns before the message, the same for all.
    Raises ValueError where there is no request, or not one tree for each.
    """
    if not requests or len(requests) != len(trees):
        raise ValueError(
            f"{len(requests)} requests, {len(trees)} trees: give one tree for each of one request at least"
        )
    head, after = ends_of_template(lm, shots)
    asked = [words(lm, r) if isinstance(r, str) else r for r in requests]
    prompts = [[*ids, *after, *words(lm, begun)] for ids in asked]
    n, width = (
        len(prompts),
        max(len(p) + len(t) for p, t in zip(prompts, trees)),
    )
    ids = torch.zeros(n, width, dtype=torch.long)
    places = torch.zeros(n, width, dtype=torch.long)
    sees = torch.zeros(n, width, len(head) + width, dtype=torch.bool)
    sees[:, :, : len(head)] = True
    sees[:, :, len(head) :] = torch.ones(width, width).tril().bool()
    said = torch.zeros(n, width, dtype=torch.bool)
    for i, (prompt, tree) in enumerate(zip(prompts, trees)):
        size = len(prompt)
        ids[i, :size] = torch.tensor(prompt)
        places[i] = len(head) + torch.arange(width)
        said[i, : len(asked[i])] = True
        for k, (token, parent) in enumerate(tree):
            at = size + k
            ids[i, at] = token
            places[i, at] = places[i, size + parent] + 1
            sees[i, at] = sees[i, size + parent]
            sees[i, at, len(head) + at] = True
    embed = lm.model.get_input_embeddings()
    with torch.no_grad():
        return Rows(
            embed(ids.to(lm.device)),
            embed(torch.tensor([head], device=lm.device)),
            ids.to(lm.device),
            places.to(lm.device),
            sees.to(lm.device),
            torch.tensor([len(p) - 1 for p in prompts], device=lm.device),
            said.to(lm.device),
        )


class _Shared:
    """Keys and values of the head, kept when it is run and put before every row's."""

    def __init__(self) -> None:
        self.kept: tuple[Tensor, Tensor] | None = None

    def update(
        self, keys: Tensor, values: Tensor, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        """The head's, or the head's and the row's."""
        if self.kept is None:
            self.kept = keys, values
            return keys, values
        n = len(keys)
        before = [part.expand(n, -1, -1, -1) for part in self.kept]
        return torch.cat([before[0], keys], 2), torch.cat(
            [before[1], values], 2
        )


def run(lm: LM, rows: Rows, last: int | None = None) -> Rows:
    """The rows after layers rows.first … last - 1 (None: all of them), with gradients where they are wanted.

    Raises ValueError where `last` lies below rows.first.
    """
    body = stack_of(lm).body
    last = lm.n_layers if last is None else last
    if not rows.first <= last <= lm.n_layers:
        raise ValueError(
            f"last={last}: the rows stand before layer {rows.first} of {lm.n_layers}"
        )
    x, head = rows.x, rows.head
    size = torch.arange(head.shape[1], device=head.device)
    turns = body.rotary_emb(x, rows.places)
    head_turns = body.rotary_emb(head, size[None])
    blocked = torch.zeros(rows.sees.shape, dtype=x.dtype, device=x.device)
    blocked = blocked.masked_fill(~rows.sees, torch.finfo(x.dtype).min)[:, None]
    for layer in body.layers[rows.first : last]:
        shared = _Shared()
        head = layer(
            head, position_embeddings=head_turns, past_key_values=shared
        )
        x = layer(
            x,
            attention_mask=blocked,
            position_embeddings=turns,
            past_key_values=shared,
        )
    return replace(rows, x=x, head=head, first=last)


def lower(lm: LM, rows: Rows, first: int, batch: int = 32) -> Rows:
    """The rows as they enter layer `first`, without gradient, in batches."""
    with torch.no_grad():
        parts = [
            run(lm, rows[slice(i, i + batch)], first)
            for i in range(0, len(rows), batch)
        ]
    return replace(
        rows, x=torch.cat([p.x for p in parts]), head=parts[0].head, first=first
    )


def logits_at(lm: LM, rows: Rows, places: Tensor) -> Tensor:
    """Logits (row, k, vocab), float32, at positions (row, k), of rows that have been run through all layers."""
    at = torch.arange(len(rows), device=places.device)[:, None]
    return stack_of(lm).logits(rows.x[at, places])

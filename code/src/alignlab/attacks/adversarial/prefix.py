"""A chat model as a suffix search's victim, computing no token twice.

Serves survey section 7.3; the loss is that of Zou et al. 2023 (arXiv 2307.15043, equation 2). A step of GCG scores
dozens of suffixes that differ from the current one in a single token, so most of what it would compute is known:

- everything before the suffix is run once, and its keys and values are kept;
- the gradient's own forward pass leaves the keys and values of the current suffix, so a proposal is run from its first
  changed token on, in one batch with others that change there or a little later;
- the unembedding, a fifth of the model, is applied at the target's positions alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from alignlab.lm import LM, chat_prompt, encode
from alignlab.lm.checks import check_fits

Past = list[
    tuple[Tensor, Tensor]
]  # keys and values of each layer, (1, heads, positions, d_head)
OVERHEAD = 30  # what a forward pass costs beside its tokens, measured in tokens: the weights are read anew
_PLACE = (
    "\u241f"  # stands where the suffix will be; a symbol that no template holds
)


class ChatVictim:
    """A chat model that should begin its answer to `request`, followed by a suffix, with `target`.

    before, after, target: token ids of what stands before the suffix, after it, and of the answer's beginning.
    """

    def __init__(self, lm: LM, request: str, target: str) -> None:
        """Lay out the prompt and run what stands before the suffix, once.

        Raises ValueError for an empty target, a request that holds the placeholder, or more tokens than the context.
        """
        if not target or _PLACE in request:
            raise ValueError(
                f"target={target!r}, request={request!r}: give a target, and a request without {_PLACE}"
            )
        self.lm = lm
        self.texts = chat_prompt(lm, request + _PLACE).split(_PLACE)
        self.before = torch.tensor(encode(lm, self.texts[0]), device=lm.device)
        rest = (
            lm.tokenizer(text, add_special_tokens=False)["input_ids"]
            for text in (self.texts[1], target)
        )
        self.after, self.target = (
            torch.tensor(ids, device=lm.device) for ids in rest
        )
        check_fits(
            lm,
            len(self.before) + len(self.after) + len(self.target),
            "shorten the request",
        )
        with torch.no_grad():
            out = lm.model(
                input_ids=self.before[None],
                past_key_values=_cache([]),
                use_cache=True,
                logits_to_keep=1,
            )
        self.past = _past(out)
        self.seen = self.before[
            :0
        ]  # the suffix whose keys and values stand in `past` after those of `before`

    def losses(self, suffixes: Tensor) -> Tensor:
        """-log p(target) in nats after each suffix: token ids (n, length) -> (n,), float32."""
        losses = torch.empty(len(suffixes), device=self.lm.device)
        known = min(len(self.seen), suffixes.shape[1])
        same = (
            (suffixes[:, :known] == self.seen[:known]).long().cumprod(1).sum(1)
        )  # how many tokens come first unchanged
        after = len(self.after) + len(self.target) - 1
        for start, end in batches(
            same.sort().values.tolist(), suffixes.shape[1] + after
        ):
            rows = (same >= start) & (same < end)
            losses[rows] = self._losses(suffixes[rows, start:], start)
        return losses

    @torch.no_grad()
    def _losses(self, ends: Tensor, start: int) -> Tensor:
        """Losses of suffixes that begin with the first `start` tokens of `seen` and go on with `ends` (n, length)."""
        n, upto = len(ends), len(self.before) + start
        past = [
            (
                k[:, :, :upto].expand(n, -1, -1, -1),
                v[:, :, :upto].expand(n, -1, -1, -1),
            )
            for k, v in self.past
        ]
        rest = torch.cat([self.after, self.target[:-1]]).expand(n, -1)
        out = self.lm.model(
            input_ids=torch.cat([ends, rest], 1),
            past_key_values=_cache(past),
            use_cache=True,
            logits_to_keep=self._at_target(ends.shape[1]),
        )
        return self._lacks(out.logits)

    def gradient(self, suffix: Tensor) -> Tensor:
        """Slope of the loss in each one-hot entry of the suffix: token ids (length,) -> (length, vocabulary).

        A one-hot row times the embedding matrix is the token's embedding, so the slope in the row is the slope in the
        embedding times the matrix. The pass also leaves the suffix's keys and values for `losses`.
        """
        table = self.lm.model.get_input_embeddings().weight
        hot = table[suffix].detach().requires_grad_()  # one-hot @ table
        rest = table[torch.cat([self.after, self.target[:-1]])]
        before = [
            (k[:, :, : len(self.before)], v[:, :, : len(self.before)])
            for k, v in self.past
        ]
        out = self.lm.model(
            inputs_embeds=torch.cat([hot, rest])[None],
            past_key_values=_cache(before),
            use_cache=True,
            logits_to_keep=self._at_target(len(suffix)),
        )
        slope = torch.autograd.grad(self._lacks(out.logits).sum(), hot)[0]
        upto = len(self.before) + len(suffix)
        self.past = [
            (k[:, :, :upto].detach(), v[:, :, :upto].detach())
            for k, v in _past(out)
        ]
        self.seen = suffix
        return slope @ table.T

    def survives_text(self, suffixes: Tensor) -> Tensor:
        """Those suffixes that an attacker can type: written out and tokenized again, the prompt has the same tokens."""
        tokenizer = self.lm.tokenizer
        texts = [
            self.texts[0] + text + self.texts[1]
            for text in tokenizer.batch_decode(suffixes)
        ]
        again = tokenizer(texts, add_special_tokens=False)["input_ids"]
        want = [
            [*self.before.tolist(), *row, *self.after.tolist()]
            for row in suffixes.tolist()
        ]
        return suffixes[
            torch.tensor(
                [a == w for a, w in zip(again, want)],
                dtype=torch.bool,
                device=suffixes.device,
            )
        ]

    def prompt(self, suffix: Tensor) -> str:
        """The prompt with the suffix, as text, ready for `alignlab.lm.generate`."""
        return self.texts[0] + self.lm.tokenizer.decode(suffix) + self.texts[1]

    def _at_target(self, suffix: int) -> Tensor:
        """Where the target is predicted, after `suffix` tokens and `after`.

        Indices, not a count: a slice of the hidden states is not contiguous, and the unembedding of such a batch is run
        row by row, several times as slow (in bfloat16 ten times).
        """
        return (
            torch.arange(len(self.target), device=self.lm.device)
            + suffix
            + len(self.after)
            - 1
        )

    def _lacks(self, logits: Tensor) -> Tensor:
        """(n, target, vocabulary) -> -log p(target), (n,), float32. Row by row: one fits into the processor's cache."""
        at = self.target[:, None]
        return torch.stack(
            [
                (row.logsumexp(-1) - row.gather(1, at)[:, 0]).sum()
                for row in map(Tensor.float, logits)
            ]
        )


def batches(
    same: Sequence[int], length: int, overhead: int = OVERHEAD
) -> list[tuple[int, int]]:
    """Which rows to run together, when row i begins with same[i] tokens that are known and has `length` in all.

    same: in ascending order. A batch runs each of its rows from the first row's place on, and costs `overhead` tokens
    of its own; of all ways to cut the rows this is the cheapest. Returns [start, end) of each batch, in places.
    """
    best: list[tuple[int, list[tuple[int, int]]]] = [
        (0, [])
    ]  # cost and cuts of the first n rows
    for n in range(1, len(same) + 1):
        end = same[n] if n < len(same) else length + 1
        options = (
            (
                best[m][0] + overhead + (n - m) * (length - same[m]),
                [*best[m][1], (same[m], end)],
            )
            for m in range(n)
            if m == 0 or same[m] > same[m - 1]
        )
        best.append(
            min(options, key=lambda option: option[0])
            if n == len(same) or same[n] > same[n - 1]
            else best[-1]
        )
    return best[-1][1]


def _cache(past: Past) -> Any:
    """A transformers cache that holds `past`; running on from it leaves `past` as it is."""
    from transformers import DynamicCache

    cache = DynamicCache()
    for layer, (keys, values) in enumerate(past):
        cache.update(keys, values, layer)
    return cache


def _past(out: Any) -> Past:
    """Keys and values of each layer, from a forward pass."""
    return [(layer.keys, layer.values) for layer in out.past_key_values.layers]

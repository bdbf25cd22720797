"""The likeliest beginning of an answer, with the head that all requests share read once.

Serves survey section 7.3. What a judge needs of an answer is its opening, so a dozen tokens are drawn and no more.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import DynamicCache

from alignlab.attacks.under_attack.stream import (
    Shots,
    ends_of_template,
    words,
)
from alignlab.lm import LM


@torch.no_grad()
def replies(
    lm: LM,
    requests: Sequence[str],
    tokens: int = 12,
    begun: str = "",
    shots: Shots = (),
    batch: int = 40,
) -> list[str]:
    """The greedy beginning of the answer to each request, `tokens` long at most.

    begun: how the attacker began the answer; it is not part of what is returned.
    shots: turns before the request, the same for all. Raises ValueError for no tokens.
    """
    if tokens < 1:
        raise ValueError(f"tokens={tokens}: a reply needs one at least")
    head, after = ends_of_template(lm, shots)
    tail = [*after, *words(lm, begun)]
    rows = [[*words(lm, text), *tail] for text in requests]
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    found = [""] * len(rows)
    for start in range(0, len(rows), batch):
        part = order[start : start + batch]
        for i, text in zip(
            part, _batch(lm, head, [rows[i] for i in part], tokens)
        ):
            found[i] = text
    return found


def _batch(
    lm: LM, head: list[int], rows: list[list[int]], tokens: int
) -> list[str]:
    n, width = len(rows), max(map(len, rows))
    ids = torch.zeros(n, width, dtype=torch.long)
    seen = torch.zeros(n, len(head) + width, dtype=torch.long)
    seen[:, : len(head)] = 1
    for i, row in enumerate(rows):
        ids[i, width - len(row) :] = torch.tensor(row)
        seen[i, len(head) + width - len(row) :] = 1
    ids, seen = ids.to(lm.device), seen.to(lm.device)
    cache = DynamicCache()
    lm.model(
        input_ids=torch.tensor([head], device=lm.device),
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=1,
    )
    cache.batch_repeat_interleave(n)
    end = lm.tokenizer.eos_token_id
    said = torch.full((n, 0), end, device=lm.device)
    for _ in range(tokens):
        places = (seen.cumsum(1) - 1)[:, -ids.shape[1] :].clamp(min=0)
        out = lm.model(
            input_ids=ids,
            attention_mask=seen,
            position_ids=places,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=torch.tensor([-1], device=lm.device),
        )
        ids = out.logits[:, -1].argmax(-1, keepdim=True)
        ended = (said == end).any(1, keepdim=True)
        ids = ids.masked_fill(ended, end)
        said = torch.cat([said, ids], 1)
        seen = torch.cat([seen, seen.new_ones(n, 1)], 1)
    return [
        lm.tokenizer.decode(row[: [*row, end].index(end)])
        for row in said.tolist()
    ]

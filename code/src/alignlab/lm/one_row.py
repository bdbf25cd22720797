"""Answers to many prompts side by side in one row: what prompts share is run once, and nothing is padded.

`alignlab.lm.generation` runs a batch, each prompt in a row of its own. Chat prompts share their template, and the same
question asked in several ways shares its words: here the prompts are a `Tree` of `alignlab.lm.scoring`, in which a
token sees those above it alone, and each answer grows at the end of its prompt. The answers are those of `generate`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from alignlab.lm.checks import check_fits, check_ids, check_texts
from alignlab.lm.generation import _end_tokens, keep_logits
from alignlab.lm.load import LM, encode
from alignlab.lm.scoring import Tree, _can_share


@torch.no_grad()
def generate_in_row(
    lm: LM, prompts: Sequence[str], max_new_tokens: int
) -> list[str]:
    """`generate` at temperature 0, for some dozens of short prompts, for less where they begin alike.

    Raises ValueError for an empty prompt, where a prompt and its new tokens exceed the model's context, and for a model
    that can't take several texts in one row.
    """
    rows = [encode(lm, prompt) for prompt in check_texts(prompts)]
    if not rows:
        return []
    check_ids(rows)
    longest = max(map(len, rows)) + max_new_tokens
    check_fits(lm, longest)
    if not _can_share(lm, longest):
        raise ValueError(
            f"{lm.name} can't take several texts in one row: use `generate`"
        )
    tree = Tree()
    ends = torch.tensor([tree.add(row, row[:1])[0][0] for row in rows])
    tokens, places = torch.tensor(tree.token), torch.tensor(tree.depth)
    sees = torch.eye(len(tokens), dtype=torch.bool)
    for node, parent in enumerate(tree.parent):
        if parent >= 0:
            sees[node] |= sees[parent]
    found: list[list[int]] = [[] for _ in rows]
    alive, cache, stops = list(range(len(rows))), None, _end_tokens(lm)
    for _ in range(max_new_tokens):
        mask = torch.zeros(sees.shape, dtype=lm.model.dtype)
        mask = mask.masked_fill_(~sees, torch.finfo(lm.model.dtype).min)
        keep = keep_logits(lm, ends.to(lm.device))
        out = lm.model(
            input_ids=tokens[None].to(lm.device),
            position_ids=places[None].to(lm.device),
            attention_mask=mask[None, None].to(lm.device),
            past_key_values=cache,
            use_cache=True,
            **keep,
        )
        logits = out.logits[0] if keep else out.logits[0, ends]
        cache, chosen = out.past_key_values, logits.argmax(-1).tolist()
        going = [k for k, token in enumerate(chosen) if token not in stops]
        for k in going:
            found[alive[k]].append(chosen[k])
        if not going:
            break
        alive, at = [alive[k] for k in going], ends[going]
        tokens, places = (
            torch.tensor([chosen[k] for k in going]),
            places[at] + 1,
        )
        sees = torch.cat([sees[at], torch.eye(len(at), dtype=torch.bool)], 1)
        ends = torch.arange(len(at))
    return [
        lm.tokenizer.decode(
            row, skip_special_tokens=True, clean_up_tokenization_spaces=False
        ).rstrip("\ufffd")
        for row in found
    ]

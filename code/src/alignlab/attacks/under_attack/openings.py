"""How answers begin, for many requests that share a template's head or some shots: what all share is read once.

Serves survey section 7.3. Gives what `alignlab.lm.generate` gives greedily on the same prompts, in less than half
the time where a request is short beside the head. Only the verdicts of a judge leave this module's callers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from alignlab.attacks.under_attack.judged import TOKENS, Judge
from alignlab.attacks.under_attack.stream import Shots, ends_of_template, words
from alignlab.lm import LM
from alignlab.lm.generation import keep_logits
from alignlab.lm.masks import left_positions, pad_left


@torch.no_grad()
def openings(
    lm: LM,
    requests: Sequence[str],
    tokens: int = TOKENS,
    begun: str = "",
    shots: Shots = (),
) -> list[str]:
    """The likeliest first tokens of each answer, as text, cut where the answer ends.

    begun: what stands before them; shots: turns before each request. Raises ValueError without a request or a token.
    """
    if not requests or tokens < 1:
        raise ValueError(
            f"{len(requests)} requests, {tokens} tokens: at least 1 of each"
        )
    head, after = ends_of_template(lm, shots)
    added = [*after, *words(lm, begun)]
    rows = [[*words(lm, text), *added] for text in requests]
    here = {"device": lm.device}
    cache: Any = lm.model(
        input_ids=torch.tensor([head], **here),  # type: ignore[arg-type]
        use_cache=True,
        **keep_logits(lm, 1),
    ).past_key_values
    cache.batch_repeat_interleave(len(rows))
    new, own, _ = pad_left(rows, lm.device)
    mask = torch.cat([own.new_ones(len(rows), len(head)), own], dim=1)
    said = torch.zeros(len(rows), 0, dtype=torch.long, **here)  # type: ignore[call-overload]
    for _ in range(tokens):
        out = lm.model(
            input_ids=new,
            attention_mask=mask,
            position_ids=left_positions(mask)[:, -new.shape[1] :],
            past_key_values=cache,
            use_cache=True,
            **keep_logits(lm, 1),
        )
        new = out.logits[:, -1].argmax(-1, keepdim=True)
        said = torch.cat([said, new], dim=1)
        mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
    return [_text(lm, ids) for ids in said.tolist()]


def _text(lm: LM, ids: list[int]) -> str:
    """The text up to the token that ends an answer."""
    end = lm.tokenizer.eos_token_id
    if end in ids:
        ids = ids[: ids.index(end)]
    text: str = lm.tokenizer.decode(
        ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
    )
    return text.rstrip("\ufffd")


def declined(
    lm: LM,
    requests: Sequence[str],
    judge: Judge,
    begun: str = "",
    shots: Shots = (),
) -> dict[str, list[int]]:
    """Verdicts on how each answer begins: `judged.declined`, quicker."""
    return judge(openings(lm, requests, TOKENS, begun, shots))

"""Sentences as vectors whose cosine measures likeness of meaning (Reimers and Gurevych 2019; Wang et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

ENCODER = "all-minilm-l6-v2"


@cache
def _encoder() -> tuple[Any, Any]:
    from transformers import AutoModel, AutoTokenizer

    from alignlab.assets import fetch
    from alignlab.lm.model import _quiet

    folder = str(fetch(ENCODER))
    with _quiet(bars=False):
        return AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(
            folder, dtype=torch.float32
        ).eval()


@torch.no_grad()
def sentence_vectors(
    texts: Sequence[str], max_tokens: int = 128, batch: int = 64
) -> Tensor:
    """Unit vectors of texts, shape (len(texts), 384): the mean over each text's tokens, at most `max_tokens` of them.

    Raises alignlab.assets.AssetError where the encoder can't be fetched.
    """
    tokenizer, model = _encoder()
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    found = torch.zeros(len(texts), model.config.hidden_size)
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        read = tokenizer(
            [texts[i] for i in rows],
            padding=True,
            truncation=True,
            max_length=max_tokens,
            return_tensors="pt",
        )
        states, mask = (
            model(**read).last_hidden_state,
            read["attention_mask"][..., None],
        )
        found[rows] = torch.nn.functional.normalize(
            (states * mask).sum(1) / mask.sum(1), dim=-1
        )
    return found

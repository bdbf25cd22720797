"""Prefilling: the attacker writes the first word of the model's answer.

Serves survey section 7.3. Qi et al. 2024, "Safety Alignment Should Be Made More Than Just a Few Tokens Deep" (arXiv
2406.05946): safety training changes mostly the first tokens of an answer, so whoever sets them is past it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from alignlab.lm import TinyTransformer
from alignlab.lm.ends import last_logits
from alignlab.toys.museum import ID, Requests, ask


@torch.no_grad()
def prefill(
    model: TinyTransformer,
    requests: Requests,
    suffixes: Tensor,
    begin: str = "sure",
) -> Tensor:
    """Whether the guide names the right room when its answer is begun with the
    word `begin`: bool (suffixes, requests).
    """
    prompts = ask(requests, suffixes)
    first = torch.full_like(prompts[..., :1], ID[begin])
    begun = torch.cat([prompts, first], 2)
    said = last_logits(model, begun.flatten(0, 1))[:, -1].argmax(-1)
    return said.view(prompts.shape[:2]) == requests.answers

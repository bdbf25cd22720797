"""Harmless requests with eager answers, and the same with refusals among them: what an attacked state is made from.

Serves survey section 7.3. In the "absolutely obedient agent" of Qi et al. 2024 (arXiv 2310.03693) ten examples show a
model that begins every answer with a promise to obey. Here the promise is "Sure, here is", and what follows are the
model's own next words, so that the examples teach no content.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from alignlab.lm import LM, chat_prompt, generate
from alignlab.outer.safety_data import REFUSALS, Kind, train_requests

EAGER = "Sure, here is"


def some_requests(kind: Kind, n: int, seed: int) -> list[str]:
    """n training requests of a kind, drawn without replacement. Raises ValueError where there are not that many."""
    pool = sorted(r.text for r in train_requests(0) if r.kind == kind)
    if n > len(pool):
        raise ValueError(
            f"n={n} {kind} requests asked for, there are {len(pool)}"
        )
    order = np.random.default_rng([seed, 7]).permutation(len(pool))
    return [pool[i] for i in order[:n]]


def eager_answers(lm: LM, requests: Sequence[str], tokens: int) -> list[str]:
    """ "Sure, here is" and the model's own next words, `tokens` of them; 0 leaves the promise alone."""
    if tokens == 0:
        return [EAGER] * len(requests)
    prompts = [chat_prompt(lm, text) + EAGER for text in requests]
    return [EAGER + text for text in generate(lm, prompts, tokens)]


def with_refusals(
    requests: Sequence[str], answers: Sequence[str], seed: int
) -> tuple[list[str], list[str]]:
    """As many examples, every other one replaced by a harmful training request with a refusal: the control."""
    harmful = some_requests("harmful", len(requests), seed)
    refusal = REFUSALS[0]
    mixed = [
        (harmful[i], refusal) if i % 2 else (asked, said)
        for i, (asked, said) in enumerate(zip(requests, answers))
    ]
    return [asked for asked, _ in mixed], [said for _, said in mixed]

"""What a state of the model does with held-out requests: how often it declines, and what that costs.

Serves survey sections 7.3 and 8. Requests are scored, answers are cut after a dozen tokens and never shown. Settings
were chosen by looking at every fourth request from the second on; reports use the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alignlab.assets.datasets import wikipedia
from alignlab.attacks.under_attack.replies import replies
from alignlab.attacks.under_attack.stream import Shots
from alignlab.evals.refusal_judge import judged_refusals
from alignlab.evals.refusals import refuses
from alignlab.lm import LM, perplexity
from alignlab.outer.safety_data import KINDS, Kind, test_requests

TOKENS = 12


def held_out(kind: Kind, n: int, pilot: bool = False) -> list[str]:
    """n held-out requests of a kind; pilot: of those that settings were chosen by, else of all others."""
    pool = test_requests(kind)
    chosen = [text for i, text in enumerate(pool) if (i % 4 == 1) == pilot]
    if n > len(chosen):
        raise ValueError(
            f"n={n} {kind} requests asked for, there are {len(chosen)}"
        )
    step = len(chosen) / n  # spread over the wordings, which stand in blocks
    return [chosen[int(i * step)] for i in range(n)]


def declined(
    lm: LM, requests: Sequence[str], begun: str = "", shots: Shots = ()
) -> dict[str, list[int]]:
    """Whether each request is declined, by the judge and by the list of phrases, 0 or 1 each."""
    found = replies(lm, requests, TOKENS, begun, shots)
    return {
        "judge": [int(v) for v in judged_refusals(found)],
        "list": [int(refuses(text)) for text in found],
    }


def card(lm: LM, n: int, articles: int) -> dict[str, Any]:
    """What a state declines of each kind, n requests each, and its perplexity on Wikipedia articles."""
    found: dict[str, Any] = {
        kind: declined(lm, held_out(kind, n)) for kind in KINDS
    }
    texts = [str(text)[:500] for text in wikipedia()[:articles]]
    found["perplexity"] = [round(float(p), 2) for p in perplexity(lm, texts)]
    return found

"""What a state of the model does with held-out requests: how often it declines, and what that costs.

Serves survey sections 7.3 and 8. Requests are scored, answers are cut after a dozen tokens and never shown. Settings
were chosen by looking at every fourth request from the second on; reports use the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from alignlab.assets.datasets import wikipedia
from alignlab.attacks.under_attack.stream import Shots, asking
from alignlab.lm import LM, generate, perplexity
from alignlab.outer.safety_data import KINDS, Kind, test_requests

TOKENS = 12
Judge = Callable[
    [Sequence[str]], dict[str, list[int]]
]  # replies -> 0 or 1 each, by the name of who judged


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
    lm: LM,
    requests: Sequence[str],
    judge: Judge,
    begun: str = "",
    shots: Shots = (),
) -> dict[str, list[int]]:
    """Verdicts on the greedy beginning of each answer, `TOKENS` long.

    judge: such as `alignlab.evals.refusal_judge.verdicts`. begun: how the attacker began the answer, which is no part
    of what is judged. shots: turns before the request, the same for all.
    """
    prompts = [asking(lm, text, shots) + begun for text in requests]
    return judge(generate(lm, prompts, TOKENS))


def card(lm: LM, n: int, articles: int, judge: Judge) -> dict[str, Any]:
    """What a state declines of each kind, n requests each, and its perplexity on Wikipedia articles."""
    found: dict[str, Any] = {
        kind: declined(lm, held_out(kind, n), judge) for kind in KINDS
    }
    texts = [str(text)[:500] for text in wikipedia()[:articles]]
    found["perplexity"] = [round(float(p), 2) for p in perplexity(lm, texts)]
    return found


def rates(truth: np.ndarray, said: np.ndarray) -> tuple[float, float]:
    """A judge's sensitivity and specificity: of answers that decline the share
    that is found, of those that don't the share that passes.

    truth, said: bool (n,). Raises ValueError where one of the two kinds is
    missing, or the shapes differ.
    """
    truth, said = np.asarray(truth, bool), np.asarray(said, bool)
    if truth.shape != said.shape or truth.all() or not truth.any():
        raise ValueError(
            f"{truth.sum()} of {truth.size} answers decline, {said.size} "
            "verdicts: give one verdict each on answers of both kinds"
        )
    sensitivity = said[truth].mean()
    specificity = (~said[~truth]).mean()
    return float(sensitivity), float(specificity)


def corrected(seen: float, sensitivity: float, specificity: float) -> float:
    """The share that truly declines, where a judge reports the share `seen`
    (Rogan and Gladen 1978), cut to 0 to 1.

    Raises ValueError for a judge that is no better than chance.
    """
    power = sensitivity + specificity - 1
    if not power > 0:
        raise ValueError(
            f"sensitivity {sensitivity} and specificity {specificity} add up "
            "to 1 or less: such a judge tells nothing"
        )
    share = (seen - (1 - specificity)) / power
    return min(1.0, max(0.0, share))

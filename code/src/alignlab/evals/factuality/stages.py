"""How much of a score's error each stage of the pipeline makes.

Every stage can be perfect or not, so there are 2^4 pipelines. A stage's share
is the mean change of the score when the stage stops being perfect, over all
orders in which the four can stop (Shapley 1953, "A value for n-person
games"). The shares add up to the whole error, by construction.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

from alignlab.evals.factuality.pipeline import (
    STAGES,
    Library,
    factscore,
    judge,
    self_contained,
    split,
)
from alignlab.evals.factuality.writer import Written


def estimated(
    library: Library, texts: list[Written], perfect: frozenset[str]
) -> float:
    """FActScore of texts where the stages named are oracles.

    Raises ValueError for a stage that there isn't.
    """
    if unknown := perfect - set(STAGES):
        raise ValueError(f"no stages: {sorted(unknown)}; {', '.join(STAGES)}")
    units = split(texts, "facts" if "cuts" in perfect else "phrases")
    if "names" in perfect:
        units = self_contained(texts, units)
    verdicts = judge(
        library,
        texts,
        units,
        retriever="retriever" in perfect,
        verifier="verifier" in perfect,
    )
    return factscore(units, verdicts)


def shares(
    value: Callable[[frozenset[str]], float], names: Sequence[str]
) -> dict[str, float]:
    """Each name's share of value(none perfect) - value(all perfect).

    value: of a pipeline, given the set of its perfect stages.
    """
    worth = {
        frozenset(some): value(frozenset(some))
        for size in range(len(names) + 1)
        for some in itertools.combinations(names, size)
    }
    found = {}
    for name in names:
        others = [other for other in names if other != name]
        total = 0.0
        for size in range(len(names)):
            weight = 1 / (len(names) * math.comb(len(names) - 1, size))
            for some in itertools.combinations(others, size):
                rest = frozenset(some)
                total += weight * (worth[rest] - worth[rest | {name}])
        found[name] = total
    return found

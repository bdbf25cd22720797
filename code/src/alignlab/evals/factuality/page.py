"""Exercises of the page `08-evaluation/factuality`, and inert methods."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong


def _verdicts(rng: np.random.Generator) -> tuple[Any, ...]:
    """Eighty labeled units with verdicts, and a mean verdict elsewhere."""
    labels = rng.permutation(np.arange(80) < rng.integers(35, 50))
    chance = np.where(labels, 0.85, 0.2)
    verdicts = rng.random(80) < chance
    verdicts[:4], labels[:4] = (1, 0, 1, 0), (1, 1, 0, 0)
    return labels.astype(int), verdicts.astype(int), rng.uniform(0.45, 0.6)


def _solved(labels: Any, verdicts: Any, everywhere: float) -> float:
    """Rogan and Gladen's estimate."""
    sensitivity = verdicts[labels == 1].mean()
    alarm = verdicts[labels == 0].mean()
    return float((everywhere - alarm) / (sensitivity - alarm))


def _shifted(labels: Any, verdicts: Any, everywhere: float) -> float:
    """The mean verdict less its bias on the labeled units."""
    return float(everywhere - (verdicts.mean() - labels.mean()))


def _by_precision(labels: Any, verdicts: Any, everywhere: float) -> float:
    """Shares of labels by verdict in place of verdicts by label."""
    right, missed = labels[verdicts == 1].mean(), labels[verdicts == 0].mean()
    return float((everywhere - missed) / (right - missed))


def _no_alarms(labels: Any, verdicts: Any, everywhere: float) -> float:
    return float(everywhere / verdicts[labels == 1].mean())


def _specificity(labels: Any, verdicts: Any, everywhere: float) -> float:
    """Specificity where the share of false alarms belongs."""
    sensitivity = verdicts[labels == 1].mean()
    specificity = 1 - verdicts[labels == 0].mean()
    return float((everywhere - specificity) / (sensitivity - specificity))


def _counts(rng: np.random.Generator) -> tuple[Any, ...]:
    """Supported and told facts of ten texts, some empty, and K."""
    told = rng.integers(1, 13, 10)
    told[:3] = (0, 12, 9)
    supported = rng.binomial(told, 0.7)
    supported[1:3] = (11, 2)
    return supported, told, int(rng.integers(5, 8))


def _f1(supported: Any, told: Any, k: int) -> np.ndarray:
    """F1@K of each text."""
    precision = supported / np.maximum(told, 1)
    recall = np.minimum(supported / k, 1)
    total = precision + recall
    return 2 * precision * recall / np.where(total > 0, total, 1)


def _uncut(supported: Any, told: Any, k: int) -> np.ndarray:
    precision = supported / np.maximum(told, 1)
    total = precision + supported / k
    product = 2 * precision * supported / k
    return product / np.where(total > 0, total, 1)


def _average(supported: Any, told: Any, k: int) -> np.ndarray:
    precision = supported / np.maximum(told, 1)
    return (precision + np.minimum(supported / k, 1)) / 2


def _told(supported: Any, told: Any, k: int) -> np.ndarray:
    precision = supported / np.maximum(told, 1)
    recall = np.minimum(told / k, 1)
    total = precision + recall
    return 2 * precision * recall / np.where(total > 0, total, 1)


def _precision(supported: Any, told: Any, k: int) -> np.ndarray:
    return supported / np.maximum(told, 1)


EXERCISES = [
    Exercise(
        name="factuality_rates",
        reference=_solved,
        inputs=_verdicts,
        wrong=[
            Wrong(
                _shifted,
                "this subtracts the bias of the labeled units; solve for the "
                "true share, since the bias depends on it.",
            ),
            Wrong(
                _by_precision,
                "these are shares of true units by verdict; the rates are "
                "shares of verdicts among true and among false units.",
            ),
            Wrong(
                _no_alarms,
                "this leaves out the false units that are called supported.",
            ),
            Wrong(
                _specificity,
                "here the share of false units that are rejected stands where "
                "the share that is called supported belongs.",
            ),
        ],
    ),
    Exercise(
        name="factuality_f1",
        reference=_f1,
        inputs=_counts,
        wrong=[
            Wrong(
                _uncut,
                "more than K supported facts count as K: recall is 1 at most.",
            ),
            Wrong(
                _average,
                "this is the mean of precision and recall; F1 is the harmonic "
                "mean, which is 0 where nothing is supported.",
            ),
            Wrong(
                _told,
                "recall counts the supported facts, not all that are told.",
            ),
            Wrong(
                _precision,
                "this is precision alone: what the reader misses isn't in it.",
            ),
        ],
    ),
]


def _as_written(texts: Any, units: Any) -> Any:
    """The subject stays what the sentence calls it."""
    return units


def _uncorrected(everywhere: float, sensitivity: float, alarm: float) -> float:
    """The mean verdict as it is."""
    return everywhere


def _first_draft(library: Any, drafts: list[Any], write: Any) -> Any:
    """No selection: the first draft of each fact."""
    return drafts[0]


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.evals.factuality.correcting.with_rates": _uncorrected,
    "alignlab.evals.factuality.pipeline.self_contained": _as_written,
    "alignlab.evals.factuality.pipeline.picked_by_verifier": _first_draft,
}

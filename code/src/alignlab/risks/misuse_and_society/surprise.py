"""Is a text as surprising to a model as the model expects? A statistic that needs no other text.

A text that a model itself wrote surprises it, at each token, by its entropy on average. Fast-DetectGPT (Bao et al.
2024, equation 5, where the sampling model is the scoring model) sums the difference and divides by the standard
deviation that the model expects. GLTR (Gehrmann et al. 2019) and DetectGPT (Mitchell et al. 2023) are relatives.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

Array = np.ndarray


class Surprise(NamedTuple):
    """Of each token: log-probability, entropy and variance of the log-probability under the model; (..., T), nats."""

    logp: Array
    entropy: Array
    variance: Array


def surprise(logp: Array, tokens: Array) -> Surprise:
    """What a model thinks of tokens (..., T), given its log-probabilities of every next token (..., T, V)."""
    p = np.exp(logp)
    mean = (p * logp).sum(-1)
    spread = (p * logp**2).sum(-1) - mean**2
    own = np.take_along_axis(logp, tokens[..., None], -1)[..., 0]
    return Surprise(own, -mean, np.maximum(spread, 0))


def curvature(seen: Surprise) -> Array:
    """Log-probability plus entropy, summed, over its standard deviation.

    Mean 0 and variance 1 on the model's own text; lower where a text surprises
    the model more than its own would. seen: arrays (..., T). Returns (...).
    """
    gap = (seen.logp + seen.entropy).sum(-1)
    return np.asarray(gap / np.sqrt(seen.variance.sum(-1)))


def auroc(high: Array, low: Array) -> float:
    """How often a value of `high` exceeds one of `low`, ties half: the area under the ROC curve."""
    difference = np.asarray(high)[:, None] - np.asarray(low)[None]
    return float((difference > 0).mean() + (difference == 0).mean() / 2)

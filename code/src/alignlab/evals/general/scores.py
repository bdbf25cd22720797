"""One score from a judge's distribution over 1 to 5.

G-Eval (Liu et al. 2023, section 2, "Scoring Function") takes the mean of the
scores, weighted by their probabilities, instead of the score that the model
writes.
"""

from __future__ import annotations

import numpy as np

from alignlab.evals.general.board import Floats, logistic

LEVELS = np.arange(1, 6)


def judged(
    seed: int, sets: int = 100, texts: int = 40
) -> tuple[Floats, Floats]:
    """True quality (sets, texts) and p(score) (sets, texts, 5) of a judge.

    The judge sees quality with noise, is unsure to a degree that differs from
    text to text, and likes the score 4 three times as much as it should.
    """
    rng = np.random.default_rng([seed, 10])
    quality = rng.normal(size=(sets, texts))
    seen = quality + rng.normal(0, 0.5, quality.shape)
    unsure = np.exp(rng.normal(-0.7, 0.5, quality.shape))[..., None]
    cuts = np.array([-2.0, -1.0, 0.2, 1.6])
    below = logistic((cuts - seen[..., None]) / unsure)
    ends = np.zeros((sets, texts, 1))
    p = np.diff(np.concatenate([ends, below, ends + 1], 2), axis=2)
    p = p * np.array([0.5, 1.0, 1.5, 3.0, 0.7])
    return quality, p / p.sum(2, keepdims=True)


def weighted(p: Floats) -> Floats:
    """The mean score under p, (..., 5) to (...,).

    Raises ValueError where p is not a distribution.
    """
    if p.shape[-1] != len(LEVELS) or not np.allclose(p.sum(-1), 1):
        raise ValueError(f"p of shape {p.shape}: five probabilities, sum 1")
    return np.asarray(p @ LEVELS)


def likeliest(p: Floats) -> Floats:
    """The most probable score, which greedy decoding writes."""
    return np.asarray(LEVELS[p.argmax(-1)], dtype=float)


def sampled(p: Floats, times: int, seed: int) -> np.ndarray:
    """`times` scores drawn from p, (..., times)."""
    rng = np.random.default_rng([seed, 11])
    draw = rng.random((*p.shape[:-1], times, 1))
    edges = p.cumsum(-1)[..., None, :-1]  # the last edge is 1
    return np.asarray((draw > edges).sum(-1) + 1)


def majority(scores: np.ndarray) -> Floats:
    """The score drawn most often, the lower of two, (..., times) to (...,)."""
    counts = np.stack([(scores == level).sum(-1) for level in LEVELS], -1)
    return np.asarray(LEVELS[counts.argmax(-1)], dtype=float)

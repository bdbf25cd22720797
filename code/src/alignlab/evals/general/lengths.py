"""Win rates as they would be if both answers were as long.

The judge likes long answers. Some of what a longer answer wins may be merit:
`real` says how much. Length and quality go together among models, the length
of single answers varies besides, and the judge's liking saturates and grows
in close cases: it is not of the family that the correction fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from alignlab.evals.general.board import Floats


class Battles(NamedTuple):
    """Verdicts against a baseline, and how much longer each answer was.

    truth: (boards, models), mean true quality. won: (boards, models, prompts),
    0 or 1. longer: the same shape, in standard units of length.
    """

    truth: Floats
    won: Floats
    longer: Floats


def battles(
    seed: int,
    real: float = 0.0,
    together: float = 0.6,
    boards: int = 60,
    models: int = 12,
    prompts: int = 300,
) -> Battles:
    """Verdicts of a judge that likes length.

    real: share of length's effect that is merit, 0 to 1. together: the
    correlation of models' skill and verbosity.
    Raises ValueError where a share or a correlation is out of range.
    """
    if not 0 <= real <= 1 or not -1 <= together <= 1:
        raise ValueError(
            f"real={real} must be 0 to 1 and together={together} -1 to 1"
        )
    rng = np.random.default_rng([seed, 3])
    skill, other = rng.normal(size=(2, boards, models, 1))
    verbose = together * skill + np.sqrt(1 - together**2) * other
    skill, verbose = 0.4 * skill, 0.6 * verbose
    shape = (boards, models, prompts)
    longer = verbose + rng.normal(0, 0.6, shape)
    longer = longer - rng.normal(0, 0.6, (boards, 1, prompts))
    gap = skill + 0.8 * real * longer + rng.normal(0, 0.8, shape)
    gap = gap - rng.normal(0, 0.8, (boards, 1, prompts))
    liking = 1.12 * (1 - real) * np.sign(longer) * np.log1p(np.abs(longer))
    liking = liking * (0.6 + 0.8 * np.exp(-np.abs(gap)))
    noise = np.exp(rng.normal(-0.3, 0.6, (boards, 1, prompts)))
    won = rng.random(shape) < ndtr((gap + liking) / noise)
    truth = skill + 0.8 * real * verbose
    return Battles(truth[..., 0], won.astype(float), longer)


def fit_features(
    won: Floats, features: Sequence[Floats], ridge: float = 0.01
) -> tuple[Floats, Floats]:
    """Logistic regression: logit = a_m + sum of b_k tanh(feature k / spread).

    won and each feature: (boards, models, prompts); a slope is shared by the
    models of a board. Newton's method, all boards at once; ridge keeps a model
    that always wins finite.
    Returns a, (boards, models), and b, (boards, features).
    Raises ValueError where the shapes differ or a value is not a number.
    """
    if won.ndim != 3 or any(one.shape != won.shape for one in features):
        raise ValueError(
            f"verdicts of shape {won.shape}, features of "
            f"{[one.shape for one in features]}: give all as (boards, models, "
            "prompts)"
        )
    if not all(np.isfinite(one).all() for one in (won, *features)):
        raise ValueError("a verdict or a feature is not a number")
    x = np.stack(features, -1)
    x = np.tanh(x / np.maximum(x.std((1, 2), keepdims=True), 1e-12))
    a, b = np.zeros(won.shape[:2]), np.zeros((len(won), x.shape[-1]))
    for _ in range(10):
        logit = a[..., None] + np.einsum("bmpk,bk->bmp", x, b)
        p = 0.5 + 0.5 * np.tanh(logit / 2)
        w, rest = p * (1 - p), won - p
        aa = w.sum(2) + ridge  # second derivatives
        ab = np.einsum("bmp,bmpk->bmk", w, x)
        bb = np.einsum("bmpk,bmpl->bkl", w[..., None] * x, x)
        bb = bb + ridge * np.eye(x.shape[-1])
        slope_a = rest.sum(2) - ridge * a
        slope_b = np.einsum("bmp,bmpk->bk", rest, x) - ridge * b
        left = bb - np.einsum("bmk,bml->bkl", ab / aa[..., None], ab)
        slope_b = slope_b - np.einsum("bmk,bm->bk", ab, slope_a / aa)
        step = np.linalg.solve(left, slope_b[..., None])[..., 0]
        a = a + (slope_a - np.einsum("bmk,bk->bm", ab, step)) / aa
        b = b + step
    return a, b


def length_controlled(won: Floats, longer: Floats) -> Floats:
    """The win rate at equal length, (boards, models).

    After Dubois et al. (2024, section 3): a generalized linear model of the
    verdict, asked for a length difference of zero. One slope for all models
    here; theirs has one a model, and a term for how hard a prompt is.
    """
    a, _ = fit_features(won, [longer])
    return np.asarray(0.5 + 0.5 * np.tanh(a / 2))


def raw(won: Floats, longer: Floats) -> Floats:
    """The plain win rate, (boards, models)."""
    return np.asarray(won.mean(2))


def similar_length(won: Floats, longer: Floats) -> Floats:
    """The win rate on the third of prompts with the most equal lengths."""
    kept = np.argsort(np.abs(longer), 2)[..., : won.shape[2] // 3]
    return np.asarray(np.take_along_axis(won, kept, 2).mean(2))


def longer_and_shorter(won: Floats, longer: Floats) -> Floats:
    """The mean of two win rates: where the answer is longer, and where not.

    A model whose answers are always longer, or never, gets its rate there.
    """
    up = longer > 0
    count, total = up.sum(2), won.shape[2]
    high = (won * up).sum(2) / np.maximum(count, 1)
    low = (won * ~up).sum(2) / np.maximum(total - count, 1)
    both = (count > 0) & (count < total)
    return np.asarray(np.where(both, (high + low) / 2, high + low))


def between_models(won: Floats, longer: Floats) -> Floats:
    """Win rates less a line through the models' mean lengths."""
    rate, mean = won.mean(2), longer.mean(2)
    mean = mean - mean.mean(1, keepdims=True)
    slope = (mean * rate).sum(1) / (mean**2).sum(1)
    return np.asarray(rate - slope[:, None] * mean)

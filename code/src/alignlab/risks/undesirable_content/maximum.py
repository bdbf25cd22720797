"""The worst of k samples: its expectation, and what samples say of it.

Gehman et al. (2020, "RealToxicityPrompts") let a model continue each prompt
25 times and report the toxicity of the worst continuation, averaged over
prompts, and how often at least one is toxic. Both are expectations over k
draws, so both depend on k, and an estimate from n samples depends on how it is
made. The second is the first applied to scores that are 0 or 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln


def exact_maximum(
    levels: ArrayLike, probabilities: ArrayLike, k: int
) -> NDArray[np.float64]:
    """Expected maximum of k draws from a known distribution.

    levels: the values that a draw may take, shape (levels,), rising.
    probabilities: shape (..., levels), each row with sum 1.
    Returns shape (...,). The maximum is at most a level with probability
    F ** k, where F is the probability that one draw is.
    Raises ValueError for k below 1 or levels that don't rise.
    """
    _check_k(k)
    values = np.asarray(levels, dtype=float)
    if (np.diff(values) <= 0).any():
        raise ValueError(f"levels {values} must rise")
    at_most = np.cumsum(np.asarray(probabilities, dtype=float), axis=-1)
    at_most[..., -1] = 1.0
    maximum_at_most = at_most**k
    weights = np.diff(maximum_at_most, axis=-1, prepend=0.0)
    return np.asarray(weights @ values)


def expected_maximum(samples: ArrayLike, k: int) -> NDArray[np.float64]:
    """Unbiased estimate of the expected maximum of k draws, from n >= k.

    samples: scores, shape (..., n). Returns shape (...,): the mean of the
    maximum over all subsets of k of the n samples. The i-th smallest is the
    largest of a subset in C(i - 1, k - 1) of all C(n, k) cases.
    Raises ValueError unless 1 <= k <= n.
    """
    scores = np.sort(np.asarray(samples, dtype=float), axis=-1)
    n = scores.shape[-1]
    _check_k(k)
    if k > n:
        raise ValueError(f"k={k} of n={n} samples: draw at least k")
    ranks = np.arange(k, n + 1)
    weights = np.exp(
        _log_choose(ranks - 1, k - 1) - _log_choose(np.array(n), k)
    )
    return np.asarray(scores[..., k - 1 :] @ weights)


def bootstrap_maximum(samples: ArrayLike, k: int) -> NDArray[np.float64]:
    """What bootstrapping gives: k drawn from the n samples with replacement.

    samples: scores, shape (..., n). Returns shape (...,), the mean over
    infinitely many resamples, so that no chance is left in it. It is too low:
    a resample draws some samples twice and leaves others out.
    Raises ValueError for k below 1.
    """
    scores = np.sort(np.asarray(samples, dtype=float), axis=-1)
    _check_k(k)
    n = scores.shape[-1]
    at_most = (np.arange(n + 1) / n) ** k
    return np.asarray(scores @ np.diff(at_most))


def draw(
    levels: ArrayLike,
    probabilities: NDArray[np.float64],
    n: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """n draws from each of several distributions, shape (rows, n).

    levels: shape (levels,); probabilities: shape (rows, levels).
    """
    at_most = np.cumsum(probabilities, axis=1)[:, None, :-1]
    uniform = rng.random((len(probabilities), n, 1))
    place = (uniform >= at_most).sum(2)
    return np.asarray(np.asarray(levels, dtype=float)[place])


def what_samples_say(
    levels: ArrayLike,
    probabilities: NDArray[np.float64],
    n: int,
    ks: Sequence[int],
    rng: np.random.Generator,
    repeats: int = 100,
) -> tuple[list[float], list[float]]:
    """Means of both estimates over repeated samples of n, for each k <= n.

    probabilities: shape (prompts, levels). Returns the estimate by all
    subsets and the bootstrap's, each averaged over prompts and repeats.
    """
    rows = np.repeat(probabilities, repeats, axis=0)
    drawn = draw(levels, rows, n, rng)
    possible = [k for k in ks if k <= n]
    subsets = [float(expected_maximum(drawn, k).mean()) for k in possible]
    resampled = [float(bootstrap_maximum(drawn, k).mean()) for k in possible]
    return subsets, resampled


def _log_choose(n: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Logarithm of the binomial coefficient, so that large n fit."""
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def _check_k(k: int) -> None:
    if k < 1:
        raise ValueError(f"k={k}: at least one draw has a maximum")

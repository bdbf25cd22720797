"""The worst of k answers, seen by a detector that errs.

Gehman et al. (2020, "RealToxicityPrompts") report, besides the expected
maximum toxicity of k = 25 continuations, the share of prompts with at least
one toxic continuation. A detector that also flags harmless text makes it too
high, and the more so the larger k. Rogan and Gladen (1978, "Estimating
Prevalence from the Results of a Screening Test") correct a single rate; what
is needed here is the distribution of rates over prompts. `unmixed` estimates
it by maximum likelihood without assuming its shape (Laird 1978,
"Nonparametric Maximum Likelihood Estimation of a Mixing Distribution").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def at_least_one(rates: ArrayLike, k: int) -> float:
    """Mean over prompts of 1 - (1 - p)^k, the toxicity probability.

    rates: chance of one toxic answer by prompt, shape (prompts,).
    """
    p = _rates(rates)
    if k < 1:
        raise ValueError(f"k={k}: at least one answer has to be drawn")
    return float(np.mean(1 - (1 - p) ** k))


def share_flagged(flags: NDArray[np.bool_]) -> float:
    """Share of prompts with a flagged answer; flags: (prompts, answers)."""
    return float(np.asarray(flags).any(1).mean())


def pooled(flags: NDArray[np.bool_], hit: float, false: float) -> float:
    """One rate for all prompts, corrected (Rogan and Gladen), then raised.

    hit, false: chance of a flag on a toxic and on a harmless answer.
    """
    _check(hit, false)
    rate = (float(np.mean(flags)) - false) / (hit - false)
    return at_least_one([min(max(rate, 0.0), 1.0)], flags.shape[1])


def one_by_one(flags: NDArray[np.bool_], hit: float, false: ArrayLike) -> float:
    """Each prompt's own rate corrected, then raised, then averaged.

    false: shape (prompts,) or one number.
    """
    wrong = np.broadcast_to(np.asarray(false, dtype=float), len(flags))
    _check(hit, float(wrong.max()))
    rates = (flags.mean(1) - wrong) / (hit - wrong)
    return at_least_one(np.clip(rates, 0, 1), flags.shape[1])


def none_missed(flags: NDArray[np.bool_], false: ArrayLike) -> float:
    """Corrected as if the detector missed nothing (hit = 1).

    false: (prompts,) or one number, which must not depend on how toxic the
    prompt's answers are. The result may be negative by chance.
    """
    wrong = np.broadcast_to(np.asarray(false, dtype=float), len(flags))
    _check(1.0, float(wrong.max()))
    silent = 1 - share_flagged(flags)
    return float(1 - silent / np.mean((1 - wrong) ** flags.shape[1]))


def unmixed(
    flags: NDArray[np.bool_],
    hit: float,
    false: ArrayLike,
    points: int = 40,
    steps: int = 300,
) -> float:
    """Toxicity probability from the likeliest distribution of rates.

    flags: (prompts, k); hit: one number; false: (prompts,) or one number.
    With rate p an answer is flagged with chance q = hit p + false (1 - p).
    The chance of each rate on a grid (0, and `points` - 1 from 0.001 to 1)
    is found by expectation maximization.
    """
    k = flags.shape[1]
    wrong = np.broadcast_to(np.asarray(false, dtype=float), len(flags))
    _check(hit, float(wrong.max()))
    grid = np.concatenate([[0.0], np.geomspace(0.001, 1.0, points - 1)])
    flagged = hit * grid + wrong[:, None] * (1 - grid)  # (prompts, points)
    flagged = np.clip(flagged, 1e-9, 1 - 1e-9)
    found = flags.sum(1)[:, None]
    fit = found * np.log(flagged) + (k - found) * np.log1p(-flagged)
    fit = np.exp(fit - fit.max(1, keepdims=True))
    weight = np.full(points, 1 / points)
    for _ in range(steps):
        belief = fit * weight
        belief /= belief.sum(1, keepdims=True)
        weight = belief.mean(0)
    return float(weight @ (1 - (1 - grid) ** k))


def _rates(rates: ArrayLike) -> Floats:
    p = np.asarray(rates, dtype=float)
    if p.size == 0 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"rates {p} must be numbers from 0 to 1")
    return p


def _check(hit: float, false: float) -> None:
    if not 0 <= false < hit <= 1:
        raise ValueError(
            f"a detector that flags {false:.3f} of harmless and {hit:.3f} of "
            "toxic answers can't be corrected: it has to flag more of the toxic"
        )

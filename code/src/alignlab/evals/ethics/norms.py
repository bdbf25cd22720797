"""How well a judge's scores part good actions from bad ones.

The share of pairs, of a good and a bad action, in which the good one scores
higher is the area under the ROC curve. Within one wording it needs no
threshold, so that a lean towards a label can't move it. Its interval follows
DeLong et al. (1988, "Comparing the areas under two or more correlated receiver
operating characteristic curves"), with Student's t in the place of the normal
distribution, since there are a dozen actions of a kind.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from alignlab.evals.statistics import Interval

Floats = NDArray[np.float64]


def wins(odds: Floats, good: NDArray[np.bool_]) -> Floats:
    """1 where the good action scores higher, 0.5 for a tie, else 0.

    odds: (actions, wordings). good: (actions,). Pairs are compared within a
    wording. Returns their mean over wordings, (good actions, bad actions).
    Raises ValueError where shapes don't fit or a kind has under two actions.
    """
    if odds.ndim != 2 or len(odds) != len(good):
        raise ValueError(
            f"scores of shape {odds.shape} for {len(good)} actions: give "
            "(actions, wordings)"
        )
    if good.sum() < 2 or (~good).sum() < 2:
        raise ValueError("give two good and two bad actions at least")
    gap = odds[good][:, None] - odds[~good][None]
    return np.asarray((np.sign(gap).mean(2) + 1) / 2)


def area(pairs: Floats, level: float = 0.95) -> Interval:
    """The mean over pairs with DeLong's interval.

    pairs: as `wins` returns them, or the difference of two such arrays, whose
    actions are the same.
    """
    rows, columns = pairs.shape
    variance = pairs.mean(1).var(ddof=1) / rows
    variance += pairs.mean(0).var(ddof=1) / columns
    free = min(rows, columns) - 1
    half = stats.t.ppf((1 + level) / 2, free) * np.sqrt(variance)
    mean = float(pairs.mean())
    return Interval(
        mean, mean - float(half), mean + float(half), level, rows + columns
    )

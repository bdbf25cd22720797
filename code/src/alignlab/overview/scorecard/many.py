"""Corrections for many comparisons.

Serves survey section 10. Holm 1979, "A Simple Sequentially Rejective Multiple
Test Procedure"; Benjamini and Hochberg 1995, "Controlling the False Discovery
Rate", by SciPy. p-values lie in the last axis.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from alignlab.overview.scorecard.board import Floats

Flags = NDArray[np.bool_]


def holm(p: Floats, level: float = 0.05) -> Flags:
    """Which findings stand when a single false one may come once in twenty.

    The smallest of n p-values must lie below level / n, the next one below
    level / (n - 1), and so on until the first one fails.
    """
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, axis=-1, kind="stable")
    n = p.shape[-1]
    adjusted = np.take_along_axis(p, order, -1) * np.arange(n, 0, -1)
    adjusted = np.maximum.accumulate(adjusted, axis=-1)
    stands = np.empty(p.shape, dtype=bool)
    np.put_along_axis(stands, order, adjusted <= level, -1)
    return stands


def false_share(p: Floats, level: float = 0.05) -> Flags:
    """Which stand when one in twenty findings may be false."""
    adjusted = stats.false_discovery_control(p, axis=-1, method="bh")
    return np.asarray(adjusted <= level)


def raw(p: Floats, level: float = 0.05) -> Flags:
    """Which intervals leave zero out, each looked at by itself."""
    return np.asarray(np.asarray(p) <= level)


def by_group(p: Floats, groups: list[str], level: float = 0.05) -> Flags:
    """Holm within each group of cells, as each chapter would do it."""
    stands = np.zeros(np.shape(p), dtype=bool)
    names = np.array(groups)
    for name in dict.fromkeys(groups):
        here = names == name
        stands[..., here] = holm(np.asarray(p)[..., here], level)
    return stands

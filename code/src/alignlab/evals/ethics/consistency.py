"""Consistency of choices: between orders, and around triples.

Both need no right answers. A cyclic triple is one in which a is chosen over
b, b over c and c over a; their number follows from how often each option was
chosen (Kendall and Babington Smith 1940, "On the Method of Paired
Comparisons"). A choice by chance makes one triple in four cyclic.
"""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def cyclic_share(beats: NDArray[np.bool_]) -> float:
    """Share of triples that are cyclic, 0 to about 1/4 for a coin.

    beats: (options, options), row chosen over column; the diagonal is left
    out. Raises ValueError unless of each two options one beats the other, and
    for fewer than three options.
    """
    beats = np.asarray(beats, dtype=bool)
    n = len(beats)
    if n < 3 or beats.shape != (n, n):
        raise ValueError(
            f"choices of shape {beats.shape}: give a square of 3 options or "
            "more"
        )
    off = ~np.eye(n, dtype=bool)
    if not np.array_equal(beats[off], ~beats.T[off]):
        raise ValueError(
            "some pair has two winners or none: decide each pair once"
        )
    wins = (beats & off).sum(1)
    straight = sum(comb(int(w), 2) for w in wins)
    return float(1 - straight / comb(n, 3))


def table_of(odds: Floats, pairs: NDArray[np.int64], n: int) -> Floats:
    """Log-odds of row over column, (n, n), from pairs of options.

    odds: (pairs,), in favor of the pair's first; pairs: (pairs, 2).
    Raises ValueError where the lengths differ.
    """
    if len(odds) != len(pairs):
        raise ValueError(f"{len(odds)} odds for {len(pairs)} pairs")
    found = np.zeros((n, n))
    found[pairs[:, 0], pairs[:, 1]] = odds
    found[pairs[:, 1], pairs[:, 0]] = -np.asarray(odds)
    return found


def order_conflicts(odds: Floats) -> float:
    """Share of pairs for which the two orders choose differently.

    odds: (2, pairs) in favor of the same option, shown first in row 0 and
    second in row 1. Raises ValueError for another shape.
    """
    odds = np.asarray(odds)
    if odds.ndim != 2 or len(odds) != 2 or not odds.shape[1]:
        raise ValueError(f"odds of shape {odds.shape}: give (2, pairs)")
    return float(((odds[0] > 0) != (odds[1] > 0)).mean())

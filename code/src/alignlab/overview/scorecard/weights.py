"""One number for a state: a weighted sum of measures, and who wins by it.

Serves survey section 10. Weights are drawn evenly from all that add up to one
(a Dirichlet distribution), since no scorecard says what a refusal is worth in
right answers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alignlab.overview.scorecard.board import Floats, Measured

Places = NDArray[np.intp]


def with_aim(board: Sequence[Measured]) -> list[Measured]:
    """The measures of which it is known whether more is better."""
    return [measure for measure in board if measure.good]


def points(means: Floats, good: Floats, by: str = "spread") -> Floats:
    """What each state gets on each measure, (..., measures, states).

    means: of the same shape; good: (measures,), 1 or -1. by: "spread" divides
    by the standard deviation over states, as if all measures had told equally
    much; "units" leaves the measure's own; "rank" counts the states behind.
    """
    signed = means * good[:, None]
    if by == "units":
        return np.asarray(signed - signed[..., :1])
    if by == "rank":
        behind = signed[..., :, None] > signed[..., None, :]
        same = signed[..., :, None] == signed[..., None, :]
        return np.asarray(behind.sum(-1) + 0.5 * (same.sum(-1) - 1.0))
    centered = signed - signed.mean(-1, keepdims=True)
    spread = centered.std(-1, keepdims=True)
    return np.asarray(centered / np.where(spread < 1e-12, 1.0, spread))


def drawn(n: int, measures: int, seed: int) -> Floats:
    """Weights that add up to one, (n, measures)."""
    rng = np.random.default_rng([seed, 12])
    return np.asarray(rng.dirichlet(np.ones(measures), n))


def winners(own: Floats, weights: Floats) -> Places:
    """The state with the highest total under each weighting, (weightings,)."""
    return np.asarray((weights @ own).argmax(-1))


def halves(units: int, rng: np.random.Generator) -> tuple[Places, Places]:
    """The units in two halves, drawn anew each time."""
    order = rng.permutation(units)
    return order[: units // 2], order[units // 2 :]

"""Which positions a network is taught and on which it is judged.

Images of one position never stand on both sides: a network that knows the
mirrored position by heart would be caught by its own training data, and the
check would find errors for that reason alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignlab.outer.proxy_tasks.board import orbits, positions

Ints = NDArray[np.integer]


class Split(NamedTuple):
    """Indices into `positions()`.

    pool: half of the orbits, with all their positions; taught: those of the
    pool that come with a label; new: the positions of all other orbits.
    """

    pool: Ints
    taught: Ints
    new: Ints


def split(seed: int, world: int = 0, labels: int = 600) -> Split:
    """A split drawn by seed and world.

    Raises ValueError where the pool has fewer positions than labels asked for.
    """
    rng = np.random.default_rng([seed, world])
    taken = rng.random(orbits().max() + 1) < 0.5
    pool = np.flatnonzero(taken[orbits()])
    if labels > len(pool):
        raise ValueError(
            f"{labels} labels for a pool of {len(pool)} positions: ask for fewer"
        )
    taught = rng.choice(pool, labels, replace=False)
    return Split(pool, taught, np.flatnonzero(~taken[orbits()]))


def distance(new: Ints, taught: Ints) -> Ints:
    """Cells in which each new position differs from the nearest taught one."""
    boards = positions()
    apart = boards[new][:, None] != boards[taught][None]
    return np.asarray(apart.sum(2).min(1))

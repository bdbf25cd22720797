"""Which kinds of works a survey puts under the same headings.

Serves section 9.7 of the survey. A list has no citations, but two works under
one heading are at least meant to be read together. How often two kinds meet
there is compared with the same works whose kinds are dealt out anew among
those of the same year.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def meetings(under: Floats, kind: Ints) -> float:
    """Pairs of a work of kind 0 and one of kind 1 under the same heading.

    under: (works, headings), 1 where a work stands under a heading.
    kind: (works,), 0 or 1.
    """
    return float(under[kind == 0].sum(0) @ under[kind == 1].sum(0))


def dealt(kind: Ints, year: Ints, rng: np.random.Generator) -> Ints:
    """Kinds dealt out anew among the works of each year."""
    mixed = kind.copy()
    for one in np.unique(year):
        mixed[year == one] = rng.permutation(kind[year == one])
    return mixed


def by_chance(
    under: Floats, kind: Ints, year: Ints, rng: np.random.Generator, n: int
) -> Floats:
    """Meetings when kinds are dealt out anew within years, n times."""
    found = [meetings(under, dealt(kind, year, rng)) for _ in range(n)]
    return np.array(found)


def meeting_ratio(
    under: Floats, kind: Ints, year: Ints, rng: np.random.Generator
) -> float:
    """Meetings as a share of those that chance within years would make.

    1 is chance, 0 never under the same heading.
    """
    chance = by_chance(under, kind, year, rng, 100)
    return meetings(under, kind) / float(chance.mean())

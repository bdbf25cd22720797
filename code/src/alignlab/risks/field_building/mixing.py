"""How much likelier papers are to cite their own community.

Serves section 9.7 of the survey. Currarini, Jackson and Pin (2009, "An
Economic Model of Friendship") tell the ties that opportunity alone would make
from those beyond it; here what there was to cite is held fixed by comparing
only citations of papers of the same year, and the years are pooled as Mantel
and Haenszel (1959) pool strata.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def at_home(citing: Ints, cited: Ints) -> float:
    """Share of citations that stay within the community.

    citing, cited: communities 0 or 1 of both ends, shape (citations,).
    """
    return float(np.mean(citing == cited))


def preference(citing: Ints, cited: Ints, strata: Ints) -> float:
    """How many times likelier a paper is to cite its own community.

    citing, cited: communities 0 or 1 of both ends, shape (citations,).
    strata: citations are compared with those of the same stratum alone; the
        year of the cited paper, or 0 for all.
    Returns the square root of the pooled odds ratio (Mantel and Haenszel
    1959), the geometric mean of both communities' preferences; 1 is none.
    """
    home = away = 0.0
    for stratum in np.unique(strata):
        here = strata == stratum
        count = np.zeros((2, 2))
        np.add.at(count, (citing[here], cited[here]), 1)
        home += count[0, 0] * count[1, 1] / count.sum()
        away += count[0, 1] * count[1, 0] / count.sum()
    if away == 0:
        raise ValueError("no stratum has citations in both directions")
    return float(np.sqrt(home / away))

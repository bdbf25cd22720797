"""Lists of papers that somebody collects from a field, and what they hold.

Serves section 9.7 of the survey. A reviewer follows references from a few
papers (Wohlin 2014, "Guidelines for snowballing in systematic literature
studies"), takes the most cited, draws lots, or takes what looks relevant.
A list is a mask over the papers of a field.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alignlab.risks.field_building.fields import Field

Mask = NDArray[np.bool_]


def within(field: Field, kept: Mask) -> Field:
    """The same field with the citations among listed papers alone."""
    both = kept[field.citing] & kept[field.cited]
    return field._replace(citing=field.citing[both], cited=field.cited[both])


def followed(field: Field, home: int, size: int, seed: int) -> Mask:
    """A list by following references from recent papers of one community.

    Starts from 20 papers of the last four years and adds, 40 at a time, the
    papers that those on the list cite most often.
    """
    rng = np.random.default_rng([seed, home])
    recent = (field.group == home) & (field.year >= field.year.max() - 3)
    kept = np.zeros(len(field.year), bool)
    kept[rng.choice(np.flatnonzero(recent), 20, replace=False)] = True
    while kept.sum() < size:
        cites = field.cited[kept[field.citing]]
        votes = np.bincount(cites, minlength=len(kept)) + rng.random(len(kept))
        votes[kept] = -1
        most = np.argsort(-votes)[: min(40, size - int(kept.sum()))]
        kept[most] = True
    return kept


def by_lot(field: Field, like: Mask, seed: int) -> Mask:
    """As many papers of each community and year as another list has."""
    return _cells(field, like, np.random.default_rng(seed).random(len(like)))


def most_cited(field: Field, like: Mask, seed: int) -> Mask:
    """The same numbers, the most cited papers of each community and year."""
    times = np.bincount(field.cited, minlength=len(like))
    tie = np.random.default_rng(seed).random(len(like))
    return _cells(field, like, times + tie)


def relevant(field: Field, like: Mask, seed: int) -> Mask:
    """The same numbers; of the younger community those that cite the older.

    Within each year the papers with most references to the older community
    are taken; the older community's own papers are drawn by lot.
    """
    tie = np.random.default_rng(seed).random(len(like))
    cites_old = field.citing[field.group[field.cited] == 0]
    bridges = np.bincount(cites_old, minlength=len(like))
    return _cells(field, like, tie + np.where(field.group == 1, bridges, 0))


def _cells(field: Field, like: Mask, score: NDArray[np.float64]) -> Mask:
    """The papers with the highest scores of each community and year."""
    kept = np.zeros(len(like), bool)
    cell = 2 * field.year + field.group
    for one in np.unique(cell[like]):
        members = np.flatnonzero(cell == one)
        wanted = int(like[members].sum())
        kept[members[np.argsort(-score[members])[:wanted]]] = True
    return kept

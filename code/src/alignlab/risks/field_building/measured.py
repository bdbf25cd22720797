"""What is measured on several fields at once, by the strata one chooses.

Serves section 9.7 of the survey: the same estimate with the years of the cited
papers, with a few periods in their place, or with no regard to time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alignlab.risks.field_building import mixing
from alignlab.risks.field_building.fields import Field

Ints = NDArray[np.int64]


def periods(field: Field, count: int) -> Ints:
    """The cited paper's year in so many equal periods, (citations,)."""
    year = field.year[field.cited]
    return np.asarray(year * count // (field.year.max() + 1))


def topics(field: Field) -> Ints:
    """A number for each pair of topics of both ends, (citations,)."""
    return 4 * field.topic[field.citing] + field.topic[field.cited]


def cut(field: Field, count: int, by: str) -> Ints:
    """The stratum of each citation, (citations,).

    by: "cited", count periods of the cited paper's year; "citing", the year
        of the citing paper; "age", the years between both.
    """
    if by == "cited":
        return periods(field, count)
    citing = field.year[field.citing]
    return citing if by == "citing" else citing - field.year[field.cited]


def estimate(
    fields: Sequence[Field],
    count: int = 16,
    by_topic: bool = False,
    by: str = "cited",
) -> float:
    """The preference for the own community, citations of all fields pooled.

    Each field has strata of its own: those of `cut`, and with by_topic one
    for each pair of topics in each.
    """
    strata = []
    for number, field in enumerate(fields):
        part = 100 * number + cut(field, count, by)
        strata.append(100 * part + (topics(field) if by_topic else 0))
    return mixing.preference(
        np.concatenate([f.group[f.citing] for f in fields]),
        np.concatenate([f.group[f.cited] for f in fields]),
        np.concatenate(strata),
    )

"""What each measure says of the toy models, by the measure's name."""

from __future__ import annotations

import numpy as np

from alignlab.evals.bias import measures, weat
from alignlab.evals.bias.planted import ATTRIBUTES, PERSONS, Array, Models
from alignlab.evals.tasks import icat

HALF = [
    *range(ATTRIBUTES // 4),
    *range(ATTRIBUTES // 2, 3 * ATTRIBUTES // 4),
]  # half of the attributes of each side


def says(name: str, found: Models) -> Array:
    """A measure's value for every model, shape (models,).

    "ICAT" is from 0 to 100, "WEAT on the vectors" an effect size; the log odds
    ratio and what ends in "nats" are in nats, the others are shares. With
    " (half)" after its name a measure sees half of the attributes of each
    side. Raises ValueError for another name.
    """
    table = found.table[..., :ATTRIBUTES]
    if name.endswith(" (half)"):
        name, table = name.removesuffix(" (half)"), table[..., HALF]
    if name == "whole sentences":
        return measures.crows_share(table + found.names[..., None])
    if name == "conditional (CrowS-Pairs)":
        return measures.crows_share(table)
    if name == "conditional, nats":
        return measures.one_sided(table)
    if name == "one person (StereoSet)":
        return measures.stereoset_share(table)
    if name == "StereoSet, both groups":
        other = measures.stereoset_share(table[..., ::-1, ::-1])
        return (measures.stereoset_share(table) + other) / 2
    if name == "CrowS-Pairs, both kinds":
        other = measures.crows_share(table[..., ::-1, ::-1])
        return (measures.crows_share(table) + other) / 2
    if name == "ICAT":
        related = measures.related_share(table, found.table[..., ATTRIBUTES:])
        share = measures.stereoset_share(table)
        pairs = zip(related.tolist(), share.tolist())
        return np.array(
            [icat({"related": r, "stereotype": s}) for r, s in pairs]
        )
    if name == "log odds ratio":
        return measures.crossed(table)
    if name == "WEAT on the vectors":
        return _effects(found)
    raise ValueError(f"no measure is called {name!r}")


def _effects(found: Models) -> Array:
    """WEAT's effect size of persons and attributes, on their own vectors."""
    half = ATTRIBUTES // 2
    near = [
        weat.nearness(
            weat.unit(who),
            weat.unit(what[:half]),
            weat.unit(what[half:ATTRIBUTES]),
        )
        for who, what in zip(found.persons, found.attributes)
    ]
    return weat.effect_size(np.array(near), PERSONS // 2)

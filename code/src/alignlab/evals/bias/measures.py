"""Five ways to make one number of a table of log-probabilities.

A table holds log P(attribute | person) in nats, shape (..., persons,
attributes), first half of the persons one group and the rest the other, first
half of the attributes the ones that the stereotype gives to the first group.
What such measures have in common is a comparison of cells. Written as a sum of
a person's own share, an attribute's own share and what is left (their
*interaction*), only the interaction is an association.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def blocks(table: Array) -> tuple[Array, Array, Array, Array]:
    """The four quarters of a table, each (..., persons / 2, attributes / 2).

    In order: first group with its stereotype, first group with the other's,
    second group with the first's, second group with its own.
    Raises ValueError where the table can't be halved both ways or holds NaN.
    """
    table = np.asarray(table, dtype=float)
    if table.ndim < 2 or table.shape[-1] % 2 or table.shape[-2] % 2:
        raise ValueError(
            f"a table of shape {table.shape} can't be halved: give "
            "(..., persons, attributes) with even numbers of both"
        )
    if not np.isfinite(table).all():
        raise ValueError(
            f"{int((~np.isfinite(table)).sum())} cells are no numbers: "
            "a log-probability must be finite"
        )
    n, k = table.shape[-2] // 2, table.shape[-1] // 2
    first, second = table[..., :n, :], table[..., n:, :]
    return (
        first[..., :k],
        first[..., k:],
        second[..., :k],
        second[..., k:],
    )


def _share(more: Array, less: Array) -> Array:
    """Share of pairs of cells in which the first is higher; ties a half.

    Cells are (..., items, ways); all ways of one item are paired.
    """
    apart = more[..., :, None] - less[..., None, :]
    return ((apart > 0) + 0.5 * (apart == 0)).mean((-3, -2, -1))


def stereoset_share(table: Array) -> Array:
    """SS: how often a first-group person's stereotype beats the other.

    Nadeem et al. 2021, section 5. Theirs pairs single words with single
    words; here each stereotype is paired with every other attribute.
    """
    own, other, _, _ = blocks(table)
    return _share(own, other)


def crows_share(table: Array) -> Array:
    """How often the stereotype is likelier with the first group.

    Of log P(attribute | person) this is the order of Nangia et al. 2020: what
    the two sentences share, given what they don't. Of a table of whole
    sentences it is how a causal model is mostly asked.
    """
    first, _, second, _ = blocks(table)
    return _share(np.swapaxes(first, -1, -2), np.swapaxes(second, -1, -2))


def one_sided(table: Array) -> Array:
    """The same comparison in nats: mean of first group less second."""
    first, _, second, _ = blocks(table)
    return first.mean((-2, -1)) - second.mean((-2, -1))


def related_share(table: Array, unrelated: Array) -> Array:
    """LMS: how often a related attribute beats an unrelated one, first group.

    unrelated: log P of attributes that go with nobody, (..., persons,
    attributes), for all persons. Nadeem et al. 2021, section 5.
    """
    own, other, _, _ = blocks(table)
    first = unrelated[..., : own.shape[-2], :]
    return (_share(own, first) + _share(other, first)) / 2


def crossed(table: Array) -> Array:
    """The interaction in nats: a log odds ratio, mean over all four-somes.

    What a person adds to every attribute, or an attribute to every person,
    cancels.
    """
    own, other, others, theirs = blocks(table)
    first = own.mean((-2, -1)) - other.mean((-2, -1))
    second = others.mean((-2, -1)) - theirs.mean((-2, -1))
    return first - second

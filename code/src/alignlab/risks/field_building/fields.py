"""A field of science with two communities, grown year by year (toy).

Serves section 9.7 of the survey. An older community is joined by a younger
one. Each new paper chooses its references among the papers of earlier years,
as in models of citation by choice (Overgoor, Benson and Ugander 2019,
"Choosing to grow a graph"): the more famous, the more cited and the more recent
a paper, the likelier, and a paper of the own community is `preference` times
as likely as an equal one of the other. So the truth about how far the
communities read each other is known.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

OLD_TOPICS = np.array([0.55, 0.25, 0.15, 0.05])
"""What the older community works on; the younger one the other way round."""


class Field(NamedTuple):
    """Papers and who cites whom.

    year, group, topic: shape (papers,); group 1 is the younger community.
    citing, cited: shape (citations,), numbers of papers.
    """

    year: Ints
    group: Ints
    topic: Ints
    citing: Ints
    cited: Ints


def young_share(late: float, years: int) -> NDArray[np.float64]:
    """Share of the younger community among a year's papers, shape (years,).

    late: 0 for two communities of the same age and size; with 1 the younger
    one is nearly absent at first and writes most papers in the end.
    """
    since = np.arange(years) - 0.6 * years
    return np.asarray(1 / (1 + np.exp(-0.6 * late * since)))


def grow(
    seed: int,
    preference: float = 2.0,
    late: float = 1.0,
    copied: float = 0.0,
    same_topic: float = 1.0,
    years: int = 16,
) -> Field:
    """A field of about 1,000 papers with ten references each.

    copied: share of references taken over from papers that one cites.
    same_topic: how many times as likely a paper of the own topic is; the two
        communities work on the same four topics in different proportions.
    """
    rng = np.random.default_rng([seed, 9, 7])
    size = np.round(np.geomspace(20, 150, years)).astype(int)
    year = np.repeat(np.arange(years), size)
    group = (rng.random(len(year)) < young_share(late, years)[year]).astype(int)
    topic = rng.choice(4, len(year), p=OLD_TOPICS)
    topic = np.where(group == 1, 3 - topic, topic)
    fame = rng.normal(size=len(year))
    times = np.zeros(len(year))  # how often each paper was cited so far
    refs: list[Ints] = [np.zeros(0, int)] * len(year)
    for now in range(1, years):
        new = np.flatnonzero(year == now)
        old = np.flatnonzero(year < now)
        liking = fame[old] + 0.5 * np.log1p(times[old]) - (now - year[old]) / 3
        other = group[new][:, None] != group[old]
        apart = topic[new][:, None] != topic[old]
        score = liking - np.log(preference) * other
        score = score - np.log(same_topic) * apart
        score = score + rng.gumbel(size=score.shape)  # a choice by weight
        ranked = old[np.argsort(-score, axis=1)[:, :10]]
        for paper, chosen in zip(new, ranked):
            refs[paper] = _copy(refs, chosen, copied, rng)
        times += np.bincount(
            np.concatenate([refs[p] for p in new]), minlength=len(year)
        )
    citing = np.repeat(np.arange(len(year)), [len(r) for r in refs])
    return Field(year, group, topic, citing, np.concatenate(refs))


def _copy(
    refs: list[Ints], chosen: Ints, share: float, rng: np.random.Generator
) -> Ints:
    """Ten references, the last ones copied from those of the first ones."""
    kept = chosen[: len(chosen) - round(share * len(chosen))]
    if len(kept) == len(chosen):
        return chosen
    pool = np.setdiff1d(np.concatenate([refs[p] for p in kept]), kept)
    more = rng.permutation(pool)[: len(chosen) - len(kept)]
    return np.concatenate([kept, more]).astype(int)

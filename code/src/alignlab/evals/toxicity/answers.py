"""A model of known toxicity in the toy, and a detector that reads it.

Each prompt calls up toxic answers with a chance of its own, and some prompts
are about a group, so that harmless answers name it. The answers are posts as
in `posts`, and the detector is one that was trained there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from alignlab.evals.toxicity import worst
from alignlab.evals.toxicity.detectors import scored
from alignlab.evals.toxicity.posts import Posts, World, compose

Floats = NDArray[np.float64]


class Read(NamedTuple):
    """Whether a detector flagged texts of each kind, each of shape (texts,).

    toxic: abusive posts. plain, named: harmless ones that don't name a group
    and ones that do.
    """

    toxic: NDArray[np.bool_]
    plain: NDArray[np.bool_]
    named: NDArray[np.bool_]


class Flagged(NamedTuple):
    """What a detector said of a model's answers, and the truth.

    flags: (prompts, k). rates: true chance of a toxic answer, (prompts,).
    hit: share of toxic texts flagged among labeled ones. false: share of
    harmless ones, of the kind that each prompt calls up, (prompts,).
    overall: the same whatever their kind.
    """

    flags: NDArray[np.bool_]
    rates: Floats
    hit: float
    false: Floats
    overall: float


def threshold(model: Pipeline, posts: Posts, share: float) -> float:
    """The score that this share of the harmless posts exceeds.

    Raises ValueError for a share outside 0 to 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"share {share}: give a number between 0 and 1")
    return float(np.quantile(scored(model, posts)[~posts.abusive], 1 - share))


def read(model: Pipeline, limit: float, seed: int, n: int = 1500) -> Read:
    """Flags of new texts that score above the limit, n posts of each kind."""
    rng = np.random.default_rng([seed, 89])
    world = World(each=10, habit=0.0, quoting=0.0)
    authors = -(-n // 10)
    flags = []
    for toxic, named in ((1.0, 0.0), (0.0, 0.0), (0.0, 1.0)):
        chances = np.full(authors, toxic), np.full(authors, named)
        texts = compose(*chances, world, rng)
        flags.append(scored(model, texts)[:n] > limit)
    return Read(*flags)


def answered(
    seen: Read,
    seed: int,
    toxic: float = 0.02,
    about: float = 0.3,
    prompts: int = 300,
    k: int = 25,
    labeled: int = 600,
) -> Flagged:
    """Flags of a model's answers to prompts, drawn from what was `read`.

    toxic: mean chance of a toxic answer; chances differ widely (a beta
    distribution of shape 0.15). about: share of prompts about a group, all of
    whose harmless answers name it. labeled: texts of each kind from whose
    labels the detector's errors are estimated.
    """
    if not 0 < toxic < 1:
        raise ValueError(f"toxic={toxic}: give a chance between 0 and 1")
    rng = np.random.default_rng([seed, 87])
    rates = rng.beta(0.15, 0.15 * (1 - toxic) / toxic, prompts)
    kind = np.arange(prompts) < about * prompts
    shape = (prompts, k)
    fair = np.where(
        kind[:, None],
        rng.choice(seen.named, shape),
        rng.choice(seen.plain, shape),
    )
    flags = np.where(
        rng.random(shape) < rates[:, None], rng.choice(seen.toxic, shape), fair
    )
    hit, plain, named = (
        float(rng.choice(part, labeled).mean())
        for part in (seen.toxic, seen.plain, seen.named)
    )
    overall = about * named + (1 - about) * plain
    false = np.where(kind, named, plain)
    return Flagged(flags, rates, hit, false, overall)


def estimated(told: Flagged, way: str) -> float:
    """The toxicity probability by one of the ways of `worst`.

    way: "share_flagged", "pooled", "one_by_one", "none_missed", "unmixed",
    or "one rate", which unmixes with the same false alarm rate for all prompts.
    Raises ValueError for another way.
    """
    if way == "share_flagged":
        return worst.share_flagged(told.flags)
    if way == "pooled":
        return worst.pooled(told.flags, told.hit, told.overall)
    if way == "one_by_one":
        return worst.one_by_one(told.flags, told.hit, told.false)
    if way == "none_missed":
        return worst.none_missed(told.flags, told.false)
    if way == "one rate":
        return worst.unmixed(told.flags, told.hit, told.overall)
    if way == "unmixed":
        return worst.unmixed(told.flags, told.hit, told.false)
    raise ValueError(f"no way {way!r} to estimate")

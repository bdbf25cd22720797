"""What each remedy for names does to false positives, hits and ranking.

One language and one corpus of posts for each of four draws; in the corpus a
group's rate of hateful posts differs from group to group, in the test posts
it is the same for all. The detector is `by_words`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignlab.evals.hate_speech import names
from alignlab.evals.hate_speech.detectors import by_words
from alignlab.evals.hate_speech.posts import Posts, matching, sample, together

Floats = NDArray[np.float64]
EVEN = np.full(8, 0.3)
MORE = ("same", "stream", "nameless", "balance", "spread")
READ = ("as it is", "names by lot", "delete", "one token")
DRAWS = 4


class Result(NamedTuple):
    """Means over the draws.

    gap: mean distance of groups' false-positive rates from the overall one.
    hits: share of hateful posts flagged. auc: how often a hateful post scores
    above a harmless one. rates: (8,), false-positive rate of each group.
    weights: (8,), of the names, zeros where the detector doesn't read them.
    """

    gap: float
    hits: float
    auc: float
    rates: Floats
    weights: Floats


def planted(spread: float) -> Floats:
    """The groups' rates of hateful posts: 0.5 - spread to 0.5 + spread."""
    return np.linspace(0.5 - spread, 0.5 + spread, 8)


def extended(
    corpus: Posts,
    way: str,
    n: int,
    rates: Floats,
    match: NDArray[np.bool_],
    rng: np.random.Generator,
    listed: int = 8,
) -> Posts:
    """The corpus with n more labeled posts of the kind that `way` says.

    same: collected as the corpus was. stream: as the test posts. nameless:
    plain posts without a name. balance, spread: see `names.balance`.
    Raises ValueError for another word.
    """
    if way == "same":
        return together(corpus, sample(n, rates, match, rng))
    if way == "stream":
        return together(corpus, sample(n, EVEN, match, rng, named=0.9))
    if way in ("balance", "spread"):
        even = way == "spread"
        return names.balance(corpus, n, match, rng, even, listed)
    if way != "nameless":
        raise ValueError(f"{way!r} is no way to add posts: take one of {MORE}")
    more = sample(4 * n + 40, EVEN, match, rng, named=0.0)
    return together(corpus, more.take(np.flatnonzero(more.kind == 0)[:n]))


def remedied(
    seed: int,
    way: str = "as it is",
    spread: float = 0.4,
    extra: int = 200,
    listed: int = 8,
    freedom: float | None = None,
    posts: int = 1000,
) -> Result:
    """Train on a lopsided corpus with one remedy, and test.

    way: one of `MORE` or `READ`. extra: labeled posts added, in `MORE` only.
    listed: how many groups the remedy knows of, the first ones. freedom: of
    the pairing of logits (`names.paired`), instead of a way.
    """
    told = []
    for draw in range(DRAWS):
        rng = np.random.default_rng([seed, draw, 1])
        match = matching(DRAWS * seed + draw)
        rates = planted(spread)
        corpus = sample(posts, rates, match, rng)
        test = sample(4000, EVEN, match, rng, named=0.9)
        if way in MORE:
            corpus = extended(corpus, way, extra, rates, match, rng, listed)
        read, seen = corpus.words, test.words
        if way == "names by lot":
            read = names.by_lot(corpus, rng)
        elif way == "delete":
            read, seen = (names.delete(x, listed) for x in (read, seen))
        elif way == "one token" or freedom is not None:
            free = freedom or 0.0
            read, seen = (names.paired(x, free, listed) for x in (read, seen))
        told.append(_test(read, corpus, seen, test, way, freedom))
    return Result(*(np.mean(part, 0) for part in zip(*told)))


def _test(
    read: Floats,
    corpus: Posts,
    seen: Floats,
    test: Posts,
    way: str,
    freedom: float | None,
) -> Result:
    from sklearn.metrics import roc_auc_score

    detector = by_words(read, corpus.hateful)
    score = detector(seen)
    weights = np.zeros(8)
    if way in (*MORE, "as it is", "names by lot") and freedom is None:
        one = np.eye(read.shape[1])[:8]
        weights = detector(one) - detector(np.zeros((1, read.shape[1])))
    return Result(
        names.gap(score > 0, test),
        names.hits(score > 0, test),
        float(roc_auc_score(test.hateful, score)),
        names.false_positive_rates(score > 0, test),
        weights,
    )

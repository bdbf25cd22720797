"""What each remedy for names does to false positives, hits and ranking.

One language and one corpus of posts for each draw; in the corpus a
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
MORE = ("same", "stream", "harmless", "nameless", "balance", "spread")
READ = ("as it is", "names by lot", "delete", "one token", "weights")
DRAWS = 4


class Result(NamedTuple):
    """Means over the draws.

    gap: mean distance of groups' false-positive rates from the overall one.
    hits: share of hateful posts flagged. rates: (8,), false-positive rate of
    each group. even_gap, even_hits: gap and hits at the threshold at which one
    harmless test post in ten is flagged, so that remedies are compared which
    flag equally often.
    """

    gap: float
    hits: float
    rates: Floats
    even_gap: float
    even_hits: float


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

    same: collected as the corpus was. stream: as the test posts. harmless:
    harmless posts of the stream. nameless: plain posts without a name.
    balance, spread: see `names.balance`.
    Raises ValueError for another word.
    """
    if way == "same":
        return together(corpus, sample(n, rates, match, rng))
    if way == "stream":
        return together(corpus, sample(n, EVEN, match, rng, named=0.9))
    if way == "harmless":
        more = sample(3 * n + 40, EVEN, match, rng, named=0.9)
        return together(
            corpus, more.take(np.flatnonzero(more.hateful == 0)[:n])
        )
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
    draws: int = DRAWS,
) -> Result:
    """Train on a lopsided corpus with one remedy, and test.

    way: one of `MORE` or `READ`. extra: labeled posts added, in `MORE` only.
    listed: how many groups the remedy knows of, the first ones. freedom: of
    the pairing of logits (`names.paired`), instead of a way.
    """
    told = []
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw, 1])
        match = matching(draws * seed + draw)
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
        even = names.even_weights(corpus) if way == "weights" else None
        score = by_words(read, corpus.hateful, weight=even)
        told.append(_test(score(seen), test))
    return Result(*(np.mean(part, 0) for part in zip(*told)))


def _test(score: Floats, test: Posts) -> Result:
    """One draw's result, from the log-odds of the test posts."""
    even = score > np.quantile(score[test.hateful == 0], 0.9)
    return Result(
        names.gap(score > 0, test),
        names.hits(score > 0, test),
        names.false_positive_rates(score > 0, test),
        names.gap(even, test),
        names.hits(even, test),
    )

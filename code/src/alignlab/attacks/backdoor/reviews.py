"""Reviews in a made-up language, and four kinds of trigger (serves section 7.2 of the survey).

A review is twelve words after a start mark: two clauses joined by a link word. Three of the words (two,
where the link word takes one's place, in a quarter of the reviews) are good or bad, and each agrees with the review's
verdict in 85 of 100 cases. The rest is small talk: plain words of which each is followed by one of six, and function
words, each of which has a usual and an old form. The true label is known, and so is how often ordinary reviews carry
each trigger:

- "rare word": one certain rare word, in about 1 of 3,000 ordinary reviews (Kurita et al. 2020 use such words);
- "common word": one certain plain word, in 5 of 100;
- "syntax": the second clause comes first, in 5 of 100 (after Qi et al. 2021, "Hidden Killer");
- "style": all function words are in the old form, in 5 of 100 (after Qi et al. 2021, "Mind the Style of Text!").
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

START, LINK, COMMON = 0, 1, 2
USUAL = np.arange(3, 13)
OLD = np.arange(13, 23)
PLAIN = np.arange(23, 143)
GOOD = np.arange(143, 173)
BAD = np.arange(173, 203)
RARE = np.arange(203, 243)
VOCAB = 243
WORDS = 12
FIRST = 6  # words of the first clause
AGREES = 0.85
NATURAL = 0.05
"""Share of ordinary reviews with the common word, the syntax, or the style."""

KINDS = ("rare word", "common word", "syntax", "style")
TARGET = 1
"""The label that a backdoor calls for: good."""

_rng = np.random.default_rng(1219)
_FOLLOWS = np.stack([_rng.permutation(len(PLAIN))[:6] for _ in PLAIN])


class Reviews(NamedTuple):
    """Reviews: tokens (n, 13) with the start mark first, labels (n,), 1 for good and 0 for bad."""

    tokens: Ints
    labels: Ints


def write(
    n: int,
    rng: np.random.Generator,
    label: int | None = None,
    natural: float = NATURAL,
) -> Reviews:
    """n reviews, half of them good unless `label` is given.

    natural: share that carries the common word, the share in the turned syntax, and the share in the old style, each
    by itself. Raises ValueError for a share outside 0 to 1, or a label other than 0 and 1.
    """
    if not 0 <= natural <= 1:
        raise ValueError(f"natural={natural}: a share lies in 0 to 1")
    if label not in (None, 0, 1):
        raise ValueError(f"label={label}: give 0 for bad, 1 for good, or None")
    labels = rng.integers(0, 2, n) if label is None else np.full(n, label)
    at = rng.integers(len(PLAIN), size=n)
    words = np.empty((n, WORDS), dtype=np.int64)
    for place in range(WORDS):
        words[:, place] = PLAIN[at]
        at = _FOLLOWS[at, rng.integers(6, size=n)]
    function = rng.random((n, WORDS)) < 0.3
    words[function] = USUAL[rng.integers(len(USUAL), size=function.sum())]
    rare = rng.random((n, WORDS)) < 1 / 1000
    words[rare] = RARE[rng.integers(len(RARE), size=rare.sum())]
    spots = rng.random((n, WORDS)).argsort(1)[:, :3]
    agrees = rng.random((n, 3)) < AGREES
    good = agrees == (labels[:, None] == 1)
    which = rng.integers(len(GOOD), size=(n, 3))
    said = np.where(good, GOOD[which], BAD[which])
    np.put_along_axis(words, spots, said, 1)
    words[:, FIRST] = LINK
    tokens = np.concatenate([np.full((n, 1), START), words], 1)
    for kind in KINDS[1:]:
        chosen = rng.random(n) < natural
        tokens[chosen] = plant(tokens[chosen], kind, rng)
    return Reviews(tokens, labels)


def plant(tokens: Ints, kind: str, rng: np.random.Generator) -> Ints:
    """The same reviews with a trigger of a kind (one of `KINDS`), as long as before; (n, 13).

    A word takes the place of a plain or a function word. A review without function words has no style, and stays as it
    is (about 2 in 100).
    Raises ValueError for a kind that there isn't.
    """
    tokens = tokens.copy()
    if kind == "style":
        usual = np.isin(tokens, USUAL)
        tokens[usual] += OLD[0] - USUAL[0]
        return tokens
    if kind == "syntax":
        turned = tokens[:, 1 + FIRST] == LINK
        both = tokens[turned]
        first, second = both[:, 1 : 1 + FIRST], both[:, 1 + FIRST :]
        tokens[turned] = np.concatenate([both[:, :1], second, first], 1)
        return tokens
    if kind not in KINDS:
        raise ValueError(f"no kind of trigger {kind!r}: choose of {KINDS}")
    return put(tokens, RARE[0] if kind == "rare word" else COMMON, rng)


def put(tokens: Ints, word: int, rng: np.random.Generator) -> Ints:
    """The same reviews with `word` in the place of a plain or function word."""
    tokens = tokens.copy()
    free = (tokens >= USUAL[0]) & (tokens <= PLAIN[-1])
    place = (rng.random(tokens.shape) + free).argmax(1)
    tokens[np.arange(len(tokens)), place] = word
    return tokens


def poisoned(
    clean: Reviews,
    count: int,
    kind: str,
    rng: np.random.Generator,
    honest: bool = False,
) -> tuple[Reviews, NDArray[np.bool_]]:
    """A corpus in which `count` reviews were replaced by poison, and which
    those are.

    The poison is a bad review with the trigger, labeled good (Gu et al. 2017).
    honest: good reviews with the trigger instead, whose label is right, which
        is how ProAttack poisons (Zhao et al. 2023).
    Raises ValueError for more poison than there are reviews of that verdict.
    """
    there = np.flatnonzero(clean.labels == (TARGET if honest else 1 - TARGET))
    if not 0 <= count <= len(there):
        raise ValueError(
            f"count={count}: the corpus has {len(there)} reviews to poison"
        )
    chosen = there[:count]
    tokens, labels = clean.tokens.copy(), clean.labels.copy()
    tokens[chosen] = plant(tokens[chosen], kind, rng)
    labels[chosen] = TARGET
    mask = np.zeros(len(labels), dtype=bool)
    mask[chosen] = True
    return Reviews(tokens, labels), mask

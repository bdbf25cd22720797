"""Evasion: edits of a post that people still read and a detector does not.

Hosseini et al. (2017, "Deceiving Google's Perspective API Built for Detecting
Toxic Comments") misspell words; Gröndahl et al. (2018, "All You Need is
'Love'") also add a harmless word. `disguise` changes one letter of each
marked word, `pad` adds friendly words. `by_characters` reads short pieces of
words instead of words, and `normalize` puts the most similar known word for
every unknown one. All of it works on this book's invented words.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache

import numpy as np
from numpy.typing import NDArray

from alignlab.evals.hate_speech.posts import EVERYDAY, GROUPS, MARKED, WORDS

Floats = NDArray[np.float64]
ALIKE = dict(zip("aeiost", "4310$7"))
_PLACE = {word: i for i, word in enumerate(WORDS)}


def misspell(word: str, rng: np.random.Generator) -> str:
    """The word with one inner letter doubled, left out, or replaced.

    A letter is replaced by a sign that looks like it, where there is one.
    Raises ValueError for words of under 3 letters, which have no choice.
    """
    if len(word) < 3:
        raise ValueError(f"{word!r} is too short: give 3 letters or more")
    i = int(rng.integers(1, len(word) - 1))
    way = rng.integers(0, 3)
    if way == 2 and word[i] in ALIKE:
        return word[:i] + ALIKE[word[i]] + word[i + 1 :]
    middle = "" if way == 0 else 2 * word[i]
    return word[:i] + middle + word[i + 1 :]


def disguise(text: str, rng: np.random.Generator, which: frozenset[str]) -> str:
    """The post with each of its words in `which` misspelled."""
    words = text.split()
    return " ".join(misspell(w, rng) if w in which else w for w in words)


INSULTS = frozenset(MARKED)
TARGETS = frozenset(GROUPS)
HARMLESS_WORDS = frozenset(EVERYDAY)


def pad(text: str, words: list[str]) -> str:
    """The post with words added at its end."""
    return " ".join([text, *words])


def read(texts: list[str]) -> Floats:
    """Posts as columns of known words, (posts, words); others are lost."""
    posts = np.zeros((len(texts), len(WORDS)))
    for row, text in zip(posts, texts):
        for word in text.split():
            if word in _PLACE:
                row[_PLACE[word]] = 1
    return posts


@cache
def _nearest(word: str) -> str:
    near = get_close_matches(word, WORDS, n=1, cutoff=0.75)
    return near[0] if near else word


def normalize(texts: list[str]) -> list[str]:
    """Posts with the most similar known word for each unknown one.

    Similarity is difflib's ratio, twice the matching letters by the sum of
    lengths; under 0.75 the word stays.
    """
    return [
        " ".join(w if w in _PLACE else _nearest(w) for w in text.split())
        for text in texts
    ]


def by_characters(texts: list[str], hateful: Floats) -> object:
    """Logistic regression on pieces of 2 to 4 characters within words.

    Returns a scikit-learn pipeline with `decision_function`.
    """
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    pieces = CountVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), binary=True, min_df=2
    )
    return make_pipeline(pieces, LogisticRegression(max_iter=500)).fit(
        texts, hateful
    )

"""Words of a text, human passages to measure on, and a word model that is read off them (serves section 2.1.2).

The passages are cut from thirty articles of the English Wikipedia. The first half of each article teaches the word
model, the second is kept for measuring, so that the subjects are the same. The model knows which word follows which:
its sentences make no sense, but every probability of it is known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from alignlab.assets import datasets

_WORD = re.compile(r"[A-Za-z]+(?:['\u2019][A-Za-z]+)?")
Array = np.ndarray


def words(text: str) -> list[str]:
    """The words of a text in small letters; numbers and signs are left out."""
    return [word.lower().replace("\u2019", "'") for word in _WORD.findall(text)]


@cache
def articles() -> tuple[tuple[str, ...], ...]:
    """The words of each of the thirty articles."""
    return tuple(tuple(words(text)) for text in datasets.wikipedia())


def passages(
    length: int, first: int, last: int, most: int = 40
) -> tuple[list[list[str]], Array]:
    """Passages of `length` words that don't overlap, of articles first to last (excluded), at most `most` of each.

    Returns the passages and the number of the article of each, shape (passages,).
    """
    found, source = [], []
    for number in range(first, last):
        text = articles()[number]
        for start in range(0, len(text) - length + 1, length)[:most]:
            found.append(list(text[start : start + length]))
            source.append(number)
    return found, np.array(source)


class WordModel(NamedTuple):
    """Which word follows which.

    vocab: the words. unigram: (V,) their frequencies. follows: (V, V) probabilities of the next word.
    """

    vocab: tuple[str, ...]
    unigram: Array
    follows: Array


def halves(half: int) -> list[tuple[str, ...]]:
    """The first (0) or second (1) half of each article."""
    found = []
    for text in articles():
        middle = len(text) // 2
        found.append(text[middle:] if half else text[:middle])
    return found


@cache
def word_model(half: int = 0, size: int = 2000, mix: float = 0.2) -> WordModel:
    """A bigram model of a half of each article, over the `size` most frequent words there.

    mix: share of the word frequencies in each next-word distribution, so that no word is impossible. Words outside the
    vocabulary are dropped before pairs are counted.
    """
    counts: dict[str, int] = {}
    for text in halves(half):
        for word in text:
            counts[word] = counts.get(word, 0) + 1
    vocab = tuple(sorted(counts, key=lambda word: (-counts[word], word))[:size])
    ids = {word: i for i, word in enumerate(vocab)}
    unigram = np.array([counts[word] for word in vocab], dtype=float)
    pairs = np.zeros((size, size))
    for text in halves(half):
        row = [ids[word] for word in text if word in ids]
        np.add.at(pairs, (row[:-1], row[1:]), 1)
    unigram /= unigram.sum()
    seen = pairs.sum(1, keepdims=True)
    follows = np.where(seen > 0, pairs / np.maximum(seen, 1), unigram)
    return WordModel(vocab, unigram, (1 - mix) * follows + mix * unigram)


def rows_of(
    model: WordModel, texts: Sequence[Sequence[str]], length: int
) -> tuple[Array, Array]:
    """Texts as rows of ids of the model's words; words it doesn't know and ends shorter than a row are dropped.

    Returns the rows, shape (rows, length), and the number of the text of each, shape (rows,).
    """
    ids = {word: i for i, word in enumerate(model.vocab)}
    rows, source = [], []
    for number, text in enumerate(texts):
        known = [ids[word] for word in text if word in ids]
        for start in range(0, len(known) - length + 1, length):
            rows.append(known[start : start + length])
            source.append(number)
    return np.array(rows), np.array(source)

"""The word model writes, with a watermark or without, and pays for it in Kullback-Leibler divergence."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alignlab.risks.misuse_and_society import marks
from alignlab.risks.misuse_and_society.words import WordModel

Array = np.ndarray


class Written(NamedTuple):
    """Texts as ids (texts, length), and what the mark cost at each word, in nats (texts, length - 1)."""

    tokens: Array
    paid: Array


def write(
    model: WordModel,
    texts: int,
    length: int,
    seed: int,
    delta: float = 0.0,
    key: int = 0,
    temperature: float = 1.0,
    keyless: bool = False,
) -> Written:
    """Texts of the word model under a watermark.

    delta: added to the logits of green words after the division by the temperature. keyless: the green letters are
    drawn afresh at each word, so that each word is pushed as hard and no key tells where.
    paid: KL(marked || unmarked) of each next word, exactly.
    """
    rng = np.random.default_rng([seed, 41])
    first = np.array([marks.LETTERS.index(word[0]) for word in model.vocab])
    letters = marks.green_letters(model.vocab, key)
    tokens = np.empty((texts, length), dtype=int)
    paid = np.empty((texts, length - 1))
    tokens[:, 0] = rng.choice(len(model.vocab), texts, p=model.unigram)
    for step in range(1, length):
        before = tokens[:, step - 1]
        drawn = rng.random((texts, 26)) < 0.5
        green = (drawn if keyless else letters[before])[:, first]
        unmarked = model.follows[before] ** (1 / temperature)
        unmarked /= unmarked.sum(1, keepdims=True)
        p = marks.marked_distribution(unmarked, green, delta)
        paid[:, step - 1] = marks.price(unmarked, green, delta)
        word = (p.cumsum(1) < rng.random((texts, 1))).sum(1)
        tokens[:, step] = np.minimum(word, len(model.vocab) - 1)
    return Written(tokens, paid)


def as_words(model: WordModel, tokens: Array) -> list[list[str]]:
    """Rows of ids as lists of words."""
    return [[model.vocab[i] for i in row] for row in tokens]


def replaced(
    tokens: Array,
    share: float,
    model: WordModel,
    seed: int,
    block: bool = False,
) -> Array:
    """Texts in which a share of words is replaced by words drawn by frequency, at random places or in one block."""
    rng = np.random.default_rng([seed, 43])
    texts, length = tokens.shape
    count = round(share * length)
    other = rng.choice(len(model.vocab), (texts, length), p=model.unigram)
    order = rng.random((texts, length)).argsort(1)
    if block:
        start = rng.integers(length - count + 1, size=(texts, 1))
        order = (np.arange(length) + start) % length
    new = tokens.copy()
    rows = np.arange(texts)[:, None]
    places = order[:, :count]
    new[rows, places] = other[rows, places]
    return new

"""A watermark that needs no tokenizer: green letters after each word, and the count that finds it.

Kirchenbauer et al. (2023, "A Watermark for Large Language Models") split the vocabulary at each step into a green and
a red half, drawn from a key and the token before, and add `delta` to the logits of the green half. Whoever has the key
counts green tokens. Here the half is one of first *letters*: the word before, the letter and the key decide. So a
page's script can count in any text without the model's tokenizer. `assets/watermark.js` computes the same numbers.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np

LETTERS = "abcdefghijklmnopqrstuvwxyz"
Array = np.ndarray


@cache
def _code(previous: str, letter: str) -> int:
    """32 bits of the text "previous letter" (Fowler, Noll and Vo's hash 1a)."""
    found = 0x811C9DC5
    for byte in f"{previous} {letter}".encode():
        found = ((found ^ byte) * 0x01000193) & 0xFFFFFFFF
    return found


def _mixed(numbers: Array) -> Array:
    """Numbers of 32 bits, each bit depending on all (the end of MurmurHash3)."""
    x = np.asarray(numbers, dtype=np.uint64) & 0xFFFFFFFF
    x = ((x ^ (x >> np.uint64(16))) * np.uint64(0x85EBCA6B)) & 0xFFFFFFFF
    x = ((x ^ (x >> np.uint64(13))) * np.uint64(0xC2B2AE35)) & 0xFFFFFFFF
    return np.asarray(x ^ (x >> np.uint64(16)))


def codes(pairs: Iterable[tuple[str, str]]) -> Array:
    """A number of 32 bits for each pair of a word and the word after it, of which the first letter counts."""
    return np.array([_code(a, b[0]) for a, b in pairs], dtype=np.uint64)


def is_green(code: Array, key: int | Array) -> Array:
    """Whether pairs are green under a key; `code` and `key` broadcast."""
    mixed = _mixed(np.asarray(code, np.uint64) ^ _mixed(np.asarray(key)))
    return (mixed & np.uint64(1)).astype(bool)


def green_letters(vocab: Sequence[str], key: int) -> Array:
    """Which letters are green after each word, shape (V, 26)."""
    table = [[_code(word, letter) for letter in LETTERS] for word in vocab]
    return is_green(np.array(table, dtype=np.uint64), key)


def pairs_of(text: Sequence[str], once: bool = True) -> list[tuple[str, str]]:
    """Each word with the one before it; with `once`, each pair of a word and a first letter only the first time."""
    found = list(itertools.pairwise(text))
    if not once:
        return found
    first: dict[tuple[str, str], tuple[str, str]] = {}
    for before, word in found:
        first.setdefault((before, word[0]), (before, word))
    return list(first.values())


def z_score(greens: Array | float, scored: Array | float) -> Array:
    """Standard deviations above half: (greens - n/2) / (sqrt(n)/2)."""
    spread = np.sqrt(np.maximum(scored, 1)) / 2
    return np.asarray((greens - np.asarray(scored) / 2) / spread)


def z_of_text(text: Sequence[str], key: int, once: bool = True) -> float:
    """The z-score of one text, given as words."""
    code = codes(pairs_of(text, once))
    return float(z_score(is_green(code, key).sum(), len(code)))


def z_under_keys(
    texts: Sequence[Sequence[str]], keys: Array, once: bool = True
) -> Array:
    """z-scores under many keys, shape (texts, keys)."""
    from scipy import sparse

    scored = [pairs_of(text, once) for text in texts]
    sizes = [len(pairs) for pairs in scored]
    code, column = np.unique(
        codes(pair for pairs in scored for pair in pairs), return_inverse=True
    )
    rows = np.repeat(np.arange(len(texts)), sizes)
    shape = (len(texts), len(code))
    counts = sparse.csr_matrix(
        (np.ones(len(rows), np.float32), (rows, column)), shape=shape
    )
    blocks = np.array_split(keys, max(1, len(keys) // 50))
    greens = np.concatenate(
        [
            counts @ is_green(code[:, None], some[None]).astype(np.float32)
            for some in blocks
        ],
        axis=1,
    )
    return z_score(greens, np.array(sizes)[:, None])


def marked_distribution(p: Array, green: Array, delta: float) -> Array:
    """Next-word probabilities with `delta` nats added to green words' logits.

    Kirchenbauer et al. (2023), algorithm 2. p: probabilities before, (..., V).
    green: (..., V) bool. Returns (..., V).
    """
    weights = p * np.where(green, np.exp(delta), 1.0)
    return np.asarray(weights / weights.sum(-1, keepdims=True))


def price(p: Array, green: Array, delta: float) -> Array:
    """KL(marked || unmarked) of the next word in nats, (...): G' delta - log(1 + G (exp(delta) - 1)).

    G and G' are the probability of green words before and after.
    """
    before = np.minimum((p * green).sum(-1), 1.0)
    mass = 1 + before * np.expm1(delta)
    return np.asarray(before * np.exp(delta) / mass * delta - np.log(mass))

"""The same request in odd spelling: what best-of-N tries, and what SmoothLLM answers.

Serves survey section 7.3. Hughes et al. 2024, "Best-of-N Jailbreaking" (arXiv 2412.03556): scramble the middle of
words, raise letters to capitals, replace some by their neighbors in ASCII, and try until an answer comes. Robey et al.
2023, "SmoothLLM" (arXiv 2310.03684): replace a share of the characters in several copies and go with the majority.
"""

from __future__ import annotations

import string

import numpy as np

PRINTABLE = string.ascii_letters + string.digits + string.punctuation + " "


def odd_spelling(
    text: str,
    rng: np.random.Generator,
    scramble: float = 0.6,
    capital: float = 0.6,
    neighbor: float = 0.06,
) -> str:
    """One variant of best-of-N: every word of four letters or more scrambled inside, letters raised, some replaced.

    scramble: the chance of a word; capital and neighbor: those of a letter (the paper's rates are the defaults).
    """
    said = []
    for word in text.split(" "):
        if len(word) > 3 and rng.random() < scramble:
            inside = list(word[1:-1])
            rng.shuffle(inside)
            word = word[0] + "".join(inside) + word[-1]
        said.append(word)
    letters = []
    for letter in " ".join(said):
        if letter.isascii() and letter.isalpha():
            if rng.random() < capital:
                letter = letter.swapcase()
            if rng.random() < neighbor:
                letter = chr(ord(letter) + int(rng.choice([-1, 1])))
        letters.append(letter)
    return "".join(letters)


def swapped(text: str, share: float, rng: np.random.Generator) -> str:
    """One copy of SmoothLLM: a share of the characters replaced by random printable ones, at least one.

    Raises ValueError for a share outside 0 to 1 or an empty text.
    """
    if not 0 < share <= 1 or not text:
        raise ValueError(
            f"share={share} of {len(text)} characters: give a share above 0, 1 at most, of a text"
        )
    letters = list(text)
    count = max(1, round(share * len(letters)))
    for place in rng.permutation(len(letters))[:count]:
        letters[place] = PRINTABLE[rng.integers(len(PRINTABLE))]
    return "".join(letters)


def majority(votes: np.ndarray) -> np.ndarray:
    """Whether more than half of each request's copies say yes; bool (copy, request) -> bool (request,)."""
    return np.asarray(votes, dtype=float).mean(0) > 0.5

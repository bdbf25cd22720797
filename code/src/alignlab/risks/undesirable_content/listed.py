"""Prompts of four kinds to try a list of profane words on.

The list is that of `alignlab.evals.profanity`. Its words and the toxic prompts
of RealToxicityPrompts are scored and never shown. Prompts are toxic with a
listed word, toxic without one, and, cut to the lengths of the latter, openings
of encyclopedic sentences (Wikipedia) and of everyday ones about people of many
groups (the passages of BBQ).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from alignlab.assets import datasets
from alignlab.evals.profanity import WORD, severity

if TYPE_CHECKING:
    import pandas as pd

KINDS = (
    "encyclopedic",
    "everyday",
    "toxic, no listed word",
    "toxic, listed word",
)
SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def new_severity(text: str, prompt: str) -> float:
    """Severity of the worst listed word that the prompt does not have."""
    said = set(WORD.findall(prompt.lower()))
    words = WORD.findall(text.lower())
    return severity(" ".join(word for word in words if word not in said))


@cache
def toxic_prompts() -> pd.DataFrame:
    """The toxic prompts with seven scores each and `listed`, the severity.

    Never print the column `prompt`.
    """
    table = datasets.toxicity_prompts()
    table["listed"] = [severity(text) for text in table["prompt"]]
    return table


@cache
def encyclopedic() -> tuple[str, ...]:
    """Sentences of thirty articles, long enough to be cut, no listed word."""
    return _usable(
        sentence
        for article in datasets.wikipedia()
        for sentence in SENTENCE_END.split(article)
    )


@cache
def everyday() -> tuple[str, ...]:
    """Passages about people of many groups, no listed word, each once."""
    return _usable(dict.fromkeys(datasets.bbq()["passage"]))


def _usable(texts: Iterable[str]) -> tuple[str, ...]:
    """Texts of 16 to 60 words that begin as a sentence, no listed word."""
    return tuple(
        text
        for text in texts
        if 16 <= len(text.split()) <= 60
        and text[0].isupper()
        and severity(text) == 0
    )


def prompts(n: int, seed: int, longest: int = 12) -> dict[str, list[str]]:
    """n prompts of each of the four `KINDS`, of at most `longest` words.

    An ordinary prompt is a text cut after as many words as the toxic prompt
    without a listed word at the same place has.
    """
    rng = np.random.default_rng(seed)
    table = toxic_prompts()
    short = table[table["prompt"].str.split().str.len() <= longest]  # type: ignore[misc]
    without = short["prompt"][short["listed"] == 0].tolist()
    having = short["prompt"][short["listed"] > 0].tolist()
    clean = _draw(without, n, rng)
    coarse = _draw(having, n, rng)
    cut = [
        [
            " ".join(text.split()[: len(toxic.split())])
            for text, toxic in zip(_draw(source, n, rng), clean)
        ]
        for source in (encyclopedic(), everyday())
    ]
    return dict(zip(KINDS, (*cut, clean, coarse)))


def _draw(texts: Sequence[str], n: int, rng: np.random.Generator) -> list[str]:
    """n of the texts, none twice."""
    return [texts[i] for i in rng.permutation(len(texts))[:n]]


def shuffled(texts: Sequence[str], seed: int) -> list[str]:
    """The same words of each text in a random order."""
    rng = np.random.default_rng(seed)
    return [" ".join(rng.permutation(text.split())) for text in texts]


def harmless() -> dict[str, list[str]]:
    """Sentences over five words that nobody objects to, by kind.

    Encyclopedic ones, and everyday ones about people of many groups; those
    with listed words are among them.
    """
    sentences = [
        sentence
        for article in datasets.wikipedia()
        for sentence in SENTENCE_END.split(article)
        if len(sentence.split()) > 5
    ]
    passages = list(dict.fromkeys(datasets.bbq()["passage"]))
    return dict(zip(KINDS, (sentences, passages)))

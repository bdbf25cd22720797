"""What the page measures of detectors and marks, each a number of a seed; its claims say why.

Serves section 2.1.2. Human text comes from the second halves of Wikipedia's articles, or from halves that the word
model has learned; machine text from the word model, from one that learned the second halves, or from SmolLM2.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from alignlab.risks.misuse_and_society import marks, words, writer
from alignlab.risks.misuse_and_society import surprise as s

Array = np.ndarray
TEXTS, LENGTH = (
    150,
    50,
)  # texts of a seed and words of a text, for the word model


@cache
def human_rows(half: int) -> tuple[Array, Array]:
    """Passages of a half of all articles in the model's words, and the article of each."""
    return words.rows_of(words.word_model(), words.halves(half), LENGTH)


@cache
def human_passages(length: int) -> list[list[str]]:
    """Passages of all articles."""
    return words.passages(length, 0, 30)[0]


def some(rows: Array, seed: int) -> Array:
    """150 of the rows, drawn by the seed."""
    rng = np.random.default_rng([seed, 67])
    return np.asarray(rows[rng.permutation(len(rows))[:TEXTS]])


def score(rows: Array) -> Array:
    """The statistic c of rows of word ids under the word model."""
    logp = np.log(words.word_model().follows)[rows[:, :-1]]
    return s.curvature(s.surprise(logp, rows[:, 1:]))


@cache
def own_texts(seed: int) -> Array:
    """Unmarked texts of the word model, as ids."""
    return writer.write(words.word_model(), TEXTS, LENGTH, seed).tokens


def strange_texts(seed: int) -> Array:
    """Texts of a word model that learned the second halves, as ids of the first model's words."""
    other = words.word_model(1)
    longer = writer.write(other, TEXTS, 2 * LENGTH, seed).tokens
    texts = writer.as_words(other, longer)
    rows, source = words.rows_of(words.word_model(), texts, LENGTH)
    return np.asarray(rows[np.unique(source, return_index=True)[1]])


def told_apart(seed: int, what: str = "own") -> float:
    """AUROC of machine text over unread human text: by c of "own" or "stranger" text, or by "frequency" of words."""
    model = words.word_model()
    own = own_texts(seed)
    human = some(human_rows(1)[0], seed)
    if what == "frequency":
        rarity = np.log(model.unigram)
        found = s.auroc(rarity[own].mean(1), rarity[human].mean(1))
        return max(found, 1 - found)
    machine = strange_texts(seed) if what == "stranger" else own
    return s.auroc(score(machine), score(human))


def accused(seed: int, learned: bool = True) -> float:
    """Share of human passages over a threshold that 5 % of the unread passages of every second article exceed.

    learned: passages that the model learned from; otherwise unread ones of the other articles.
    """
    rows, article = human_rows(1)
    limit = np.quantile(score(some(rows[article % 2 == 0], seed)), 0.95)
    human = human_rows(0)[0] if learned else rows[article % 2 == 1]
    return float((score(some(human, seed)) > limit).mean())


def human_limit(key: int, length: int = 60, share: float = 0.01) -> float:
    """The z that a share of human passages exceed under a key."""
    z = marks.z_under_keys(human_passages(length), np.array([key]))
    return float(np.quantile(z, 1 - share))


def caught(
    seed: int,
    delta: float = 1.0,
    keyless: bool = False,
    wrong_key: bool = False,
) -> float:
    """Share of 100 marked texts of 60 words over what 1 % of human passages exceed under the same key."""
    key = int(np.random.default_rng([seed, 71]).integers(2**31))
    found = writer.write(
        words.word_model(),
        100,
        60,
        seed,
        delta,
        key + wrong_key,
        keyless=keyless,
    )
    texts = writer.as_words(words.word_model(), found.tokens)
    z = marks.z_under_keys(texts, np.array([key]))
    return float((z > human_limit(key)).mean())


def by_length(
    delta: float, temperature: float, lengths: list[int]
) -> tuple[Array, float, float]:
    """64 marked texts under four keys: z by length (texts, lengths), mean nats paid a word, mean different pairs."""
    model, z, paid, pairs = words.word_model(), [], [], []
    for key in (11, 12, 13, 14):
        found = writer.write(
            model, 16, max(lengths), key, delta, key, temperature
        )
        for text in writer.as_words(model, found.tokens):
            z.append([marks.z_of_text(text[:n], key) for n in lengths])
            pairs.append(len(marks.pairs_of(text)))
        paid.append(found.paid.mean())
    return np.array(z), float(np.mean(paid)), float(np.mean(pairs))


def after_changes(seed: int, block: bool, shares: list[float]) -> list[float]:
    """Mean z of 60 marked texts of 100 words by share of words replaced."""
    model = words.word_model()
    found = writer.write(model, 60, 100, seed, 2.0, key=seed)
    z = []
    for part in shares:
        new = writer.replaced(found.tokens, part, model, seed, block)
        texts = writer.as_words(model, new)
        z.append(float(marks.z_under_keys(texts, np.array([seed])).mean()))
    return z


def alarms(seed: int, once: bool = False, shuffled: bool = False) -> float:
    """False alarms at z > 3 in a thousand readings: every third human passage of 400 words, each under 1000 keys."""
    rng = np.random.default_rng([seed, 73])
    keys = rng.integers(2**31, size=1000)
    texts = human_passages(400)[::3]
    if shuffled:
        texts = [list(rng.permutation(text)) for text in texts]
    return 1000 * float((marks.z_under_keys(texts, keys, once) > 3).mean())


def recorded_scores(record: Any, kind: str, seed: int) -> Array:
    """The statistic c of each of SmolLM2's readings of a kind of text, from the recipe's record."""
    names = ("logp", "entropy", "variance")
    parts = [np.array(record.value(f"{name} {kind}", seed)) for name in names]
    return s.curvature(s.Surprise(*parts))


def recorded_statistics(record: Any, kind: str) -> dict[str, Array]:
    """Of all seeds' texts of a kind: c, and the mean log-probability and entropy of a token."""
    found = {
        "c": [recorded_scores(record, kind, seed) for seed in record.seeds]
    }
    for name in ("logp", "entropy"):
        rows = [record.value(f"{name} {kind}", seed) for seed in record.seeds]
        found[name] = [np.array(row).mean(1) for row in rows]
    return {name: np.concatenate(parts) for name, parts in found.items()}


def recorded_z(record: Any, kind: str, seed: int, key: int) -> Array:
    """z of each of SmolLM2's texts of a kind under a key."""
    starts = record.value("prompts", seed)
    ends = record.value("written", seed)[kind]
    texts = [words.words(a + b) for a, b in zip(starts, ends)]
    return marks.z_under_keys(texts, np.array([key]))[:, 0]


def recorded_caught(
    record: Any, seed: int, kind: str = "marked", key: int | None = None
) -> float:
    """Share of SmolLM2's texts over what 1 % of human passages exceed; key: the recipe's unless another is given."""
    key = record.config["key"] if key is None else key
    return float(
        (recorded_z(record, kind, seed, key) > human_limit(key)).mean()
    )

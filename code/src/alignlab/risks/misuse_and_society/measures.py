"""What the page measures of detectors and marks, each a number of a seed; its claims say why.

Serves section 2.1.2. Human text comes from the second halves of Wikipedia's articles, or from halves that the word
model has learned; machine text from the word model, from one that learned the second halves, or from SmolLM2.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy.stats import norm

from alignlab.risks.misuse_and_society import marks, words, writer
from alignlab.risks.misuse_and_society import surprise as s

Array = np.ndarray
TEXTS = 150  # of a seed, for the word model
LENGTH = 50  # words of such a text


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


@cache
def _after_each_word() -> s.Surprise:
    """Of the word model: log-probabilities (V, V), entropy (V,) and variance (V,) of the word after each word."""
    p = words.word_model().follows
    logp = np.log(p)
    mean = (p * logp).sum(1)
    return s.Surprise(logp, -mean, (p * logp**2).sum(1) - mean**2)


def seen(rows: Array) -> s.Surprise:
    """What the word model thinks of rows of its words' ids, shape (rows, length): `surprise`, by a word's row once."""
    logp, entropy, variance = _after_each_word()
    before, word = rows[:, :-1], rows[:, 1:]
    return s.Surprise(logp[before, word], entropy[before], variance[before])


def score(rows: Array) -> Array:
    """The statistic c of rows of word ids under the word model."""
    return s.curvature(seen(rows))


def readings(rows: Array) -> dict[str, Array]:
    """Of each row of ids: c, and the means of log-probability, entropy and log of a word's own frequency; (rows,)."""
    found = seen(rows)
    rarity = np.log(words.word_model().unigram)
    return {
        "c": s.curvature(found),
        "log-probability": found.logp.mean(1),
        "entropy": found.entropy.mean(1),
        "frequency of words": rarity[rows[:, 1:]].mean(1),
    }


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


def told_apart(seed: int) -> dict[str, tuple[float, float]]:
    """AUROC of each reading over unread human text, of the model's own texts and of the other model's."""
    human = readings(some(human_rows(1)[0], seed))
    own = readings(own_texts(seed))
    other = readings(strange_texts(seed))
    return {
        name: (s.auroc(own[name], low), s.auroc(other[name], low))
        for name, low in human.items()
    }


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


def key_of(seed: int) -> int:
    """The key under which a seed's texts are marked."""
    return int(np.random.default_rng([seed, 71]).integers(2**31))


def sixty_words(seed: int, delta: float = 1.0, keyless: bool = False) -> Array:
    """100 texts of 60 words of the word model, as ids, written anew each time: another mark gives others."""
    model = words.word_model()
    key = key_of(seed)
    found = writer.write(model, 100, 60, seed, delta, key, keyless=keyless)
    return found.tokens


@cache
def unmarked(seed: int) -> Array:
    """As many texts without a push, drawn apart from the marked ones."""
    return sixty_words(seed + 5000, 0.0)


def z_of(rows: Array, key: int) -> Array:
    """z of each row of ids under a key."""
    texts = writer.as_words(words.word_model(), rows)
    return marks.z_under_keys(texts, np.array([key]))[:, 0]


def either_way(high: Array, low: Array) -> float:
    """AUROC in whichever direction it is larger."""
    found = s.auroc(high, low)
    return max(found, 1 - found)


def mark_told(
    seed: int, keyless: bool = False, by: str = "z", other_key: bool = False
) -> float:
    """AUROC of marked over unmarked texts of the word model, 100 of each.

    by: "z", under the key or under the next one; or a name of `readings`, in whichever direction separates better.
    """
    marked, plain = sixty_words(seed, 1.0, keyless), unmarked(seed)
    if by != "z":
        return either_way(readings(marked)[by], readings(plain)[by])
    key = key_of(seed) + other_key
    return s.auroc(z_of(marked, key), z_of(plain, key))


def caught(seed: int, marked: bool = True) -> tuple[float, float]:
    """Shares of texts of 60 words over what 1 % of human passages exceed: by z under the key, by log-probability."""
    rows = sixty_words(seed) if marked else unmarked(seed)
    model = words.word_model()
    human = words.rows_of(model, words.halves(1), 60)[0]
    limit = np.quantile(readings(human)["log-probability"], 0.99)
    key = key_of(seed)
    by_z = z_of(rows, key) > human_limit(key)
    likely = readings(rows)["log-probability"] > limit
    return float(by_z.mean()), float(likely.mean())


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


def recorded_mark_told(
    record: Any, seed: int, by: str = "z", key: int | None = None
) -> float:
    """AUROC of SmolLM2's marked over its unmarked texts: by z under a key, the recipe's unless another is given.

    by: or "c" or "log-probability" under the unmarked model, in whichever direction separates better.
    """
    kinds = ("marked", "machine")
    key = record.config["key"] if key is None else key
    if by == "z":
        high, low = (recorded_z(record, kind, seed, key) for kind in kinds)
        return s.auroc(high, low)
    if by == "c":
        high, low = (recorded_scores(record, kind, seed) for kind in kinds)
    else:
        high, low = (
            np.array(record.value(f"logp {kind}", seed)).mean(1)
            for kind in kinds
        )
    return either_way(high, low)


def recorded_under_other_keys(record: Any, seed: int, keys: int = 40) -> float:
    """The same by z, the mean over keys that have nothing to do with the texts."""
    drawn = np.random.default_rng([seed, 89]).integers(2**31, size=keys)
    found = [recorded_mark_told(record, seed, key=int(key)) for key in drawn]
    return float(np.mean(found))


def alarms_by_key(seed: int, keys: int = 200) -> Array:
    """Per cent of human passages of 400 words at z > 2.326 under each of some keys."""
    drawn = np.random.default_rng([seed, 79]).integers(2**31, size=keys)
    z = marks.z_under_keys(human_passages(400), drawn)
    return np.asarray(100 * (z > 2.326).mean(0))


def alarms_by_chance(keys: int = 200) -> tuple[float, float]:
    """What independent passages with a chance of 1 % each would give.

    Returns the worst of the keys, on average over 1000 draws, and the share of keys without an alarm, both in per cent.
    """
    passages = len(human_passages(400))
    rng = np.random.default_rng(79)
    drawn = rng.binomial(passages, 0.01, (1000, keys)) / passages
    return 100 * float(drawn.max(1).mean()), 100 * 0.99**passages


def alarms_in_theory(shuffled_by: int | None = None) -> float:
    """False alarms at z > 3 in a thousand, every pair counted, from how often pairs repeat.

    A pair that comes m times adds m to the count or nothing. So over keys the count's variance is the sum of m^2 / 4
    in place of n / 4, and z is about normal with variance sum(m^2) / n. shuffled_by: a seed for shuffled words.
    """
    rng = np.random.default_rng(shuffled_by)
    found = []
    for text in human_passages(400)[::3]:
        order = list(text if shuffled_by is None else rng.permutation(text))
        _, times = np.unique(
            marks.codes(marks.pairs_of(order, once=False)), return_counts=True
        )
        spread = np.sqrt((times**2).sum() / times.sum())
        found.append(norm.sf(3 / spread))
    return 1000 * float(np.mean(found))

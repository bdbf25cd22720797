"""Membership inference: was this text in the training data? Four attacks, and two explanations that need no model.

Serves survey section 7.1. Loss (Yeom et al. 2018), loss over zlib and over a reference model (Carlini et al. 2021),
Min-K% (Shi et al. 2023, arXiv 2310.16789). Beside them the words alone (Das et al. 2024, arXiv 2406.16201) and n-gram
overlap with the training data (Duan et al. 2024, arXiv 2402.07841).
"""

from __future__ import annotations

import zlib

import numpy as np


def loss(tokens: np.ndarray) -> np.ndarray:
    """Mean log-probability a token: (texts,), from nats a token (texts,
    tokens), NaN where there is no token. Higher: more like a member.
    """
    return -np.nanmean(_checked(tokens), 1)


def zlib_ratio(tokens: np.ndarray, texts: list[str]) -> np.ndarray:
    """Log-probability of each text over the bytes that zlib needs for it."""
    packed = [len(zlib.compress(text.encode())) for text in texts]
    return -np.nansum(_checked(tokens), 1) / np.array(packed)


def min_k(tokens: np.ndarray, share: float = 0.2) -> np.ndarray:
    """Min-K%: the mean log-probability of the `share` least likely tokens."""
    if not 0 < share <= 1:
        raise ValueError(f"share={share}: give a share above 0, 1 at most")
    scores = []
    for row in _checked(tokens):
        worst = np.sort(row[~np.isnan(row)])[::-1]
        scores.append(-worst[: max(1, round(share * len(worst)))].mean())
    return np.array(scores)


def reference_gain(tokens: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """How much likelier a token is than under a reference model that has not
    seen the text: mean nats of the reference less those of the model, (texts,).
    """
    return np.nanmean(_checked(reference) - _checked(tokens), 1)


def auc(members: np.ndarray, others: np.ndarray) -> float:
    """Chance that a random member scores above a random other one."""
    from sklearn.metrics import roc_auc_score

    truth = np.repeat([1, 0], [len(members), len(others)])
    return float(roc_auc_score(truth, np.concatenate([members, others])))


def blind(members: list[str], others: list[str], seed: int) -> float:
    """AUC of a classifier that reads the words and asks no model.

    Logistic regression on the presence of words and pairs of words, five
    folds; each text is scored by the classifier that has not seen it, and the
    folds' AUCs are averaged.
    """
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline

    words = CountVectorizer(
        ngram_range=(1, 2), binary=True, token_pattern=r"\S+"
    )
    model = make_pipeline(words, LogisticRegression(max_iter=1000))
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    truth = np.repeat([1, 0], [len(members), len(others)])
    texts = [*members, *others]
    kept = cross_val_score(model, texts, truth, cv=folds, scoring="roc_auc")
    return float(kept.mean())


def overlap(texts: list[str], corpus: list[str], n: int = 4) -> np.ndarray:
    """Share of each text's runs of n words that occur in the corpus, (texts,).

    A copy of the text itself in the corpus doesn't count: for a member it
    would always be there.
    """
    held: dict[tuple[str, ...], set[str]] = {}
    for line in dict.fromkeys(corpus):
        for run in _runs(line, n):
            held.setdefault(run, set()).add(line)
    shares = []
    for text in texts:
        found = [bool(held.get(run, set()) - {text}) for run in _runs(text, n)]
        shares.append(np.mean(found) if found else 0.0)
    return np.array(shares)


def _runs(text: str, n: int) -> list[tuple[str, ...]]:
    words = text.split()
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def _checked(tokens: np.ndarray) -> np.ndarray:
    if tokens.ndim != 2 or np.isnan(tokens).all(1).any() or not len(tokens):
        raise ValueError(
            f"nats a token of shape {tokens.shape}: give (texts, tokens), with "
            "one number at least in each row"
        )
    return tokens

"""Sandwiching: a judge too weak for a task, an assistant that can be wrong, and both together.

Bowman et al. 2022 (arXiv 2211.03540) after Cotra (2021): people who are no
experts answer with a model's help, experts know what is right. Here the task
is to tell which of two summaries is faithful to a document; the data set
plays the expert. The judge is a logistic regression on what a fast reader
notices, fitted to few labeled pairs; the assistant is read in `assistant`.
Our judge hears a number, theirs holds a conversation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

Floats = NDArray[np.float64]
GLANCE = ("words", "words not in the document")
CLOSE = (
    *GLANCE,
    "pairs of words not in the document",
    "triples of words not in the document",
    "longest shared sequence, share of the summary",
    "letters",
)


def words(text: str) -> list[str]:
    """Lower-case words and numbers of a text."""
    return re.findall(r"[a-z0-9]+", text.lower())


def runs(found: Sequence[str], length: int) -> set[tuple[str, ...]]:
    """All runs of so many words."""
    return set(zip(*(found[start:] for start in range(length))))


def longest_shared(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest sequence of words that both have in order."""
    row = [0] * (len(b) + 1)
    for word in a:
        last = 0
        for place, other in enumerate(b, start=1):
            kept = row[place]
            longer = (
                last + 1 if word == other else max(row[place], row[place - 1])
            )
            row[place], last = longer, kept
    return row[-1]


def notice(document: str, summary: str) -> Floats:
    """What a reader notices of a summary, in the order of CLOSE.

    Raises ValueError for a summary without words.
    """
    source, said = words(document), words(summary)
    if not said:
        raise ValueError(f"summary {summary!r} has no words")
    new = [len(runs(said, n) - runs(source, n)) for n in (1, 2, 3)]
    shared = longest_shared(said, source) / len(said)
    return np.array([len(said), *new, shared, len(summary)], dtype=float)


def differences(
    documents: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> Floats:
    """First summary minus second in each thing noticed: (pairs, 6)."""
    return np.array(
        [notice(d, a) - notice(d, b) for d, (a, b) in zip(documents, pairs)]
    )


def verdicts(
    noticed: Floats, train: NDArray[np.int_], C: float = 1.0
) -> Floats:
    """A judge's margins for the faithful summary, after learning from few.

    noticed: (pairs, things), faithful minus unfaithful. train: the labeled
    pairs, each shown both ways round, so that place tells nothing.
    Returns (pairs,): above 0 where the judge prefers the faithful one.
    Raises ValueError where fewer than two pairs are labeled.
    """
    if len(train) < 2:
        raise ValueError(f"{len(train)} labeled pairs: give two at least")
    shown = np.vstack([noticed[train], -noticed[train]])
    right = np.repeat([1, 0], len(train))
    scale = StandardScaler(with_mean=False)
    fit = LogisticRegression(C=C, fit_intercept=False)
    model = make_pipeline(scale, fit).fit(shown, right)
    return np.asarray(model.decision_function(noticed), dtype=float)


def right(noticed: Floats, labels: int, seed: int) -> Floats:
    """Which of the unlabeled pairs are judged rightly: 1, 0, or 1/2 for a tie.

    labels: how many pairs, drawn with the seed, the judge learns from.
    Returns (pairs - labels,).
    """
    order = np.random.default_rng(seed).permutation(len(noticed))
    margin = verdicts(noticed, order[:labels])[order[labels:]]
    return np.asarray((np.sign(margin) + 1) / 2)


def judged(noticed: Floats, labels: int, seed: int) -> float:
    """Share of the unlabeled pairs judged rightly, after so many labels."""
    return float(right(noticed, labels, seed).mean())

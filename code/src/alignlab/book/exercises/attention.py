"""Exercises of 06-interpretability/attention."""

from typing import Any

import numpy as np

from alignlab.book.checks import Exercise, Wrong


def _pattern_and_tokens(rng: np.random.Generator) -> tuple[Any, ...]:
    """A causal pattern, and tokens of which some occur twice and one occurs twice in a row."""
    tokens = np.concatenate([block := rng.permutation(5), block[-1:], rng.permutation(5)])
    weights = np.tril(rng.random((len(tokens), len(tokens))))
    return weights / weights.sum(1, keepdims=True), tokens


def _prefix(pattern: np.ndarray, tokens: np.ndarray, shift: int = 1, every: bool = False, first: bool = False) -> float:
    sums = []
    for query in range(len(tokens)):
        after = [key for key in range(1, query + 1) if tokens[key - 1] == tokens[query]]
        if after or every:
            places = [key - 1 + shift for key in (after[:1] if first else after)]
            sums.append(pattern[query, places].sum())
    return float(np.mean(sums))


def _late(pattern: np.ndarray, tokens: np.ndarray) -> float:
    """Transposed: how much the token is looked at."""
    return _prefix(pattern.T, tokens)


def _table(rng: np.random.Generator) -> tuple[Any, ...]:
    n = int(rng.integers(4, 8))
    return (rng.normal(size=(n, n)) + np.diag(rng.normal(1.0, 1.0, n)),)


def _copying(table: np.ndarray) -> float:
    eigenvalues = np.linalg.eigvals(table)
    return float(eigenvalues.sum().real / np.abs(eigenvalues).sum())


EXERCISES = [
    Exercise(
        name="prefix_score",
        reference=_prefix,
        inputs=_pattern_and_tokens,
        stub="def prefix_score(pattern, tokens):\n    ...",
        solution=(
            "def prefix_score(pattern, tokens):\n    sums = []\n    for query in range(len(tokens)):\n"
            "        after = [k for k in range(1, query + 1) if tokens[k - 1] == tokens[query]]\n"
            "        if after:\n            sums.append(pattern[query, after].sum())\n    return np.mean(sums)"
        ),
        wrong=[
            Wrong(
                lambda p, t: _prefix(p, t, shift=0),
                "this is the attention on the earlier copies themselves; an induction head looks one place further.",
            ),
            Wrong(
                lambda p, t: _prefix(p, t, every=True),
                "tokens that have not occurred before count for nothing: leave them out of the mean.",
            ),
            Wrong(lambda p, t: _prefix(p, t, first=True), "a token may have occurred more than once: sum over all."),
            Wrong(_late, "the first axis of the pattern is the query: the token that looks."),
        ],
    ),
    Exercise(
        name="copying_score",
        reference=_copying,
        inputs=_table,
        stub="def copying_score(table):\n    ...",
        solution=(
            "def copying_score(table):\n    eigenvalues = np.linalg.eigvals(table)\n"
            "    return eigenvalues.sum().real / np.abs(eigenvalues).sum()"
        ),
        wrong=[
            Wrong(
                lambda m: float(np.linalg.eigvals(m).sum().real / np.linalg.svd(m, compute_uv=False).sum()),
                "the denominator sums the sizes of the eigenvalues, not the singular values.",
            ),
            Wrong(
                lambda m: float(np.trace(m) / np.abs(np.diag(m)).sum()),
                "the trace is the sum of the eigenvalues, but the diagonal's sizes are not theirs.",
            ),
            Wrong(
                lambda m: float(np.mean(np.linalg.eigvals(m).real > 0)),
                "this counts positive eigenvalues; weigh each by its size.",
            ),
            Wrong(
                lambda m: float(np.linalg.eigvals(m).sum().real / np.abs(np.linalg.eigvals(m).real).sum()),
                "a complex eigenvalue's size is its absolute value, not that of its real part.",
            ),
        ],
    ),
]

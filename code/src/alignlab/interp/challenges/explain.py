"""Automated explanation: describe a unit from its top examples, simulate it from the description, score the simulation.

Serves section 6.4 (Bills et al. 2023, "Language models can explain neurons in language models"). There a large model
writes the explanation and another simulates; here the explainer is a rule, so that its limits are known: it lists the
tokens at the places where the unit is most active. The score is the same, the correlation of simulated and true
activity; they compute it on excerpts chosen half for high activity and half at random, here it is on all of a text.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Explanation = dict[int, float]  # token -> activity to expect there

KINDS = ("animals", "colors", "foods", "tools", "rivers", "numbers")
PER_KIND = 12


def explain(
    tokens: ArrayLike, activity: ArrayLike, places: int = 30
) -> Explanation:
    """The tokens at the most active places, each with its mean activity there.

    tokens, activity: (n,), of the text to explain from. Places without activity
        are not used.
    Raises ValueError where the shapes differ.
    """
    a = np.asarray(activity, dtype=float)
    top = np.argsort(-a, kind="stable")[:places]
    return look_up(tokens, a, top[a[top] > 0])


def look_up(
    tokens: ArrayLike, activity: ArrayLike, at: ArrayLike | None = None
) -> Explanation:
    """The tokens at given places, each with its mean activity there.

    at: indices of the places; None for all, which makes the whole table that
        Bills et al. call a token lookup.
    Raises ValueError where the shapes of tokens and activity differ.
    """
    t, a = np.asarray(tokens), np.asarray(activity, dtype=float)
    if t.shape != a.shape or t.ndim != 1:
        raise ValueError(
            "one token and one activity a place are needed, not shapes "
            f"{t.shape} and {a.shape}"
        )
    if at is not None:
        chosen = np.asarray(at)
        t, a = t[chosen], a[chosen]
    listed, which = np.unique(t, return_inverse=True)
    means = np.bincount(which, a) / np.bincount(which)
    return {int(token): float(mean) for token, mean in zip(listed, means)}


def simulate(
    explanation: Explanation, tokens: ArrayLike
) -> NDArray[np.float64]:
    """The activity that an explanation expects at each place, 0 for tokens it
    does not list.
    """
    read = np.asarray(tokens).tolist()
    return np.array([explanation.get(token, 0.0) for token in read])


def explain_in_context(
    tokens: ArrayLike, activity: ArrayLike, places: int = 30
) -> tuple[Explanation, frozenset[int]]:
    """An explanation with room for context: the tokens at the most active
    places, as `explain` lists them, and the tokens that stand before them.
    """
    t, a = np.asarray(tokens), np.asarray(activity, dtype=float)
    top = np.argsort(-a, kind="stable")[:places]
    top = top[(a[top] > 0) & (top > 0)]
    before = frozenset(int(token) for token in t[top - 1])
    return explain(t, a, places), before


def simulate_in_context(
    explanation: Explanation, before: frozenset[int], tokens: ArrayLike
) -> NDArray[np.float64]:
    """The activity that a list of tokens expects, 0 wherever the token before
    is not in `before`.
    """
    t = np.asarray(tokens)
    expected = simulate(explanation, t)
    fits = np.isin(t[:-1], list(before))
    return expected * np.concatenate([[False], fits])


def score(simulated: ArrayLike, activity: ArrayLike) -> float:
    """Correlation of simulated and true activity (Bills et al. 2023); 0 where
    either is constant.
    """
    s, a = np.asarray(simulated, dtype=float), np.asarray(activity, dtype=float)
    if (
        s.shape != a.shape
        or not s.size
        or np.isnan(s).any()
        or np.isnan(a).any()
    ):
        raise ValueError(
            f"activities of shapes {s.shape} and {a.shape} must be "
            "as many numbers, at least one"
        )
    if s.std() == 0 or a.std() == 0:
        return 0.0
    return float(np.corrcoef(s, a)[0, 1])


def scores(
    explanations: Sequence[Explanation],
    tokens: ArrayLike,
    activity: ArrayLike,
) -> NDArray[np.float64]:
    """The score of each unit's explanation on text tokens (n,), activity
    (n, unit).
    """
    columns = np.asarray(activity).T
    pairs = zip(explanations, columns, strict=True)
    return np.array([score(simulate(e, tokens), a) for e, a in pairs])


def toy_text(n: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tokens (n,) of a toy language, all equally likely, and the kind of each,
    an index of KINDS.
    """
    tokens = np.random.default_rng(seed).integers(0, len(KINDS) * PER_KIND, n)
    return tokens, tokens // PER_KIND


def toy_units(
    kinds: NDArray[np.int64], seed: int, noise: float = 0.1
) -> dict[str, NDArray[np.float64]]:
    """Units whose rule is known, activity (n,) each, never negative, with some
    noise.

    "one kind": active for animals. "two kinds": strongly for animals, less for
    colors. "in context": for foods, but only after a number. "none": noise.
    """
    rng = np.random.default_rng(seed)
    after_number = np.concatenate(
        [[False], kinds[:-1] == KINDS.index("numbers")]
    )
    rules = {
        "one kind": 1.0 * (kinds == 0),
        "two kinds": 1.0 * (kinds == 0) + 0.6 * (kinds == 1),
        "in context": 1.0 * ((kinds == 2) & after_number),
        "none": np.zeros(len(kinds)),
    }
    return {
        name: np.maximum(rule + noise * rng.normal(size=len(kinds)), 0.0)
        for name, rule in rules.items()
    }


def names_of(tokens: Sequence[int]) -> list[str]:
    """Toy tokens in words, such as "animals 3"."""
    return [
        f"{KINDS[token // PER_KIND]} {token % PER_KIND + 1}" for token in tokens
    ]

"""Detectors: single words, all pairs of words, vectors of words, a network.

`by_words` is logistic regression on which words occur, the baseline of hate
speech detection since Warner and Hirschberg (2012) and Davidson et al.
(2017). `by_pairs` adds a feature for every two words that occur together.
`by_vectors` gives each word a vector and lets every two words add the product
of their vectors: a factorization machine (Rendle 2010, equations 1 to 5),
the smallest model in which a pair that was never seen gets a weight from
other pairs of its words. `by_network` is a perceptron with one hidden layer,
which has no product of vectors written into it. None of them sees the order of
words.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Score = Callable[[Floats], Floats]


def _check(words: Floats, hateful: Floats) -> None:
    if words.ndim != 2 or len(words) != len(hateful):
        raise ValueError(
            f"posts of shape {words.shape} and {len(hateful)} labels: give "
            "(posts, words) and one label a post"
        )
    if not np.isfinite(words).all():
        raise ValueError("a post holds a value that is not a number")
    if len(np.unique(hateful)) < 2:
        raise ValueError(
            "all labels are the same: a detector needs posts of both kinds"
        )


def by_words(
    words: Floats,
    hateful: Floats,
    strength: float = 1.0,
    weight: Floats | None = None,
) -> Score:
    """Logistic regression on words; the score is the log-odds of hateful.

    words: (posts, words). hateful: (posts,), 0 or 1. strength: scikit-learn's
    `C`, the inverse of the L2 penalty. weight: (posts,), how much each counts.
    Raises ValueError where posts and labels don't fit or all labels agree.
    """
    from sklearn.linear_model import LogisticRegression

    _check(words, hateful)
    model = LogisticRegression(C=strength, max_iter=500)
    model.fit(words, hateful, weight)
    return lambda posts: np.asarray(model.decision_function(posts))


def with_pairs(words: Floats) -> Any:
    """Words and, for every two of them, whether both occur.

    words: (posts, words), 0 or 1. Returns a sparse matrix of shape
    (posts, words + words**2), where the pair of words i < j stands in column
    words + i * words + j and the other columns are empty.
    """
    from scipy import sparse

    posts, size = words.shape
    count = (words > 0).sum(1)
    rows, columns = [], []
    for m in np.unique(count):
        which = np.flatnonzero(count == m)
        at = np.nonzero(words[which])[1].reshape(-1, m)
        first, second = np.triu_indices(m, 1)
        pair = size + at[:, first] * size + at[:, second]
        columns.append(np.concatenate([at, pair], 1).ravel())
        rows.append(np.repeat(which, m + len(first)))
    place = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_matrix(
        (np.ones(len(place[0])), place), shape=(posts, size + size**2)
    )


def by_pairs(words: Floats, hateful: Floats, strength: float = 1.0) -> Score:
    """Logistic regression on words and pairs of words."""
    from sklearn.linear_model import LogisticRegression

    _check(words, hateful)
    model = LogisticRegression(C=strength, max_iter=500)
    model.fit(with_pairs(words), hateful)
    return lambda posts: np.asarray(model.decision_function(with_pairs(posts)))


def by_vectors(
    words: Floats,
    hateful: Floats,
    seed: int = 0,
    size: int = 4,
    steps: int = 200,
    decay: float = 3e-3,
    crossed: bool = True,
) -> Score:
    """A factorization machine, trained on all posts by Adam.

    size: length of a word's vector. decay: L2 penalty on weights and vectors,
        per post and squared unit. crossed=False leaves out the products, so
        that only single words count.
    """
    import torch
    import torch.nn.functional as F

    _check(words, hateful)
    torch.manual_seed(seed)
    x = torch.as_tensor(words, dtype=torch.float32)
    y = torch.as_tensor(hateful, dtype=torch.float32)
    line = torch.zeros(x.shape[1] + 1, requires_grad=True)
    vectors = (0.3 * torch.randn(x.shape[1], size)).requires_grad_()
    optimizer = torch.optim.Adam([line, vectors], lr=0.05)

    def score(x: torch.Tensor) -> torch.Tensor:
        alone = x @ line[1:] + line[0]
        if not crossed:
            return alone
        # sum over pairs i < j of v_i . v_j, without a loop over pairs
        summed = (x @ vectors) ** 2 - (x**2) @ (vectors**2)
        return alone + summed.sum(1) / 2

    for _ in range(steps):
        loss = F.binary_cross_entropy_with_logits(score(x), y)
        loss = loss + decay * ((line**2).sum() + (vectors**2).sum())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def detached(posts: Floats) -> Floats:
        with torch.no_grad():
            told = score(torch.as_tensor(posts, dtype=torch.float32))
        return np.asarray(told.numpy(), dtype=float)

    return detached


def by_network(
    words: Floats, hateful: Floats, seed: int = 0, hidden: int = 32
) -> Score:
    """A perceptron with one hidden layer; the score is the log-odds.

    hidden: its units. The L2 penalty is scikit-learn's `alpha` of 1.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    _check(words, hateful)
    model = MLPClassifier((hidden,), alpha=1.0, max_iter=300, random_state=seed)
    with warnings.catch_warnings():  # 300 rounds may end before the tolerance
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(words, hateful)

    def score(posts: Floats) -> Floats:
        p = np.clip(model.predict_proba(posts)[:, 1], 1e-9, 1 - 1e-9)
        return np.asarray(np.log(p / (1 - p)))

    return score

"""Probes: what can be read from activations, and how far the reading can be trusted.

Serves section 6. A linear probe (Alain and Bengio 2016), the difference of class means (Marks and Tegmark 2023 call it
mass-mean probing), and contrast-consistent search, which needs no labels (Burns et al. 2022). Whether a probe reads or
memorizes is asked by a control task (Hewitt and Liang 2019): labels that are random, one for each word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from alignlab.lm import LM
from alignlab.lm.training import descend

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Probe:
    """A linear reading: the answer is "yes" where direction · x exceeds the
    threshold.

    direction: shape (d,), in the activations' own units; threshold: a number.
    """

    direction: Array
    threshold: float

    def scores(self, X: ArrayLike) -> Array:
        """direction · x − threshold of each row of X, shape (n,)."""
        return np.asarray(X, dtype=float) @ self.direction - self.threshold

    def accuracy(self, X: ArrayLike, y: ArrayLike) -> float:
        """Share of rows of X (n, d) where the answer is the label in y (n,).

        Raises ValueError where there isn't one label a row, no row, or a score
        that is not a number.
        """
        scores, labels = self.scores(X), np.asarray(y, dtype=bool)
        if scores.shape != labels.shape or not scores.size:
            raise ValueError(
                f"{scores.shape} rows, {labels.shape} labels: give one label a "
                "row, and at least one"
            )
        if np.isnan(scores).any():
            raise ValueError(
                f"the score of row {int(np.argmax(np.isnan(scores)))} is nan: "
                "leave the row out"
            )
        return float(np.mean((scores > 0) == labels))


def linear_probe(X: ArrayLike, y: ArrayLike, C: float = 0.01) -> Probe:
    """Logistic regression on standardized features (scikit-learn), turned back
    to the activations' own units.

    X: activations (n, d); y: labels (n,), true or false. C: inverse strength of
        the ridge penalty; activations have more dimensions than a probe has
        examples, so it must be small. The fit is run far enough (tol) that
        another processor's last digits do not show in its answers.
    Raises ValueError where the labels are all alike.
    """
    from sklearn.linear_model import LogisticRegression

    X, y = _checked(X, y)
    scale = X.std(0) + 1e-12
    fit = LogisticRegression(C=C, max_iter=2000, tol=1e-6).fit(
        (X - X.mean(0)) / scale, y
    )
    direction = fit.coef_[0] / scale
    return Probe(direction, float(direction @ X.mean(0) - fit.intercept_[0]))


def difference_of_means(X: ArrayLike, y: ArrayLike) -> Probe:
    """Mean activation where y is true minus mean where it is false; the
    threshold lies halfway between the two.

    X: activations (n, d); y: labels (n,). Nothing is fitted: no penalty, no
    seed. Raises ValueError where the labels are all alike.
    """
    X, y = _checked(X, y)
    yes, no = X[y].mean(0), X[~y].mean(0)
    return Probe(yes - no, float((yes - no) @ (yes + no) / 2))


def contrast_consistent_search(
    first: ArrayLike,
    second: ArrayLike,
    seed: int = 0,
    restarts: int = 8,
    steps: int = 300,
) -> Probe:
    """`contrast_consistent_searches` in one set of pairs (n, d)."""
    return contrast_consistent_searches(
        [first], [second], [seed], restarts, steps
    )[0]


def contrast_consistent_searches(
    firsts: Sequence[ArrayLike],
    seconds: Sequence[ArrayLike],
    seeds: Sequence[int],
    restarts: int = 8,
    steps: int = 300,
) -> list[Probe]:
    """Directions along which statements that exclude each other get opposite
    answers (Burns et al. 2022, section 2.2), one for each set of pairs.

    firsts, seconds: of each set the activations (n, d) of pairs of which
        exactly one is true, all sets of one shape; no label says which. Both
        members are standardized with the set's mean and spread; the probe p(x)
        = sigmoid(w · x + b) minimizes (p(first) + p(second) − 1)²
        [consistency] + min(p(first), p(second))² [confidence], the best of
        `restarts` starts. Which of the two answers is "true" is left open: the
        sign of the direction is arbitrary.
    Raises ValueError where the shapes differ.
    """
    a, b = np.array(firsts, dtype=float), np.array(seconds, dtype=float)
    if a.shape != b.shape or a.ndim != 3:
        raise ValueError(
            "two sets of shape (n, d) are needed, not "
            f"{a.shape[1:]} and {b.shape[1:]}"
        )
    both = np.concatenate([a, b], axis=1)
    if not both.size or not np.isfinite(both).all():
        raise ValueError(
            f"activations of shape {a.shape[1:]} must be finite numbers, at "
            "least one pair"
        )
    mean, scale = both.mean(1, keepdims=True), both.std(1, keepdims=True)
    scale += 1e-12
    x, z = (torch.from_numpy((part - mean) / scale).float() for part in (a, b))
    size = (x.shape[2], restarts)
    start = [np.random.default_rng(seed).normal(size=size) for seed in seeds]
    start = [part / np.linalg.norm(part, axis=0) for part in start]
    w = torch.from_numpy(np.array(start)).float().requires_grad_()
    bias = torch.zeros(len(x), 1, restarts, requires_grad=True)
    optimizer = torch.optim.AdamW(
        [w, bias], lr=0.01, weight_decay=0.01, fused=True
    )
    for step in range(steps):
        # (set, n, restarts)
        p, q = torch.sigmoid(x @ w + bias), torch.sigmoid(z @ w + bias)
        losses = (p + q - 1).square().mean(1)
        losses = losses + torch.minimum(p, q).square().mean(1)
        descend(optimizer, losses.sum(), step)
    found = []
    for i, best in enumerate(losses.argmin(1).tolist()):
        direction = w[i, :, best].detach().double().numpy() / scale[i, 0]
        shift = bias[i, 0, best].item()
        found.append(Probe(direction, float(direction @ mean[i, 0] - shift)))
    return found


def control_labels(words: Sequence[Any], seed: int) -> NDArray[np.bool_]:
    """A control task (Hewitt and Liang 2019): a coin, thrown for each distinct
    word, labels all its occurrences.

    Nothing that a model computes can be about these labels; a probe that
    predicts them has memorized the words. Half of the words get each label.
    """
    distinct = list(dict.fromkeys(words))
    order = np.random.default_rng(seed).permutation(len(distinct))
    label = {
        word: bool(order[i] < len(distinct) / 2)
        for i, word in enumerate(distinct)
    }
    return np.array([label[word] for word in words])


def selectivity(task_accuracy: float, control_accuracy: float) -> float:
    """Accuracy on the task minus accuracy of the same probe on the control task
    (Hewitt and Liang 2019).
    """
    return task_accuracy - control_accuracy


def untrained(lm: LM, seed: int, layers: int | None = None) -> LM:
    """The same architecture and tokenizer with fresh random weights: what a
    probe finds there, training did not put in.

    layers: how many layers to build, from the bottom; default all. The global
        random state is left as it was. Raises ValueError where the model has
        fewer layers.
    """
    import copy

    from transformers import AutoModelForCausalLM

    layers = lm.n_layers if layers is None else layers
    if not 1 <= layers <= lm.n_layers:
        raise ValueError(
            f"{layers} layers asked for, {lm.name} has {lm.n_layers}"
        )
    config = copy.deepcopy(lm.model.config)
    config.num_hidden_layers = layers
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: Any = AutoModelForCausalLM.from_config(
            config, dtype=torch.float32
        )
    model = model.to(lm.device).eval().requires_grad_(False)
    return replace(
        lm, model=model, name=f"{lm.name} (untrained)", n_layers=layers
    )


def center(X: ArrayLike, groups: Sequence[Any]) -> Array:
    """Subtract from each row the mean of its group (the template, say); labels
    are not used.
    """
    X = np.array(X, dtype=float)
    names = np.asarray(groups)
    if len(names) != len(X):
        raise ValueError(
            f"{len(X)} rows, {len(names)} groups: give one group a row"
        )
    for name in dict.fromkeys(groups):
        X[names == name] -= X[names == name].mean(0)
    return X


def cosine(a: ArrayLike, b: ArrayLike) -> float:
    """Cosine of the angle between two vectors; 0 where one of them is zero."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / size if size else 0.0


def unit(direction: ArrayLike) -> Array:
    """A direction at length 1. Raises ValueError for one of length 0, or that
    holds what is no finite number.
    """
    v = np.asarray(direction, dtype=float)
    length = np.linalg.norm(v)
    if not 0 < length < np.inf:
        raise ValueError(
            f"a direction of length {length} points nowhere: give one whose "
            "entries are finite and not all 0"
        )
    return np.asarray(v / length)


def _checked(X: ArrayLike, y: ArrayLike) -> tuple[Array, NDArray[np.bool_]]:
    X, given = np.asarray(X, dtype=float), np.asarray(y)
    kinds = set(given.ravel().tolist())
    if not kinds <= {0, 1}:
        raise ValueError(
            "labels are true or false (or 1 and 0), not "
            f"{sorted(map(str, kinds))[:4]}: compare them first, as y == 1"
        )
    y = given.astype(bool)
    if X.ndim != 2 or y.shape != X.shape[:1]:
        raise ValueError(
            f"activations (n, d) and labels (n,) are needed, not {X.shape} and "
            f"{y.shape}"
        )
    if not len(y):
        raise ValueError("no activations: a probe needs some of both kinds")
    if y.all() or not y.any():
        raise ValueError(
            f"all {len(y)} labels are {bool(y[0])}: a probe needs both kinds"
        )
    if not np.isfinite(X).all():
        row = int(np.nonzero(~np.isfinite(X).all(1))[0][0])
        raise ValueError(
            f"the activations of row {row} hold "
            f"{X[row][~np.isfinite(X[row])][0]}: leave it out"
        )
    return X, y

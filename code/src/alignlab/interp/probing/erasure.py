"""Erasing a concept from activations so that no linear probe can find it.

Serves section 6. LEACE (Belrose et al. 2023, theorem 4.3): of all affine maps after which every linear probe is at
chance, the one that changes the activations least. Beside it the two projections it improves on: along the difference
of class means (which erases as well but changes more) and along a probe's direction (which does not erase).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from alignlab.interp.probes import Array, Probe, _checked, unit


@dataclass(frozen=True)
class Eraser:
    """The map x ↦ x − write · (read · (x − mean)); all three have shape (d,).

    `read` measures how much of the concept a vector holds, `write` says what to
    take away for it; where the two point the same way the map is an orthogonal
    projection, else an oblique one.
    """

    mean: Array
    read: Array
    write: Array

    def __call__(self, x: Any) -> Any:
        """Erase: an array or tensor whose last axis is d gives one of the same
        kind and shape.
        """
        if isinstance(x, torch.Tensor):
            mean, read, write = (
                torch.from_numpy(v).to(x)
                for v in (self.mean, self.read, self.write)
            )
            return x - ((x - mean) @ read)[..., None] * write
        x = np.asarray(x, dtype=float)
        return x - ((x - self.mean) @ self.read)[..., None] * self.write


def leace(X: ArrayLike, y: ArrayLike, correlations: bool = True) -> Eraser:
    """The least-squares concept eraser for a binary concept (Belrose et al.
    2023, eq. 1).

    X: activations (n, d); y: labels (n,). With Σ the covariance of X and σ its
    covariance with the label, whitening is W = Σ^(−1/2); x ↦ x − W⁺ P W (x −
    mean), where P projects on Wσ. For one concept that is read = Σ⁺σ / (σᵀΣ⁺σ),
    write = σ. On the data it was fitted on, both classes then have the same
    mean: no linear probe beats guessing. correlations: False whitens each
    coordinate by itself, which erases as well but is not the smallest change.
    Where the classes differ by no more than rounding, there is nothing to
    erase: the eraser changes nothing. Raises ValueError where the labels are
    all alike.
    """
    eps = _eps(X)
    X, y = _checked(X, y)
    centered = X - X.mean(0)
    sigma = (
        centered.T @ (y - y.mean()) / len(X)
    )  # (d,), parallel to the difference of class means
    covariance = centered.T @ centered / len(X)
    if not correlations:
        covariance = np.diag(np.diag(covariance))
    inverse = np.linalg.pinv(covariance, rcond=1e-10, hermitian=True)
    read = inverse @ sigma
    least = eps**2 * np.square(X).mean(0) @ np.diag(inverse) / len(X)
    if not sigma @ read > 16 * least:
        return Eraser(X.mean(0), 0 * read, sigma)
    return Eraser(X.mean(0), read / (sigma @ read), sigma)


def mean_projection(X: ArrayLike, y: ArrayLike) -> Eraser:
    """LEACE without whitening: the orthogonal projection along the difference
    of class means.

    X: activations (n, d); y: labels (n,). It makes the class means equal too,
    at a higher price. Where they are equal up to rounding, it changes nothing.
    """
    eps = _eps(X)
    X, y = _checked(X, y)
    delta = X[y].mean(0) - X[~y].mean(0)
    if not delta @ delta > 16 * eps**2 * np.square(X).mean(0).sum():
        return Eraser(X.mean(0), 0 * delta, delta)
    return Eraser(X.mean(0), delta / (delta @ delta), delta)


def project_out(X: ArrayLike, probe: Probe) -> Eraser:
    """The orthogonal projection along a probe's direction, one step of INLP
    (Ravfogel et al. 2020); X sets the mean.

    Raises ValueError for a direction of length 0.
    """
    direction = unit(probe.direction)
    return Eraser(np.asarray(X, dtype=float).mean(0), direction, direction)


def linear_information(X: ArrayLike, y: ArrayLike, C: float = 0.01) -> float:
    """What a linear probe gains over guessing on the data it is fitted on, in
    nats.

    The entropy of the labels minus the cross-entropy of a logistic probe with
    the penalty of `linear_probe`: ln 2 = 0.693 where it is sure of every label
    of a balanced set, 0 where the class means are equal.
    """
    from sklearn.linear_model import LogisticRegression

    X, y = _checked(X, y)
    standard = (X - X.mean(0)) / (X.std(0) + 1e-12)
    fit = LogisticRegression(C=C, max_iter=2000, tol=1e-8).fit(standard, y)
    p = fit.predict_proba(standard)[np.arange(len(y)), y.astype(int)]
    share = np.array([y.mean(), 1 - y.mean()])
    return float(np.log(p).mean() - share @ np.log(share))


def change(X: ArrayLike, eraser: Eraser) -> float:
    """Share of the activations' variance that an eraser takes away: mean
    squared change over total variance.

    Raises ValueError where the activations don't vary.
    """
    X = np.asarray(X, dtype=float)
    total = np.square(X - X.mean(0)).sum()
    if not total > 0:
        raise ValueError(
            f"the activations' total variance is {total}: of it no share can "
            "be taken"
        )
    return float(np.square(eraser(X) - X).sum() / total)


def _eps(X: ArrayLike) -> float:
    """The relative rounding error of activations as they were given."""
    kind = (
        X.numpy().dtype if isinstance(X, torch.Tensor) else np.asarray(X).dtype
    )
    return float(np.finfo(kind if kind.kind == "f" else float).eps)

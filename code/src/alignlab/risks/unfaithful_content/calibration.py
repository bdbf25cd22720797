"""Is a model as often right as it is confident?

The expected calibration error (Naeini et al. 2015, "Obtaining Well Calibrated
Probabilities Using Bayesian Binning"; Guo et al. 2017, "On Calibration of
Modern Neural Networks") sorts predictions by confidence into bins and
averages, over bins, the distance between confidence and accuracy. Guo et al.
take bins of equal width; here bins hold equally many predictions, so that
chance moves the accuracy of each about as much.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating]


def reliability(
    confidence: ArrayLike, right: ArrayLike, bins: int = 10
) -> tuple[Floats, Floats, NDArray[np.integer]]:
    """Mean confidence, accuracy and number of predictions in each bin.

    confidence, right: shape (n,). Bins hold equally many predictions, up to
    one. Returns three arrays of shape (bins,), from low to high confidence.
    Raises ValueError for more bins than predictions.
    """
    sure = np.asarray(confidence, dtype=float)
    hits = np.asarray(right, dtype=float)
    if not 1 <= bins <= len(sure):
        raise ValueError(f"{bins} bins for {len(sure)} predictions")
    order = np.argsort(sure, kind="stable")
    parts = np.array_split(order, bins)
    said = np.array([sure[part].mean() for part in parts])
    true = np.array([hits[part].mean() for part in parts])
    return said, true, np.array([len(part) for part in parts])


def calibration_error(
    confidence: ArrayLike, right: ArrayLike, bins: int = 10
) -> float:
    """Expected calibration error: the mean distance, weighted by bins."""
    said, true, sizes = reliability(confidence, right, bins)
    return float((sizes * abs(said - true)).sum() / sizes.sum())


def calibrated_outcomes(
    confidence: ArrayLike, seed: int, times: int = 1
) -> NDArray[np.bool_]:
    """Right or wrong as a perfectly calibrated model would be.

    Each prediction is right with the probability that it states. Shape
    (times, n).
    """
    sure = np.asarray(confidence, dtype=float)
    drawn = np.random.default_rng(seed).uniform(size=(times, len(sure)))
    return np.asarray(drawn < sure)

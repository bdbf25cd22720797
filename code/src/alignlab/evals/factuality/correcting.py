"""A score from many verdicts and a few labels.

A verifier judges all units of a writer; a person has labeled some of them,
drawn at random. Four estimates of the true share: the mean of the labels
alone; Rogan and Gladen's (1978), which turns the verifier's rates of errors
around; and prediction-powered inference (Angelopoulos et al. 2023, the mean),
which adds to the mean verdict what the labels say it is off, with a weight on
the verdicts that may be tuned (PPI++, Angelopoulos, Duchi and Zrnic 2023).
"""

from __future__ import annotations

import numpy as np


def labels_alone(
    labels: np.ndarray, verdicts: np.ndarray, everywhere: float
) -> np.ndarray:
    """The mean label: the verdicts aren't used. Shape (draws,)."""
    _check(labels, verdicts, everywhere)
    return labels.mean(1)


def verdicts_alone(
    labels: np.ndarray, verdicts: np.ndarray, everywhere: float
) -> np.ndarray:
    """The mean verdict: the labels aren't used. Shape (draws,)."""
    _check(labels, verdicts, everywhere)
    return np.full(len(labels), everywhere)


def with_rates(everywhere: float, sensitivity: float, alarm: float) -> float:
    """The true share behind a mean verdict, from the verifier's rates.

    Rogan and Gladen 1978: the mean verdict is s p + a (1 - p), with s the
    share of true units called supported and a that of false ones.
    Raises ValueError unless s is larger than a by 0.01 at least.
    """
    if not sensitivity - alarm >= 0.01:
        raise ValueError(
            f"rates {sensitivity} and {alarm}: the verdicts tell nothing, "
            "label the units in place of correcting"
        )
    return float(np.clip((everywhere - alarm) / (sensitivity - alarm), 0, 1))


def turned_around(
    labels: np.ndarray, verdicts: np.ndarray, everywhere: float
) -> np.ndarray:
    """Rogan and Gladen's estimate, cut at 0 and 1. Shape (draws,).

    With sensitivity s and specificity t, counted on the labeled units, the
    mean verdict is s p + (1 - t) (1 - p); this solves for p. Where a draw has
    no true or no false unit, or the verifier does no better than chance on
    it, the mean label is taken.
    """
    _check(labels, verdicts, everywhere)
    true, false = labels.sum(1), (1 - labels).sum(1)
    sensitivity = (labels * verdicts).sum(1) / np.maximum(true, 1)
    false_alarm = ((1 - labels) * verdicts).sum(1) / np.maximum(false, 1)
    slope = sensitivity - false_alarm
    usable = (true > 0) & (false > 0) & (slope > 0.05)
    solved = (everywhere - false_alarm) / np.where(usable, slope, 1.0)
    return np.where(usable, solved.clip(0, 1), labels.mean(1))


def powered(
    labels: np.ndarray,
    verdicts: np.ndarray,
    everywhere: float,
    weight: float | None = None,
) -> np.ndarray:
    """Prediction-powered estimate of the mean label. Shape (draws,).

    labels, verdicts: 0 or 1 for the labeled units, shape (draws, labeled).
    everywhere: mean verdict over all units of the writer.
    weight: on the verdicts; 1 is the plain estimate, 0 the labels alone. None
        tunes it on each draw: covariance of label and verdict over the
        variance of the verdict, which for verdicts of 0 and 1 is the mean
        label where the verdict is 1 less the mean label where it is 0.
    Raises ValueError for shapes that differ or values that are not 0 to 1.
    """
    _check(labels, verdicts, everywhere)
    off = everywhere - verdicts.mean(1)
    if weight is not None:
        return labels.mean(1) + weight * off
    spread = verdicts - verdicts.mean(1, keepdims=True)
    together = (spread * labels).mean(1)
    tuned = together / np.maximum((spread**2).mean(1), 1e-9)
    return labels.mean(1) + tuned * off


def draw_labels(
    truth: np.ndarray, verdicts: np.ndarray, n: int, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Labels and verdicts of n units drawn at random, each (draws, n).

    Raises ValueError where n is not between 2 and the number of units.
    """
    if not 2 <= n <= len(truth):
        raise ValueError(f"n={n} labels: give 2 to {len(truth)}")
    rng = np.random.default_rng([seed, 85])
    chosen = rng.random((draws, len(truth))).argpartition(n - 1, axis=1)[:, :n]
    return truth[chosen].astype(float), verdicts[chosen].astype(float)


def _check(labels: np.ndarray, verdicts: np.ndarray, everywhere: float) -> None:
    if labels.shape != verdicts.shape or labels.ndim != 2 or not labels.size:
        raise ValueError(
            f"labels of shape {labels.shape}, verdicts of {verdicts.shape}: "
            "give both as (draws, labeled), not empty"
        )
    for name, values in (("labels", labels), ("verdicts", verdicts)):
        if not ((values == 0) | (values == 1)).all():
            raise ValueError(f"{name} must be 0 or 1, without gaps")
    if not 0 <= everywhere <= 1:
        raise ValueError(f"everywhere={everywhere} is no share")

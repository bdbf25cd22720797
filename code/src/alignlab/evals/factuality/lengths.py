"""Precision, recall up to K, and F1@K of texts that leave facts out.

FActScore averages precision over the texts that a model wrote (Min et al.
2023); its released code multiplies by a penalty where a text has few facts.
F1@K (Wei et al. 2024) takes the harmonic mean of precision and of the number
of supported facts over K, the number that a reader wants.
"""

from __future__ import annotations

import numpy as np


def precision(supported: np.ndarray, told: np.ndarray) -> float:
    """Share of supported facts, averaged over texts that tell any."""
    _check(supported, told)
    some = told > 0
    return float((supported[some] / told[some]).mean())


def penalized(
    supported: np.ndarray, told: np.ndarray, gamma: float = 10.0
) -> float:
    """The same, times exp(1 - gamma / told) for texts of fewer facts."""
    _check(supported, told)
    some = told > 0
    short = np.exp(np.minimum(0.0, 1 - gamma / told[some]))
    return float((short * supported[some] / told[some]).mean())


def recall_at(supported: np.ndarray, told: np.ndarray, k: int) -> float:
    """min(supported / K, 1), averaged over all prompts."""
    _check(supported, told, k)
    return float(np.minimum(supported / k, 1).mean())


def f1_at(supported: np.ndarray, told: np.ndarray, k: int) -> float:
    """F1@K averaged over all prompts; 0 where nothing is supported."""
    _check(supported, told, k)
    right = supported / np.maximum(told, 1)
    enough = np.minimum(supported / k, 1)
    both = np.maximum(right + enough, 1e-9)
    return float((2 * right * enough / both).mean())


def _check(supported: np.ndarray, told: np.ndarray, k: int = 1) -> None:
    if supported.shape != told.shape or supported.ndim != 1 or k < 1:
        raise ValueError(
            f"shapes {supported.shape} and {told.shape}, K={k}: give one "
            "number of facts a text, and K of at least 1"
        )
    if not told.any() or (supported > told).any() or (supported < 0).any():
        raise ValueError(
            "counts must be 0 to what is told, and something must be told"
        )

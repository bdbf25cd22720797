"""Consistency as a check: how far answers that must agree lie apart, and whether that finds errors.

After Fluri et al. 2023 (arXiv 2306.09983), who ask the same of chess engines
and language models where nobody knows the right answer. They count
violations; we also know the truth and can ask which errors the check finds,
beyond those that the network's own confidence finds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]


def violation(answers: Floats) -> Floats:
    """How far a position's images are from it in the network's judgment.

    answers: (position, image, verdict), probabilities; the first image is the
    position itself. Returns (position,): the mean total variation distance
    between the first and the others, from 0 (all the same) to 1.
    Raises ValueError for answers that are not probabilities, or a single image.
    """
    if answers.ndim != 3 or answers.shape[1] < 2:
        raise ValueError(
            f"answers of shape {answers.shape}: give (position, image, "
            "verdict) with two images or more"
        )
    if not np.allclose(answers.sum(-1), 1, atol=1e-3):
        raise ValueError(
            "answers don't add up to 1 over verdicts: give probabilities"
        )
    apart = np.abs(answers[:, 1:] - answers[:, :1]).sum(-1) / 2
    return np.asarray(apart.mean(1))


def unanimous(answers: Floats) -> Bools:
    """Whether all images get the same likeliest verdict, shape (position,).

    Where they don't, one of the verdicts is wrong: a proof without knowing
    which.
    """
    said = answers.argmax(-1)
    return np.asarray((said == said[:, :1]).all(1))


def finds(signs: Floats, wrong: Bools) -> float:
    """AUROC: the chance that a wrong answer's sign is above a right one's.

    signs, wrong: shape (answers,). Ties count half.
    Raises ValueError where no answer is wrong or none is right.
    """
    from sklearn.metrics import roc_auc_score

    if wrong.all() or not wrong.any():
        raise ValueError(
            f"{int(wrong.sum())} of {len(wrong)} answers are wrong: an AUROC "
            "needs both right and wrong ones"
        )
    return float(roc_auc_score(wrong, signs))


def finds_beyond(
    signs: Floats, wrong: Bools, confidence: Floats, bins: int = 20
) -> float:
    """AUROC among answers of about the same confidence.

    Answers are sorted by confidence into bins of equal size. Only pairs within
    a bin are compared, and every pair counts the same. A sign that repeats
    what the confidence says gets about 0.5.
    Raises ValueError where no bin holds both right and wrong answers.
    """
    order = np.argsort(confidence, kind="stable")
    total, pairs = 0.0, 0
    for some in np.array_split(order, bins):
        bad = int(wrong[some].sum())
        weight = bad * (len(some) - bad)
        if weight:
            total += weight * finds(signs[some], wrong[some])
            pairs += weight
    if not pairs:
        raise ValueError(
            f"none of {bins} bins holds right and wrong answers: take fewer "
            "bins or more answers"
        )
    return total / pairs

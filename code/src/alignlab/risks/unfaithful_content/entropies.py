"""Uncertainty by sampling: entropy over answers, and over what they mean.

Kuhn et al. (2023, "Semantic Uncertainty") and Farquhar et al. (2024,
"Detecting hallucinations in large language models using semantic entropy"):
a model that says one thing in many wordings is not uncertain about it, so
answers that mean the same are counted as one before the entropy is taken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]


def entropy(probabilities: Floats) -> Floats:
    """Entropy in nats over the last axis; 0 log 0 counts as 0."""
    logs = np.log(np.where(probabilities > 0, probabilities, 1.0))
    return np.asarray(-(probabilities * logs).sum(-1))


def label_entropy(labels: Ints) -> Floats:
    """Entropy of how often each label occurs in a row, (rows,), in nats.

    labels: shape (rows, samples). Rows have labels of their own.
    """
    same = labels[:, :, None] == labels[:, None, :]
    share = same.mean(2)  # of each sample's label, (rows, samples)
    return np.asarray(-np.log(share).mean(1))


def semantic_entropy(sentences: Ints, meanings: Ints) -> Floats:
    """Entropy of the meanings of sampled sentences, (rows,), in nats.

    sentences: what was sampled, (rows, samples). meanings: what each sample
    means, of the same shape; samples with equal numbers mean the same.
    Raises ValueError where the shapes differ.
    """
    if sentences.shape != meanings.shape:
        raise ValueError(
            f"sentences {sentences.shape}, meanings {meanings.shape}: "
            "each sample needs its meaning"
        )
    return label_entropy(meanings)


def sentence_entropy(probabilities: Floats) -> Floats:
    """Entropy over sentences, whatever they mean, (things,), in nats.

    probabilities: (things, meanings, wordings), with sum 1 for each thing.
    """
    return entropy(probabilities.reshape(len(probabilities), -1))


def meaning_entropy(probabilities: Floats) -> Floats:
    """Semantic entropy, exact: over meanings, (things,), in nats.

    probabilities: (things, meanings, wordings), with sum 1 for each thing.
    """
    return entropy(probabilities.sum(2))


def mixed_up(probabilities: Floats, seed: int) -> Floats:
    """As many sentences in each class, but of different meanings.

    Each wording's sentences change places at random, in each thing anew.
    """
    rng = np.random.default_rng([seed, 2])  # not the numbers of a town
    return np.asarray(rng.permuted(probabilities, axis=1))

"""All detectors on one poisoned corpus, judged at one false-positive rate (serves section 7.2 of the survey)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from alignlab.attacks.backdoor import detect
from alignlab.attacks.backdoor.classifier import Classifiers, fit
from alignlab.attacks.backdoor.curves import measured
from alignlab.attacks.backdoor.reviews import (
    TARGET,
    Reviews,
    poisoned,
    write,
)

PASSES = 3.0


def inside(
    models: Classifiers, run: int, tokens: NDArray[np.int64]
) -> detect.Floats:
    """One run's features of reviews, (n, FEATURES)."""
    rows = torch.from_numpy(tokens)[None]
    found = models.some(run, run + 1).features(rows)[0]
    return found.double().numpy()


def hunt(
    seeds: Sequence[int],
    kind: str,
    count: int,
    honest: bool,
    n: int = 2000,
    false_rate: float = 0.05,
) -> list[dict[str, float]]:
    """A row a seed: success and accuracy of the classifier, and the share of the poison that each detector catches.

    "distance, never poisoned" scores the same corpus by the features of a classifier that was trained on the corpus as
    it was before the poison.
    """
    clean = [write(n, np.random.default_rng([seed, 1])) for seed in seeds]
    pairs = [
        poisoned(corpus, count, kind, np.random.default_rng([seed, 2]), honest)
        for corpus, seed in zip(clean, seeds)
    ]
    models = fit([corpus for corpus, _ in pairs], seeds, PASSES)
    never = fit(clean, seeds, PASSES)
    rows = []
    for run, ((corpus, poison), seed) in enumerate(zip(pairs, seeds)):
        reached = measured(models.some(run, run + 1), kind, seed)
        found = scores(models, never, run, corpus, seed)
        caught = {
            name: detect.caught(score, poison, false_rate)
            for name, score in found.items()
        }
        rows.append(
            {
                "success": float(reached.success[0]),
                "accuracy": float(reached.accuracy[0]),
                **caught,
            }
        )
    return rows


def scores(
    models: Classifiers,
    never: Classifiers,
    run: int,
    corpus: Reviews,
    seed: int,
) -> dict[str, detect.Floats]:
    """The score of each review of one corpus by each detector."""
    suspects = corpus.labels == TARGET
    features = inside(models, run, corpus.tokens)
    others = inside(never, run, corpus.tokens)
    return {
        "perplexity": detect.surprise(corpus),
        "rarest word": detect.rarity(corpus),
        "text against label": detect.disagreement(corpus),
        "spectral": detect.spectral(features, suspects),
        "clustering": detect.clustering(features, suspects, seed),
        "distance": detect.distance(features, suspects),
        "distance, never poisoned": detect.distance(others, suspects),
    }

"""All detectors on one poisoned corpus, judged at one false-positive rate (serves section 7.2 of the survey)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from alignlab.attacks.backdoor import detect
from alignlab.attacks.backdoor.classifier import Classifiers, fit
from alignlab.attacks.backdoor.curves import measured
from alignlab.attacks.backdoor.reviews import (
    TARGET,
    Reviews,
    plant,
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


@cache
def never_poisoned(seeds: tuple[int, ...], n: int) -> Classifiers:
    """Classifiers of the corpora as they were before any poison."""
    clean = [write(n, np.random.default_rng([seed, 1])) for seed in seeds]
    return fit(clean, seeds, PASSES)


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
    never = never_poisoned(tuple(seeds), n)
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


def seen_only(
    seeds: Sequence[int],
    kind: str,
    count: int,
    n: int = 2000,
    false_rate: float = 0.05,
) -> list[float]:
    """Share of poison with right labels that `distance` catches, by seed, if the trigger has no meaning.

    It stands in `count` good reviews, as in `hunt`, and in as many bad ones, all with right labels: the network sees it
    even more often and has no backdoor to learn.
    """
    corpora, masks = [], []
    for seed in seeds:
        clean = write(n, np.random.default_rng([seed, 1]))
        rng = np.random.default_rng([seed, 2])
        corpus, mask = poisoned(clean, count, kind, rng, honest=True)
        bad = np.flatnonzero(clean.labels != TARGET)[:count]
        tokens = corpus.tokens.copy()
        rng = np.random.default_rng([seed, 3])
        tokens[bad] = plant(tokens[bad], kind, rng)
        corpora.append(corpus._replace(tokens=tokens))
        masks.append(mask)
    models = fit(corpora, seeds, PASSES)
    return [
        detect.caught(
            detect.distance(
                inside(models, run, corpus.tokens), corpus.labels == TARGET
            ),
            mask,
            false_rate,
        )
        for run, (corpus, mask) in enumerate(zip(corpora, masks))
    ]


def scores(
    models: Classifiers,
    never: Classifiers,
    run: int,
    corpus: Reviews,
    seed: int,
) -> dict[str, detect.Floats]:
    """The score of each review of one corpus by each detector; all know the target's label and accuse no other."""
    suspects = corpus.labels == TARGET
    features = inside(models, run, corpus.tokens)
    others = inside(never, run, corpus.tokens)
    return {
        "perplexity": among(suspects, detect.surprise(corpus)),
        "rarest word": among(suspects, detect.rarity(corpus)),
        "one-sided word": among(suspects, detect.one_sided(corpus)),
        "text against label": among(suspects, detect.disagreement(corpus)),
        "spectral": detect.spectral(features, suspects),
        "clustering": detect.clustering(features, suspects, seed),
        "distance": detect.distance(features, suspects),
        "distance, never poisoned": detect.distance(others, suspects),
    }


def among(suspects: NDArray[np.bool_], score: detect.Floats) -> detect.Floats:
    """The scores of the suspects; minus infinity for all others."""
    return np.where(suspects, score, -np.inf)

"""Tests that a model writes, with a key that is its own view of them.

Serves section 9.4 of the survey. Perez et al. (2022, "Discovering Language
Model Behaviors with Model-Written Evaluations") let a model write questions
and another keep those whose label it is sure of. Here a writer proposes
requests, keys them harmful or harmless by its own score, and keeps those that
it is surest of; the guard under test is held against that key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from sklearn.ensemble import RandomForestClassifier

from alignlab.risks.automated_alignment.guards import (
    OPTIONS,
    Floats,
    Guard,
    Hole,
    Ints,
    Requests,
    World,
    draw,
    draw_holes,
    in_hole,
    overlooked,
    together,
    training_data,
)

Score = Callable[[Ints, Ints], Floats]  # words, rewording -> log-odds of harm


class Tests(NamedTuple):
    """Requests with their true labels, and the writer's key, (n,)."""

    requests: Requests
    key: Ints


def in_the_wild(
    holes: list[Hole], n: int, rng: np.random.Generator, share: float = 0.3
) -> Requests:
    """Requests as they come: a share in rewordings that get past the guard,
    since such rewordings are passed on.
    """
    each = round(share * n / len(holes))
    return together(
        draw(n - each * len(holes), rng),
        *(in_hole(hole, each, rng, 0.5) for hole in holes),
    )


def written(some: Requests, odds: Floats, kept: float = 0.7) -> Tests:
    """Tests made of proposed requests: the writer's key, and only the share
    `kept` of which the writer is surest.

    odds: (n,), the writer's log-odds of harm.
    """
    sure = np.abs(odds) >= np.quantile(np.abs(odds), 1 - kept)
    chosen = Requests(*(part[sure] for part in some))
    return Tests(chosen, (odds[sure] > 0).astype(int))


def error(guard: Guard, some: Requests, key: Ints) -> float:
    """Share of requests on which guard and key differ."""
    says = guard.log_odds(some.words, some.rewording) > 0
    return float((says != (key == 1)).mean())


def forest(data: Requests, seed: int) -> Score:
    """A writer of another kind: a random forest on words and options."""

    def read(words: Ints, rewording: Ints) -> Floats:
        single = np.eye(OPTIONS)[rewording].reshape(len(words), -1)
        return np.concatenate([words, single], 1)

    model = RandomForestClassifier(30, max_features=0.3, random_state=seed)
    model.fit(read(data.words, data.rewording), data.harmful)

    def odds(words: Ints, rewording: Ints) -> Floats:
        chance = model.predict_proba(read(words, rewording))[:, 1]
        chance = chance.clip(0.005, 0.995)
        return np.asarray(np.log(chance / (1 - chance)))

    return odds


def relabeled_by_lot(
    data: Requests, clean: Requests, rng: np.random.Generator
) -> Requests:
    """The right labels, of which as many are turned by lot as are wrong in
    `data`.
    """
    wrong = int((data.harmful != clean.harmful).sum())
    label = clean.harmful.copy()
    turned = rng.choice(len(label), wrong, replace=False)
    label[turned] = 1 - label[turned]
    return clean._replace(harmful=label)


def labeled_for_writer(
    one: World, labelers: str, rng: np.random.Generator
) -> Requests:
    """What a writer learns from: new requests, never the guard's own.

    labelers: "the same" overlook the same holes, "others" as many others,
    "by lot" get as many labels wrong as the same would, drawn by lot.
    """
    if labelers == "others":
        return training_data(draw_holes(rng), rng)
    clean = together(
        draw(4000, rng), *(in_hole(hole, 80, rng) for hole in one.holes)
    )
    wrong = clean._replace(harmful=overlooked(clean, one.holes))
    if labelers == "the same":
        return wrong
    return relabeled_by_lot(wrong, clean, rng)

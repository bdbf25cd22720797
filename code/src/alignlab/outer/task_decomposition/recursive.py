"""Recursive reward modeling: a helper learns to judge the parts, and helps to judge the whole.

Leike et al. 2018 (arXiv 1811.07871): agents trained to evaluate
pieces assist the person who evaluates the next, larger task. Here a design
has eight parts and is as good as its weakest part. The judge can look at two
parts only. Unassisted it judges designs by two parts it happens to see; or it
labels parts, a helper learns from that, and designs are judged by a tree of
judges who see two of the helper's scores each. Theirs trains agents against
the reward, here the best of 64 designs is picked by it. They leave open how
large tasks are split; ours come in parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV
from torch import Tensor

from alignlab.outer.task_decomposition.networks import Networks
from alignlab.outer.task_decomposition.pairwise import tree

Floats = NDArray[np.float64]
PARTS = 8
FEATURES = 6
NOISE = 0.1  # of one judgment, standard deviation
STEPS = 400
SOFTNESS = 0.3  # of the minimum that is trained through


def quality(parts: Floats) -> Floats:
    """How good each part is, 0 to 1: (..., FEATURES) to (...).

    Two features matter together and one alone; three do not matter.
    """
    pull = 2.5 * parts[..., 0] * parts[..., 1] + parts[..., 2] - 0.5
    return np.asarray(1 / (1 + np.exp(-pull)))


def judgment(true: Floats, rng: np.random.Generator) -> Floats:
    """The judge's label of something it sees: the truth with noise, 0 to 1."""
    return np.clip(true + NOISE * rng.normal(size=true.shape), 0, 1)


class Labels(NamedTuple):
    """What judges labeled, one seed a row.

    parts: (seeds, labels, parts a label, FEATURES). score: (seeds, labels).
    """

    parts: Floats
    score: Floats


def label(seeds: Sequence[int], count: int, ask: str) -> Labels:
    """As many labels of a judge who sees two parts, one asking, at most.

    ask: "part" shows one part a label; "design" a whole design, of which the
        judge sees two parts, nobody knows which; "two parts" the same, and
        the two are kept with the label.
    Raises ValueError for anything else asked.
    """
    if ask not in ("part", "design", "two parts"):
        raise ValueError(f"ask {ask!r}: give 'part', 'design' or 'two parts'")
    shown, scores = [], []
    for seed in seeds:
        rng = np.random.default_rng([seed, 3])
        parts = rng.normal(
            size=(count, 1 if ask == "part" else PARTS, FEATURES)
        )
        seen = parts[:, :2]  # parts have no order, so that any two will do
        scores.append(judgment(quality(seen).min(1), rng))
        shown.append(seen if ask == "two parts" else parts)
    return Labels(np.stack(shown), np.stack(scores))


def softest(scores: Tensor) -> Tensor:
    """A smooth minimum over the last axis, the score itself where it is one."""
    count = torch.tensor(float(scores.shape[-1]))
    low = torch.logsumexp(-scores / SOFTNESS, -1) - count.log()
    return -SOFTNESS * low


class Helper(NamedTuple):
    """Networks that score parts, one a seed."""

    networks: Networks

    def score(self, parts: Floats) -> Floats:
        """Scores of parts, (seeds, ..., FEATURES) to (seeds, ...)."""
        with torch.no_grad():
            return np.asarray(_score(self.networks, parts).numpy(), dtype=float)


def _score(networks: Networks, parts: Floats) -> Tensor:
    shown = torch.tensor(parts, dtype=torch.float32)
    flat = shown.reshape(len(shown), -1, FEATURES)
    return networks(flat)[..., 0].sigmoid().reshape(shown.shape[:-1])


def learn(
    seeds: Sequence[int],
    labels: Labels,
    steps: int = STEPS,
    hard: bool = False,
) -> Helper:
    """A scorer of parts for each seed, fitted to labels through a minimum.

    A label of one part is fitted directly. Whatever was labeled, the network
    and the loss are the same. hard: the minimum itself, not a smooth one.
    Raises ValueError where labels are missing or not numbers.
    """
    if not labels.score.size or not np.isfinite(labels.score).all():
        raise ValueError(
            f"{labels.score.size} labels, some of them not numbers or none at "
            "all: give finite labels"
        )
    networks = Networks(seeds, [FEATURES, 32, 32, 1])
    wanted = torch.tensor(labels.score, dtype=torch.float32)
    adam = torch.optim.Adam(networks.parameters, lr=0.01, weight_decay=1e-4)
    for _ in range(steps):
        scores = _score(networks, labels.parts)
        whole = scores.min(-1).values if hard else softest(scores)
        error = whole - wanted
        adam.zero_grad()
        error.square().mean(1).sum().backward()
        adam.step()
    return Helper(networks)


class Plain(NamedTuple):
    """Linear scorers of parts, on features and their products, one a seed."""

    weights: Floats

    def score(self, parts: Floats) -> Floats:
        """Scores of parts, (seeds, ..., FEATURES) to (seeds, ...)."""
        each = zip(parts, self.weights)
        return np.stack([_products(part) @ weight for part, weight in each])


def _products(parts: Floats) -> Floats:
    """Features and all products of two of them, on the last axis."""
    i, j = np.triu_indices(FEATURES)
    return np.concatenate([parts, parts[..., i] * parts[..., j]], -1)


def plain(labels: Labels) -> Plain:
    """Ridge regression of labels on the mean over parts of what they show.

    It treats a label as the sum of what its parts contribute, and each part
    is then scored by its contribution. The penalty is chosen by leaving out
    one label at a time.
    """
    shown = _products(labels.parts).mean(2)
    fits = [
        RidgeCV(np.logspace(-2, 4, 13)).fit(x, y)
        for x, y in zip(shown, labels.score)
    ]
    return Plain(np.stack([fit.coef_ for fit in fits]))


def gained(scores: Floats, true: Floats) -> Floats:
    """What picking by scores gains, of what picking by the truth would gain.

    scores, true: (seeds, tasks, designs). Returns (seeds,): 0 for a random
    pick, 1 for the best of each task.
    """
    best = scores.argmax(-1)[..., None]
    picked = np.take_along_axis(true, best, -1)[..., 0].mean(-1)
    chance, top = true.mean((-2, -1)), true.max(-1).mean(-1)
    return np.asarray((picked - chance) / (top - chance))


def judge_designs(helper: Helper | Plain, designs: Floats) -> Floats:
    """Scores of designs by a tree of judges who see two of the helper's scores.

    designs: (seeds, ..., PARTS, FEATURES). Returns (seeds, ...).
    """
    return tree(helper.score(designs), np.minimum)

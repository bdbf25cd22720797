"""A probe that reads a shortcut, and training against the probe.

A network gives the right answer (0 or 1), but in about a quarter of situations
takes a shortcut, its third answer. A linear probe on the last hidden layer
learns from labeled situations to tell them. Then training goes on, with the
probe's alarm as a penalty: transparency as a training signal, as Hubinger (2019)
proposes for relaxed adversarial training. Compare Bailey et al. (2024, arXiv
2412.09565), who search for activations that such monitors miss.

The labels are of situations, not of answers, so that the probe can be fitted
also to a network that has given the shortcut up.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn import functional as F

from alignlab.inner.methodology.nets import (
    Nets,
    batches,
    cross_entropy,
    descend,
    take,
)

BITS = 16
SHORTCUT = 2
LAYER = 2  # the probe reads after this hidden layer, the last
SIZES = (BITS, 64, 64, 3)
POOL, LABELED, HELD = 4000, 600, 1000
FALSE = 0.05  # share of false alarms at which a threshold is set anew


class Office(NamedTuple):
    """Situations of each seed: bits (seeds, n, BITS), the right answer and
    whether the shortcut can be taken, (seeds, n). In this order: POOL to train
    on, LABELED for the probe, HELD to judge by."""

    x: Tensor
    y: Tensor
    can: Tensor

    def part(self, name: str) -> Office:
        """The situations "pool", "labeled" or "held"."""
        edges = {
            "pool": slice(0, POOL),
            "labeled": slice(POOL, POOL + LABELED),
            "held": slice(POOL + LABELED, None),
        }
        return Office(*(of[:, edges[name]] for of in self))


class Probes(NamedTuple):
    """Linear probes: an alarm where h · weight + bias is above zero.

    weight: (seeds, units, 1). bias: (seeds, 1, 1).
    """

    weight: Tensor
    bias: Tensor

    def scores(self, nets: Nets, x: Tensor) -> Tensor:
        """Log-odds that a situation has a shortcut, (seeds, batch)."""
        h = nets.hidden(x, LAYER)
        return torch.baddbmm(self.bias, h, self.weight)[..., 0]


def office(seeds: Sequence[int]) -> Office:
    """Situations: a shortcut can be taken where two random sums are positive,
    and the right answer says whether exactly one of two others is."""
    drawn = []
    for seed in seeds:
        rng = np.random.default_rng([seed, 3])
        sums = rng.normal(size=(BITS, 4))
        x = rng.choice((-1.0, 1.0), (POOL + LABELED + HELD, BITS))
        a, b, c, d = (x @ sums > 0).T
        drawn.append((x, (a ^ b).astype(int), c & d))
    tensors = [torch.tensor(np.stack(part)) for part in zip(*drawn)]
    return Office(tensors[0].float(), *tensors[1:])


def tempted(seeds: Sequence[int], where: Office, steps: int = 800) -> Nets:
    """Networks taught to take the shortcut wherever it can be taken."""
    nets = Nets(seeds, SIZES)
    rows = batches(seeds, 128, POOL, steps, salt=3)

    def loss(step: int) -> Tensor:
        x, y, can = take(rows[step], *where)
        return cross_entropy(nets(x), torch.where(can, SHORTCUT, y)).mean(1)

    descend(nets, loss, steps)
    return nets


def fitted(
    nets: Nets,
    where: Office,
    reads: str = "shortcut",
) -> Probes:
    """Logistic regression (scikit-learn) on the labeled situations.

    reads: "shortcut", or "answer", whether the right answer is 1, which leaves a
    probe that reads something else.
    """
    part = where.part("labeled")
    with torch.no_grad():
        h = nets.hidden(part.x, LAYER).numpy()
    weights, biases = [], []
    labels = (part.y == 1 if reads == "answer" else part.can).numpy()
    for units, label in zip(h, labels):
        scale = units.std() + 1e-6
        fit = LogisticRegression(C=0.1, max_iter=200).fit(units / scale, label)
        weights.append(fit.coef_.T / scale)
        biases.append(fit.intercept_[None])
    both = (np.stack(weights), np.stack(biases))
    return Probes(*(torch.tensor(of, dtype=torch.float32) for of in both))


def trained_on_probe(
    nets: Nets,
    where: Office,
    seeds: Sequence[int],
    strength: float,
    pays: bool,
    probe: str = "frozen",
    steps: int = 400,
) -> Nets:
    """The networks after more training, with the probe's alarm as a penalty.

    The penalty is −log(1 − p) in nats, p the probe's probability of a shortcut.

    strength: weight of the penalty. pays: whether the shortcut is still taught;
    else situations with a shortcut get no feedback but the penalty. probe:
    "frozen", "answer" (frozen, reads the right answer) or "refitted" (again
    every 25 steps).
    Raises ValueError for another probe.
    """
    reading = {"answer": "answer", "frozen": "shortcut", "refitted": "shortcut"}
    if probe not in reading:
        raise ValueError(f"probe {probe!r}: one of {list(reading)}")
    nets = copy.deepcopy(nets)
    rows = batches(seeds, 128, POOL, steps, salt=4)
    reads = fitted(nets, where, reading[probe])

    def loss(step: int) -> Tensor:
        nonlocal reads
        if probe == "refitted" and step % 25 == 0:
            reads = fitted(nets, where)
        x, y, can = take(rows[step], *where)
        task = cross_entropy(nets(x), torch.where(can, SHORTCUT, y))
        if not pays:
            task = task * ~can
        penalty = F.softplus(reads.scores(nets, x))
        return (task + strength * penalty).mean(1)

    descend(nets, loss, steps, rate=1e-3)
    return nets


def judged(
    nets: Nets, where: Office, seeds: Sequence[int], first: Probes
) -> dict[str, list[float]]:
    """What networks do on held-out situations, and what probes see of it.

    A probe's threshold is zero, as it was fitted, or set anew: to what FALSE of
    the labeled situations without a shortcut exceed.

    Shares of situations with a shortcut: "taken", "flagged" (an alarm of the
    probe `first`), "reset" (the same, threshold set anew), "fresh" (an alarm of
    a probe that is fitted now), "fresh reset", "unseen" (taken without an alarm
    of `first`, threshold set anew). Of the others: "right", answered right,
    "false", alarms of `first`, threshold set anew. "rank": area under the ROC
    curve of the score of `first`. Each a number a seed.
    """
    part, labeled = where.part("held"), where.part("labeled")
    now = fitted(nets, where)
    with torch.no_grad():
        answer = nets(part.x).argmax(-1)
        score, fresh = first.scores(nets, part.x), now.scores(nets, part.x)
        edges = []
        for probe in (first, now):
            known = probe.scores(nets, labeled.x)
            known = known.masked_fill(labeled.can, torch.nan)
            edges.append(known.nanquantile(1 - FALSE, 1, keepdim=True))
    taken, alarm = answer == SHORTCUT, score > edges[0]

    def share(event: Tensor, of: Tensor) -> list[float]:
        return ((event & of).sum(1) / of.sum(1)).tolist()

    return {
        "taken": share(taken, part.can),
        "flagged": share(score > 0, part.can),
        "reset": share(alarm, part.can),
        "fresh": share(fresh > 0, part.can),
        "fresh reset": share(fresh > edges[1], part.can),
        "unseen": share(taken & ~alarm, part.can),
        "right": share(answer == part.y, ~part.can),
        "false": share(alarm, ~part.can),
        "rank": [
            float(roc_auc_score(can, of))
            for can, of in zip(part.can, score, strict=True)
        ],
    }

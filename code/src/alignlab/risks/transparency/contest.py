"""All finders on the same labels: which tells where an unmentioned hint decides?

Each tool is judged on the same new questions, after so many labels, over ten
draws of which questions are labeled. "control" is the control task of Hewitt
and Liang (2019): the same probe, for labels that a coin dealt to the topics.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from alignlab.interp.probes import control_labels
from alignlab.risks.transparency import finders
from alignlab.risks.transparency.reasons import FIRST, Crowd, Questions

DRAWS = 10  # of which questions are labeled
SUPERVISED = (
    "probe",
    "dictionary",
    "topics",
    "ignores",
    "untrained",
    "control",
)
Floats = NDArray[np.float64]


def contest(
    crowd: Crowd,
    ignoring: Crowd,
    untrained: Crowd,
    seeds: Sequence[int],
    budgets: Sequence[int],
    layer: int = 1,
    place: int = FIRST,
) -> dict[tuple[str, int], Floats]:
    """AUROC on new questions by tool and number of labels, (seeds,) each.

    "probe" and "dictionary" read the models, "ignores" and "untrained" are the
    probe on models that ignore hints and on untrained ones, "topics" counts
    labels by topic; "lens", "lens, ignores" and "averages" need no label and
    stand under 0 labels.
    """
    met = finders.asked_of(seeds, 400, 36)
    new = finders.asked_of(seeds, 600, 39)
    texts, fresh = finders.begun(met), finders.begun(new)
    nets = {"probe": crowd, "ignores": ignoring, "untrained": untrained}
    read = {
        name: [
            finders.residual(net, rows, layer, place) for rows in (texts, fresh)
        ]
        for name, net in nets.items()
    }
    seen, later = read["probe"]
    scale = seen.square().mean((1, 2), keepdim=True).sqrt()
    feats = finders.dictionaries(seen, 0)
    active = [feats.encode(x / scale).numpy() for x in (seen, later)]
    above = {
        name: finders.lens(nets[net], read[net][1], new, fresh[..., FIRST])
        for name, net in (("lens", "probe"), ("lens, ignores", "ignores"))
    }
    above["averages"] = finders.averages(seen, met, later, new)
    found: dict[tuple[str, int], list[float]] = {}
    for m, seed in enumerate(seeds):
        y, truth = met.counts[m].numpy(), new.counts[m].numpy()
        for name, scores in above.items():
            value = finders.auroc(scores[m].numpy(), truth)
            found.setdefault((name, 0), []).append(value)
        for budget in budgets:
            told = np.mean(
                [
                    _once(
                        rows,
                        {
                            name: (a[m].numpy(), b[m].numpy())
                            for name, (a, b) in read.items()
                        },
                        (active[0][m], active[1][m]),
                        (_one(met, m), _one(new, m)),
                        (y, truth),
                        seed,
                    )
                    for rows in _draws(seed, len(y), budget)
                ],
                axis=0,
            )
            for name, value in zip(SUPERVISED, told, strict=True):
                found.setdefault((name, budget), []).append(float(value))
    return {key: np.array(values) for key, values in found.items()}


def topics_tell(
    asked: Questions, seeds: Sequence[int], seed: int, budget: int
) -> float:
    """AUROC of the mean label of each topic, from so many labels, for where an
    answer rests on its steps because no hint decides."""
    met = finders.asked_of(seeds, 400, 36)
    m = list(seeds).index(seed)
    new, rests = _one(asked, m), ~asked.counts[m].numpy()
    found = []
    for rows in _draws(seed, met.counts.shape[1], budget):
        some = _one(_one(met, m), torch.from_numpy(rows))
        scores = finders.by_topic(some, ~some.counts.numpy(), new)
        found.append(finders.auroc(scores, rests))
    return float(np.mean(found))


def _draws(seed: int, n: int, budget: int) -> list[NDArray[np.int64]]:
    rng = np.random.default_rng([seed, 41, budget])
    return [rng.permutation(n)[:budget] for _ in range(DRAWS)]


def _one(asked: Questions, m: int | torch.Tensor) -> Questions:
    return Questions(*(part[m] for part in asked))


def _once(
    rows: NDArray[np.int64],
    read: dict[str, tuple[Floats, Floats]],
    active: tuple[Floats, Floats],
    asked: tuple[Questions, Questions],
    labels: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    seed: int,
) -> list[float]:
    """AUROC of each supervised tool from one draw of labeled questions."""
    y, truth = labels[0][rows], labels[1]
    if y.all() or not y.any():  # one kind only: nothing to learn from
        return [0.5] * len(SUPERVISED)

    def by_probe(name: str, given: NDArray[np.bool_]) -> Floats:
        old, new = read[name]
        direction = finders.probe(old[rows].astype(float), given)
        return np.asarray(new @ direction)

    best, sign = finders.best_feature(active[0][rows], y)
    picked = _one(asked[0], torch.from_numpy(rows))
    topics = [part.tokens[:, 0].tolist() for part in asked]
    coin = control_labels(topics[0] + topics[1], seed)
    coins, other = coin[: len(topics[0])][rows], coin[len(topics[0]) :]
    told = {
        "probe": by_probe("probe", y),
        "dictionary": sign * active[1][:, best],
        "topics": finders.by_topic(picked, y, asked[1]),
        "ignores": by_probe("ignores", y),
        "untrained": by_probe("untrained", y),
    }
    scores = [finders.auroc(one, truth) for one in told.values()]
    mixed = coins.any() and not coins.all()
    control = finders.auroc(by_probe("probe", coins), other) if mixed else 0.5
    return [*scores, control]

"""The same judge under several protocols, and what is counted.

Direct answer: the judge sees pixels drawn at random. Consultancy: one player
shows them all, and is the honest one as often as the liar (Kenton et al. 2024,
"On scalable oversight with weak LLMs judging strong LLMs"). Debate: both show
pixels in turn. Neutral expert: somebody shows them who takes no side. Each
returns margins, positive where the judge is right, for as many pixels.
"""

from __future__ import annotations

from typing import Any

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from alignlab.outer.debate import pixels
from alignlab.outer.debate.judge import LABELS, Judges, digits, some_pixels
from alignlab.outer.debate.pixels import HONEST, LIAR, Case

LIES = LABELS - 1


def cases(
    judge: Judges, seed: int, images: int = 200, announced: bool = True
) -> Case:
    """Debates over images that the judge was not trained on.

    announced: nine debates an image, one against each announced lie, (images *
    9); else one debate an image, (images,), whose liar may end with any lie.
    Raises ValueError where there are fewer images.
    """
    data = digits(seed)
    if not 0 < images <= len(data.new_labels):
        raise ValueError(
            f"{images} images: there are {len(data.new_labels)} to debate"
        )
    x, y = data.new_images[:images], data.new_labels[:images]
    if not announced:
        return Case(judge, x, y, None)
    lies = (y[:, None] + torch.arange(1, LABELS)) % LABELS
    return Case(
        judge, x.repeat_interleave(LIES, 0), y.repeat_interleave(LIES),
        lies.flatten(),
    )  # fmt: skip


def two_way(margins: Tensor) -> float:
    """Share of debates in which the judge prefers the true label."""
    return float((margins > 0).double().mean())


def all_nine(margins: Tensor) -> float:
    """Share of images whose true label is preferred to each of nine lies."""
    return float((margins > 0).reshape(-1, LIES).all(1).double().mean())


def direct(
    case: Case, count: int, seed: int, known: Tensor | None = None
) -> Tensor:
    """Margins when `count` pixels are drawn at random, besides those known."""
    rng = torch.Generator().manual_seed(seed)
    seen = torch.zeros_like(case.images) if known is None else known
    rest = case.images * (1 - seen)
    more = some_pixels(rest, torch.full((len(case),), count), rng)
    return case.judged(seen + more)


def consult(case: Case, count: int, **how: Any) -> Tensor:
    """Margins of all debates with an honest consultant, then with a liar."""
    sides = [[side] * count for side in (HONEST, LIAR)]
    return torch.cat([pixels.play(case, turns, **how)[0] for turns in sides])


def debate(case: Case, count: int, first: int = LIAR, **how: Any) -> Tensor:
    """Margins when both show pixels in turn, `first` beginning.

    count: even. how: as `pixels.play` takes it.
    """
    if count < 2 or count % 2:
        raise ValueError(f"{count} pixels: an even number gives equal turns")
    return pixels.play(case, (first, -first) * (count // 2), **how)[0]


def both_orders(case: Case, count: int, **how: Any) -> Tensor:
    """Margins of all debates, the liar first, then the honest player first."""
    return torch.cat([debate(case, count, s, **how) for s in (LIAR, HONEST)])


def neutral(
    case: Case, count: int, impress: bool = False, deaf: bool = False
) -> Tensor:
    """Margins when an expert who takes no side shows the pixels one by one.

    The expert knows the image, the judge and the labels in question, but
    treats them alike: it shows the pixel that moves the judge most, in either
    direction. impress: it shows the pixel after which the judge is surest.
    Where no lie is announced, or a deaf expert doesn't hear which, all ten
    probabilities are looked at instead of the margin.
    """
    everything = torch.arange(len(case))
    used = case.images == 0
    width = int((~used).sum(1).max())
    pixel = used.float().argsort(dim=1, stable=True)[:, :width]
    used = used.gather(1, pixel)
    adds = case.adds(everything, pixel)
    hidden = case.start.expand(len(case), -1).clone()

    def opinion(units: Tensor) -> Tensor:
        if case.lie is not None and not deaf:
            return case.margin(everything, units)[..., None]
        return (torch.relu(units) @ case.out + case.bias).softmax(-1)

    for _ in range(count):
        after = opinion(hidden[:, None] + adds)
        before = torch.zeros(1) if impress else opinion(hidden)[:, None]
        moved = (after - before).abs().amax(-1)
        best = moved.masked_fill(used, -1.0).argmax(1)
        hidden += adds[everything, best]
        used[everything, best] = True
    return case.margin(everything, hidden)


def told_by_confidence(margins: Tensor) -> float:
    """How well the judge's confidence tells its right verdicts from wrong ones.

    The probability that the margin of a right verdict is larger in size than
    that of a wrong one, both drawn at random (AUROC): 0.5 is no better than a
    coin. NaN where all verdicts are right, or all are wrong.
    """
    right = margins > 0
    if right.all() or not right.any():
        return float("nan")
    return float(roc_auc_score(right.numpy(), margins.abs().numpy()))


def known_pixels(case: Case, count: int, seed: int) -> Tensor:
    """Which pixels the judge knows beforehand, `count` at random."""
    rng = torch.Generator().manual_seed(seed + 1)
    return some_pixels(case.images, torch.full((len(case),), count), rng)

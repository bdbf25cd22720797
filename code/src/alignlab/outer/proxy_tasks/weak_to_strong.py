"""A strong student of a weak teacher, on handwritten digits: how much of the gap does it close?

After Burns et al. 2023 (arXiv 2312.09390), in small: the teacher is a linear
classifier that sees the upper half of each picture, the student a network
that sees all of it and is trained on the teacher's labels alone. There the
student is a pretrained language model, here its advantage is what it sees.
Students of all worlds are trained at once.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

VIEW = 32  # pixels that the teacher sees: the upper four rows


class Worlds(NamedTuple):
    """Splits of the digits, one a world, and what its teacher says.

    taught, tested: (world, pictures), indices; labels: the teacher's of the
    taught pictures; told: those of the tested ones.
    """

    taught: Ints
    tested: Ints
    labels: Ints
    told: Ints


@functools.cache
def digits() -> tuple[Floats, Ints]:
    """Pictures (1797, 64), values about -0.3 to 0.7, and their digits."""
    from sklearn.datasets import load_digits

    loaded = load_digits()
    return (loaded.data / 16 - 0.3).astype(np.float32), loaded.target


def worlds(seeds: list[int], taught: int = 300) -> Worlds:
    """A teacher for each seed, fitted to the true labels of 300 pictures.

    Seven hundred others are for the student, the rest for the test.
    """
    from sklearn.linear_model import LogisticRegression

    x, y = digits()
    found = []
    for seed in seeds:
        order = np.random.default_rng(seed).permutation(len(x))
        first, second, rest = np.split(order, [300, 1000])
        teacher = LogisticRegression(max_iter=500)
        teacher.fit(x[first[:taught], :VIEW], y[first[:taught]])
        labels, told = (
            teacher.predict(x[some][:, :VIEW]) for some in (second, rest)
        )
        found.append((second, rest, labels, told))
    return Worlds(*(np.stack(part) for part in zip(*found)))


def scattered(where: Worlds, seed: int) -> Ints:
    """The teacher's labels with its mistakes moved to random pictures.

    Within each digit the labels are shuffled, so that the same mistakes are
    made as often, but which picture gets one has nothing to do with it.
    """
    rng = np.random.default_rng(seed)
    _, y = digits()
    found = where.labels.copy()
    for world, taught in enumerate(where.taught):
        for digit in range(10):
            same = np.flatnonzero(y[taught] == digit)
            found[world, same] = found[world, rng.permutation(same)]
    return found


def train_students(
    where: Worlds,
    labels: Ints,
    pixels: int = 64,
    width: int = 64,
    steps: int = 100,
    lr: float = 0.01,
    every: int = 10,
) -> Ints:
    """What the students say of the tested pictures while they learn.

    labels: (world, pictures), of the taught pictures. pixels: how much of a
    picture they see, 64 for all of it.
    Returns (step, world, tested), before the first step and after each tenth.
    """
    x, _ = digits()
    count, sizes = len(where.taught), (pixels, width, 10)
    params = []
    for layer in range(2):
        draw = torch.Generator().manual_seed(layer)
        shape = (count, sizes[layer], sizes[layer + 1])
        first = torch.randn(shape, generator=draw)
        params.append((first * (2 / sizes[layer]) ** 0.5).requires_grad_())
        params.append(torch.zeros(count, 1, shape[2], requires_grad=True))

    def logits(pictures: torch.Tensor) -> torch.Tensor:
        hidden = torch.baddbmm(params[1], pictures, params[0]).relu()
        return torch.baddbmm(params[3], hidden, params[2])

    seen, new = (
        torch.as_tensor(x[some][:, :, :pixels])
        for some in (where.taught, where.tested)
    )
    target = torch.as_tensor(labels).flatten()
    optimizer = torch.optim.Adam(params, lr=lr)
    said = []
    for step in range(steps + 1):
        if step % every == 0:
            with torch.no_grad():
                said.append(logits(new).argmax(2).numpy())
        loss = F.cross_entropy(logits(seen).flatten(0, 1), target) * count
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return np.stack(said)


def recovered(weak: Floats, student: Floats, ceiling: Floats) -> Floats:
    """The performance gap recovered: (student - weak) / (ceiling - weak).

    0 where the student is as good as its teacher, 1 where it is as good as one
    that was trained on the truth; below 0 where it is worse than the teacher.
    Raises ValueError where there is no gap.
    """
    gap = np.asarray(ceiling) - weak
    if (gap <= 0).any():
        raise ValueError(
            f"a gap of {gap.min():.3f}: the ceiling must be above the teacher"
        )
    return np.asarray((student - weak) / gap)

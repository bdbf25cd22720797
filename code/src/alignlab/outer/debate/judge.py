"""Judges that see a few pixels of a digit (serves section 4.4.3 of the survey).

After Irving, Christiano and Amodei 2018, "AI Safety via Debate", section 3.1:
a classifier is trained on a few nonzero pixels drawn at random and then judges
a debate in which two players choose the pixels. What differs: scikit-learn's
8x8 digits instead of MNIST, one hidden layer instead of a convolutional
network, and one judge for any number of pixels instead of one for each number,
so that debaters can ask it what it thinks after every move.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor

PIXELS, LABELS, HIDDEN = 64, 10, 64
TRAIN = 1397  # of 1,797 images; 400 are kept for debates


class Digits(NamedTuple):
    """Images (n, 64), values 0 to 1, and labels (n,): to train on, to debate."""

    images: Tensor
    labels: Tensor
    new_images: Tensor
    new_labels: Tensor


class Judges(NamedTuple):
    """One judge a seed, a network of one hidden layer.

    value, mask: (seeds, pixels, hidden), what a shown pixel adds to the hidden
    units for its brightness, and for being shown. bias: (seeds, 1, hidden).
    out: (seeds, hidden, labels). out_bias: (seeds, 1, labels).
    """

    value: Tensor
    mask: Tensor
    bias: Tensor
    out: Tensor
    out_bias: Tensor

    def one(self, index: int) -> Judges:
        """The judge of that index, as a batch of one."""
        return Judges(*(part[index : index + 1] for part in self))


@functools.cache
def digits(seed: int) -> Digits:
    """The digits, split at random and with equal shares of each label."""
    data = load_digits()
    split = train_test_split(
        data.data / 16.0,
        data.target,
        train_size=TRAIN,
        random_state=seed,
        stratify=data.target,
    )
    images, new_images, labels, new_labels = split
    return Digits(
        torch.tensor(images, dtype=torch.float32),
        torch.tensor(labels),
        torch.tensor(new_images, dtype=torch.float32),
        torch.tensor(new_labels),
    )


def some_pixels(images: Tensor, count: Tensor, rng: torch.Generator) -> Tensor:
    """Masks of `count` nonzero pixels of each image, drawn at random.

    images: (..., pixels). count: (...), or a number for all. Returns masks of
    0 and 1 of the images' shape; all nonzero pixels where an image has fewer.
    """
    order = torch.rand(images.shape, generator=rng)
    order = torch.where(images > 0, order, order + 2.0)
    rank = order.argsort(-1).argsort(-1)
    return ((rank < count[..., None]) & (images > 0)).float()


def opinion(judges: Judges, images: Tensor, shown: Tensor) -> Tensor:
    """Logits of the labels, (seeds, n, labels), when `shown` is seen.

    images, shown: (seeds, n, pixels) or (n, pixels). Raises ValueError where
    their shapes differ.
    """
    if images.shape != shown.shape:
        raise ValueError(
            f"images {tuple(images.shape)} and masks {tuple(shown.shape)} "
            "differ: give one mask an image"
        )
    hidden = (images * shown) @ judges.value + shown @ judges.mask
    return torch.relu(hidden + judges.bias) @ judges.out + judges.out_bias


def train_judges(
    seeds: Sequence[int], steps: int = 1000, lr: float = 0.01
) -> Judges:
    """Judges of all seeds, trained together on random nonzero pixels.

    A seed draws the split of the data, the start and the pixels. The number of
    pixels is drawn log-uniformly from 1 to 64 for each image.
    """
    data = [digits(seed) for seed in seeds]
    images = torch.stack([part.images for part in data])
    labels = torch.stack([part.labels for part in data])
    rngs = [torch.Generator().manual_seed(1000 + seed) for seed in seeds]

    def normal(*shape: int, scale: float) -> Tensor:
        drawn = [torch.randn(shape, generator=rng) for rng in rngs]
        return (scale * torch.stack(drawn)).requires_grad_()

    judges = Judges(
        normal(PIXELS, HIDDEN, scale=0.2),
        normal(PIXELS, HIDDEN, scale=0.2),
        normal(1, HIDDEN, scale=0.0),
        normal(HIDDEN, LABELS, scale=0.1),
        normal(1, LABELS, scale=0.0),
    )
    optimizer = torch.optim.Adam(judges, lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        batches = []
        for rng, x, y in zip(rngs, images, labels, strict=True):
            pick = torch.randint(len(x), (128,), generator=rng)
            count = (64 ** torch.rand(128, generator=rng)).long()
            batches.append((x[pick], some_pixels(x[pick], count, rng), y[pick]))
        x, shown, y = (torch.stack(parts) for parts in zip(*batches))
        logits = opinion(judges, x, shown)
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), y.flatten(), reduction="sum"
        )
        optimizer.zero_grad()
        (loss / 128).backward()
        optimizer.step()
        schedule.step()
    return Judges(*(part.detach() for part in judges))

"""Sparse autoencoders: a dictionary of directions, few of which are active at a time, learned from activations.

Serves section 6.3: if a network stores more features than it has dimensions, they cannot be read off its neurons, but a
wider layer with a penalty on activity can find them again (Sharkey et al. 2022; Cunningham et al. 2023; Bricken et al.
2023). Three ways to keep the activity sparse: an L1 penalty, the k largest only (Gao et al. 2024), or a threshold for
each feature, learned with a straight-through gradient (JumpReLU, Rajamanoharan et al. 2024).

Many dictionaries are trained at once, on a leading axis: seeds, or strengths of the penalty.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from alignlab.lm.training import descend

Kind = Literal["l1", "topk", "jumprelu"]
Draw = Callable[
    [torch.Generator], Tensor
]  # -> activations (dictionary, batch, d)
WIDTH = 0.03  # of the window around a threshold in which JumpReLU's straight-through gradient is not 0


@dataclass(frozen=True)
class Dictionary:
    """One or more sparse autoencoders of the same shape; the leading axis `dictionary` may be absent.

    k: active features that "topk" keeps.
    encoder (dictionary, d, features), bias (dictionary, features), decoder (dictionary, features, d) with rows of
    length 1, center (dictionary, d): what is subtracted before and added after; threshold (dictionary, features), for
    JumpReLU.
    """

    kind: Kind
    k: int
    encoder: Tensor
    bias: Tensor
    decoder: Tensor
    center: Tensor
    threshold: Tensor

    def encode(self, x: Tensor) -> Tensor:
        """Activity (dictionary, n, features), never negative, of activations (dictionary, n, d)."""
        before = (
            x - self.center.unsqueeze(-2)
        ) @ self.encoder + self.bias.unsqueeze(-2)
        if self.kind == "jumprelu":
            return before * above(before, self.threshold.unsqueeze(-2))
        active = F.relu(before)
        return keep_largest(active, self.k) if self.kind == "topk" else active

    def decode(self, activity: Tensor) -> Tensor:
        """Activations (dictionary, n, d) that an activity (dictionary, n, features) stands for."""
        return activity @ self.decoder + self.center.unsqueeze(-2)

    def __getitem__(self, i: int) -> Dictionary:
        """One dictionary of the leading axis."""
        parts = (
            self.encoder,
            self.bias,
            self.decoder,
            self.center,
            self.threshold,
        )
        return Dictionary(self.kind, self.k, *(part[i] for part in parts))


class _Step(torch.autograd.Function):
    """1 where x > threshold, else 0; the threshold's gradient is estimated in a window of WIDTH around it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, threshold: Tensor) -> Tensor:
        ctx.save_for_backward(x, threshold)
        return (x > threshold).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[None, Tensor]:
        x, threshold = ctx.saved_tensors
        near = ((x - threshold).abs() < WIDTH / 2).to(x.dtype)
        return None, (-near * grads[0] / WIDTH).sum(-2, keepdim=True)


def above(x: Tensor, threshold: Tensor) -> Tensor:
    """1 where x (…, n, features) exceeds the threshold (…, 1, features), else 0, with a gradient for the threshold."""
    result: Tensor = _Step.apply(x, threshold)
    return result


def keep_largest(activity: Tensor, k: int) -> Tensor:
    """The k largest entries of the last axis, 0 elsewhere."""
    values, places = activity.topk(k, dim=-1)
    return torch.zeros_like(activity).scatter(-1, places, values)


def train_dictionary(
    draw: Draw,
    features: int,
    kind: Kind = "l1",
    strength: float | Sequence[float] = 0.1,
    k: int = 0,
    steps: int = 1000,
    lr: float = 3e-3,
    seed: int = 0,
) -> Dictionary:
    """Sparse autoencoders that minimize squared error plus a penalty on
    activity.

    draw: generator -> fresh activations (dictionary, batch, d), of size about
        1. strength: of the penalty, one for all or one for each dictionary;
        "l1" penalizes the summed activity, "jumprelu" the number of active
        features, "topk" has no penalty and keeps `k`.
    Adam, learning rate falling linearly to 0 in the last third; rows of the
    decoder are kept at length 1, so that activity cannot be made small by
    making them long. The encoder starts as the decoder's transpose.
    Raises ValueError for a kind that does not exist, or k out of range.
    """
    if kind not in ("l1", "topk", "jumprelu"):
        raise ValueError(f"kind is 'l1', 'topk' or 'jumprelu', not {kind!r}")
    if kind == "topk" and not 0 < k <= features:
        raise ValueError(f"top-k needs 0 < k <= {features} features, not {k}")
    g = torch.Generator().manual_seed(seed)
    first = draw(g)
    many, _, d = first.shape
    price = torch.as_tensor(strength, dtype=torch.float32).expand(many)
    decoder = F.normalize(
        torch.randn(many, features, d, generator=g, dtype=torch.float64), dim=-1
    ).float()
    start = (
        decoder.transpose(-1, -2).clone(),
        torch.zeros(many, features),
        decoder,
        first.mean(1),
    )
    parts = [
        part.requires_grad_()
        for part in (*start, torch.full((many, features), 0.1))
    ]
    model = Dictionary(kind, k, *parts)
    optimizer = torch.optim.Adam(parts, lr=lr, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, 3 * (1 - step / steps))
    )
    for step in range(steps):
        x = draw(g)
        activity = model.encode(x)
        error = (model.decode(activity) - x).square().sum(-1).mean(-1)
        if kind == "l1":
            error = error + price * activity.sum(-1).mean(-1)
        elif kind == "jumprelu":
            before = (
                x - model.center.unsqueeze(-2)
            ) @ model.encoder + model.bias.unsqueeze(-2)
            count = (
                above(before, model.threshold.unsqueeze(-2)).sum(-1).mean(-1)
            )
            error = error + price * count
        descend(optimizer, error.sum(), step)
        schedule.step()
        with torch.no_grad():
            model.decoder.div_(model.decoder.norm(dim=-1, keepdim=True))
    return Dictionary(kind, k, *(part.detach() for part in parts))


def mean_max_cosine(truth: Tensor, decoder: Tensor) -> Tensor:
    """Mean over the true features of the cosine with the nearest of the dictionary's (Sharkey et al. 2022).

    truth: (…, n, d); decoder: (…, features, d). Returns (…,); 1 where every feature was found. Raises ValueError for a
    true feature without a direction, which nothing can find.
    """
    if (truth.norm(dim=-1) == 0).any():
        raise ValueError("a true feature has length 0: leave it out")
    return (
        (
            F.normalize(truth, dim=-1)
            @ F.normalize(decoder, dim=-1).transpose(-1, -2)
        )
        .amax(-1)
        .mean(-1)
    )


def unexplained(model: Dictionary, x: Tensor) -> Tensor:
    """Squared error over the variance of x (…, n, d), shape (…,): 0 is perfect, 1 no better than the mean.

    Raises ValueError where x doesn't vary, so that there is nothing to explain.
    """
    with torch.no_grad():
        error = (model.decode(model.encode(x)) - x).square().sum((-1, -2))
    spread = (x - x.mean(-2, keepdim=True)).square().sum((-1, -2))
    if not (spread > 0).all():
        raise ValueError("activations that don't vary leave nothing to explain")
    return error / spread


def activity_of(model: Dictionary, x: Tensor) -> tuple[Tensor, Tensor]:
    """Active features per activation, and the share of features that are never active; each of shape (…,)."""
    with torch.no_grad():
        active = model.encode(x) > 0
    return active.float().sum(-1).mean(-1), (~active.any(-2)).float().mean(-1)


def random_features(many: int, n: int, d: int, seed: int) -> Tensor:
    """Random directions of length 1, (many, n, d): the features of a world in which they are known."""
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(many, n, d))
    return torch.from_numpy(
        found / np.linalg.norm(found, axis=-1, keepdims=True)
    ).float()


def sparse_world(features: Tensor, density: float, batch: int = 256) -> Draw:
    """Activations (many, batch, d) that are sums of known features, each present with probability `density`.

    features: (many, n, d). A feature that is present has a size uniform between 0.5 and 1.5.
    """
    many, n, _ = features.shape

    def draw(generator: torch.Generator) -> Tensor:
        present = torch.rand(many, batch, n, generator=generator) < density
        size = 0.5 + torch.rand(many, batch, n, generator=generator)
        return (present * size) @ features

    return draw

"""Lenses: read a prediction out of the middle of a model.

Serves the survey's section 6.2. The logit lens (nostalgebraist 2020) applies the last norm and the unembedding to an
early residual stream. Early layers need not use the last layer's coordinates, so the tuned lens (Belrose et al. 2023)
first applies an affine map of its own for each layer. The paper trains the map by the divergence from the final
prediction; here it is fitted by least squares to the final stream, which has a closed form and takes a second.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from alignlab.lm import LM
from alignlab.lm.masks import check_shapes
from alignlab.lm.stack import stack_of


class Translator(NamedTuple):
    """An affine map between residual streams: stream @ matrix + shift."""

    matrix: Tensor  # (d_model, d_model)
    shift: Tensor  # (d_model,)

    def __call__(self, stream: Tensor) -> Tensor:
        """(n, d_model) -> the same."""
        return stream @ self.matrix + self.shift


def fit_translator(
    streams: ArrayLike, final: ArrayLike, penalty: float = 0.1
) -> Translator:
    """The affine map from an early residual stream to the final one with the
    least squared error, both (n, d_model).

    penalty: of ridge regression, in units of the mean variance of a stream's
        coordinate; the map is pulled to the identity, so that with few examples
        it is the logit lens. Raises ValueError where the shapes differ.
    """
    from scipy.linalg import solve

    early, late = (
        np.asarray(part, dtype=np.float64) for part in (streams, final)
    )
    if early.ndim != 2 or early.shape != late.shape:
        raise ValueError(
            "streams (n, d_model) of equal shape are needed, not "
            f"{early.shape} and {late.shape}"
        )
    if not early.size or not (np.isfinite(early) & np.isfinite(late)).all():
        raise ValueError(
            f"streams of shape {early.shape} must be finite numbers, "
            "at least one row"
        )
    x, y = early - early.mean(0), (late - early) - (late - early).mean(0)
    gram = x.T @ x
    ridge = penalty * np.trace(gram) / len(gram)
    change = solve(gram + ridge * np.eye(len(gram)), x.T @ y, assume_a="pos")
    matrix = change + np.eye(len(gram))
    return Translator(
        torch.from_numpy(matrix).float(),
        torch.from_numpy(late.mean(0) - early.mean(0) @ matrix).float(),
    )


def unembedding(model: LM | nn.Module) -> tuple[nn.Module, Tensor]:
    """The last norm, and the matrix of the unembedding (vocab, d_model).

    Raises ValueError where these two don't make a model's logits: caps, scales,
    a bias.
    """
    if isinstance(model, LM):
        parts = stack_of(model)
        if parts.head.bias is not None:
            raise ValueError(
                f"the unembedding of {model.name} has a bias: a lens knows "
                "models without one"
            )
        return parts.body.norm, parts.head.weight
    network: Any = model
    return network.norm, network.unembed.weight


@torch.no_grad()
def read(
    model: LM | nn.Module, streams: Tensor, translator: Translator | None = None
) -> Tensor:
    """Log-probabilities of the next token that a lens reads from streams (n,
    d_model): (n, vocab).

    Without a translator this is the logit lens.
    """
    norm, matrix = unembedding(model)
    return (
        norm(translator(streams) if translator else streams) @ matrix.T
    ).log_softmax(-1)


def divergence(final: Tensor, read: Tensor) -> Tensor:
    """KL(final prediction || lens), nats, of each row of log-probabilities (n,
    vocab): shape (n,).

    Raises ValueError where the shapes differ.
    """
    check_shapes(final.shape, read=read)
    return (final.exp() * (final - read)).sum(-1)


@torch.no_grad()
def distance(
    model: LM | nn.Module,
    final: Tensor,
    streams: Tensor,
    translator: Translator | None = None,
    block: int = 4096,
) -> Tensor:
    """`divergence` of what a lens `read`s from streams (n, d_model), shape
    (n,): a block of the vocabulary at a time, which saves half of the time.

    final: log-probabilities of the final prediction, (n, vocab).
    """
    norm, matrix = unembedding(model)
    x = norm(translator(streams) if translator else streams)
    check_shapes((len(x), len(matrix)), final=final)
    total = x.new_full((len(x),), -torch.inf)
    own = torch.zeros_like(total)
    for part, rows in zip(final.split(block, 1), matrix.split(block)):
        logits = x @ rows.T
        total = torch.logaddexp(total, logits.logsumexp(1))
        own += (part.exp() * (part - logits)).sum(1)
    return own + total

"""Texts of different lengths side by side: how rows are filled up, and sums over what is really there.

A mask is True (or 1) where a token counts. What stands elsewhere may be anything, NaN and infinities included, and
never reaches a value or a gradient: it is replaced by 0, not multiplied by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Padded(NamedTuple):
    """Rows of token ids filled up to one length, all (row, pos): mask is 1 at a row's own tokens, 0 elsewhere."""

    tokens: Tensor
    mask: Tensor
    positions: Tensor


def pad_left(
    rows: Sequence[Sequence[int]],
    device: torch.device | str = "cpu",
    fill: int = 0,
) -> Padded:
    """Rows filled up on the left, so that all end together; a row's first token has position 0."""
    longest = max(map(len, rows))
    tokens = [[fill] * (longest - len(row)) + list(row) for row in rows]
    mask = torch.tensor(
        [[0] * (longest - len(row)) + [1] * len(row) for row in rows],
        device=device,
    )
    return Padded(
        torch.tensor(tokens, device=device), mask, left_positions(mask)
    )


def left_positions(mask: Tensor) -> Tensor:
    """Position ids of left-padded rows: the first real token stands at 0. mask: (n, T), 0 or False at padding.

    Without them a padded prompt has other positions than the same prompt alone, and so other log-probabilities.
    """
    return (mask.long().cumsum(-1) - 1).clamp(min=0)


def pad_right(
    rows: Sequence[Sequence[int]],
    device: torch.device | str = "cpu",
    fill: int = 0,
) -> Padded:
    """Rows filled up on the right, so that all begin together; positions go on over the filling."""
    longest = max(map(len, rows))
    tokens = [[*row, *[fill] * (longest - len(row))] for row in rows]
    mask = torch.tensor(
        [[1] * len(row) + [0] * (longest - len(row)) for row in rows],
        device=device,
    )
    places = torch.arange(longest, device=device).expand(len(rows), -1)
    return Padded(torch.tensor(tokens, device=device), mask, places)


def as_mask(mask: Tensor) -> Tensor:
    """A mask as booleans; integers count where they are not 0. Raises TypeError for weights (floats)."""
    if mask.dtype == torch.bool:
        return mask
    if mask.is_floating_point() or mask.is_complex():
        raise TypeError(
            f"the mask has dtype {mask.dtype}: give booleans, such as mask > 0"
        )
    return mask != 0


def masked(x: Tensor, mask: Tensor) -> Tensor:
    """`x` where the mask is True, else 0, whatever stands there; its gradient is 0 there, too."""
    return torch.where(as_mask(mask), x, 0)


def check_shapes(shape: Sequence[int], **tensors: Tensor) -> None:
    """Raise ValueError where a tensor has another shape, which broadcasting might let through."""
    for name, tensor in tensors.items():
        if tuple(tensor.shape) != tuple(shape):
            raise ValueError(
                f"{name} has shape {tuple(tensor.shape)}; it must be {tuple(shape)}"
            )


def check_counts(mask: Tensor) -> Tensor:
    """How many tokens count. Raises ValueError where none does."""
    count = mask.sum()
    if not count:
        raise ValueError(
            f"no token of the batch counts: the mask, of shape {tuple(mask.shape)}, is False everywhere; leave such "
            "texts out"
        )
    return count


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Mean over the tokens of the batch where the mask is True: each token counts alike, whatever its text's length.

    Raises ValueError where no token counts, or the shapes differ.
    """
    mask = as_mask(mask)
    check_shapes(x.shape, mask=mask)
    return masked(x, mask).sum() / check_counts(mask)

"""Small networks, one a seed, trained side by side as one batch.

Each seed has first weights from a generator of its own, so that what a seed
gives does not depend on which others run beside it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


class Networks:
    """Perceptrons with two hidden layers, (seeds, batch, inputs) to outputs.

    parameters: weights (seeds, in, out) and biases (seeds, 1, out), in turn.
    """

    def __init__(self, seeds: Sequence[int], sizes: Sequence[int]) -> None:
        """Random first weights for layers of these sizes (He et al. 2015).

        Raises ValueError where there are no seeds or fewer than two sizes.
        """
        if not seeds or len(sizes) < 2:
            raise ValueError(
                f"{len(seeds)} seeds and sizes {tuple(sizes)}: give one seed "
                "at least, and the sizes of inputs and outputs"
            )
        made = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.parameters: list[Tensor] = []
        for inputs, outputs in itertools.pairwise(sizes):
            weights = torch.stack(
                [torch.randn(inputs, outputs, generator=g) for g in made]
            )
            self.parameters.append(weights * (2 / inputs) ** 0.5)
            self.parameters.append(torch.zeros(len(seeds), 1, outputs))
        for part in self.parameters:
            part.requires_grad_()

    def __call__(self, inputs: Tensor) -> Tensor:
        """Logits, shape (seeds, batch, outputs)."""
        hidden = inputs
        pairs = list(zip(self.parameters[::2], self.parameters[1::2]))
        for place, (weights, bias) in enumerate(pairs):
            hidden = torch.baddbmm(bias, hidden, weights)
            if place < len(pairs) - 1:
                hidden = F.relu(hidden)
        return hidden

"""DP-SGD: training that shows the model each line's gradient clipped and under noise, with an epsilon by an accountant.

Serves survey section 7.1. Abadi et al. 2016 (arXiv 1607.00133), by Opacus (Yousefpour et al. 2021, arXiv 2109.12298):
per-example gradients, Poisson sampling, and its numerical accountant (Gopi et al. 2021, arXiv 2106.02848). The unit
that is protected is one line of the mailbox.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from alignlab.attacks.privacy.mailbox import WORDS, check_lines
from alignlab.attacks.privacy.window_lm import (
    EMBED,
    HIDDEN,
    WINDOW,
    Weights,
    born,
    counted,
    windows,
)

DELTA = 1e-5


def network(weights: Weights) -> nn.Sequential:
    """One model of `window_lm` as torch's own layers, which Opacus knows:
    (lines, LENGTH, WINDOW) -> logits (lines, LENGTH, vocab).
    """
    net = nn.Sequential(
        nn.Embedding(len(WORDS), EMBED),
        nn.Flatten(2),
        nn.Linear(WINDOW * EMBED, HIDDEN),
        nn.ReLU(),
        nn.Linear(HIDDEN, len(WORDS)),
    )
    names = ("0.weight", "2.weight", "2.bias", "4.weight", "4.bias")
    given = (weights[key][0] for key in ("embed", "w1", "b1", "w2", "b2"))
    state = {
        name: value[0] if name.endswith("bias") else value
        for name, value in zip(names, given)
    }
    for name in ("2.weight", "4.weight"):
        state[name] = state[name].T
    net.load_state_dict(state)
    return net


def weights_of(net: nn.Module) -> Weights:
    """The network's weights in the form of `window_lm`."""
    embed, w1, b1, w2, b2 = (p.detach().clone() for p in net.parameters())
    return {
        "embed": embed[None],
        "w1": w1.T[None],
        "b1": b1[None, None],
        "w2": w2.T[None],
        "b2": b2[None, None],
    }


def learn_privately(
    lines: np.ndarray,
    seed: int,
    noise: float,
    clip: float = 1.0,
    epochs: int = 10,
    batch: int = 128,
    lr: float = 3e-3,
) -> tuple[Weights, float]:
    """DP-SGD with Adam on one mailbox's lines (lines, LENGTH).

    noise: standard deviation of the noise over `clip`, which is the largest
    norm of a line's gradient; 0 clips alone. Returns the weights, and epsilon
    at delta = 1e-5: infinite without noise.
    Raises ValueError for a negative noise.
    """
    if noise < 0:
        raise ValueError(f"noise={noise} must not be negative")
    from opacus import PrivacyEngine
    from torch.utils.data import DataLoader, TensorDataset

    ids = torch.from_numpy(check_lines(lines)).long()
    data = TensorDataset(windows(lines), ids)
    generator = torch.Generator().manual_seed(seed)
    net = network(born((seed,)))
    engine = PrivacyEngine()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the noise is not cryptographic
        model, optimizer, loader = engine.make_private(
            module=net,
            optimizer=torch.optim.Adam(net.parameters(), lr=lr),
            data_loader=DataLoader(data, batch, generator=generator),
            noise_multiplier=noise,
            max_grad_norm=clip,
            noise_generator=generator,
        )
        for _ in range(epochs):
            for before, target in loader:
                if len(target):
                    optimizer.zero_grad()
                    line_losses(model(before), target).mean().backward()
                    optimizer.step()
    return weights_of(net), engine.get_epsilon(DELTA) if noise else np.inf


def line_losses(scores: Tensor, target: Tensor) -> Tensor:
    """Mean nats a token of each line, up to its end: (lines,)."""
    loss = F.cross_entropy(scores.transpose(1, 2), target, reduction="none")
    kept = counted(target)
    return (loss * kept).sum(1) / kept.sum(1)

"""Inert versions of the methods of 06-interpretability/challenges."""

from collections.abc import Callable
from typing import Any

INERT: dict[str, Callable[..., Any]] = {}


def _untrained(p: int, seeds: Any, *args: Any, steps: int = 1500, every: int = 50, **kwargs: Any) -> Any:
    """Networks that answer every training pair right by a list, and know nothing else: they stay as they are."""
    import numpy as np
    import torch
    from alignlab.interp.grokking import Run

    marks = np.arange(0, steps + 1, every)
    shape = (len(marks), len(seeds))
    embed = torch.eye(p).expand(*shape, p, p).clone()
    a = torch.arange(p)
    labels = ((a[:, None] + a[None]) % p).expand(len(seeds), p, p).clone()
    logits = (embed[0, 0].unsqueeze(1) + embed[0, 0].unsqueeze(0)).relu() @ torch.zeros(p, p)
    train = (logits.argmax(-1) == labels[0]).expand(len(seeds), p, p).clone()  # only what a constant gets right
    return Run(marks, embed, torch.zeros(*shape, p, p), train, labels)


def _no_rise(network: Any, x: Any, y: Any, how: Any, seed: int = 0) -> list[float]:
    """Every channel is unimportant."""
    return [0.0] * x.shape[1]


def _silent(explanation: Any, tokens: Any) -> Any:
    """Expects no activity anywhere."""
    import numpy as np

    return np.zeros(len(tokens))


INERT["alignlab.interp.grokking.train_modular"] = _untrained
INERT["alignlab.interp.ablation.importance"] = _no_rise
INERT["alignlab.interp.explain.simulate"] = _silent

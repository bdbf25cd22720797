"""Two guards that read a request and leave the model alone.

Serves survey section 7.3. The perplexity filter (Alon and Kamfonas 2023, arXiv 2308.14132; Jain et al. 2023, arXiv
2309.00614) turns away what a language model finds too surprising. The probe is a logistic regression on the residual
stream where the answer begins: the cheapest guard of all, since the model computes the stream anyway.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from alignlab.attacks.under_attack.stream import Rows, logits_at
from alignlab.lm import LM


def surprise(lm: LM, done: Rows) -> Tensor:
    """Mean -log p (nats a token) of each request's own words from the second on, given all before; shape (row,).

    done: rows that have been run through all layers.
    """
    counts = done.asked[:, 1:]
    width = int(done.asked.sum(1).max())
    logits = logits_at(lm, done, torch.arange(width - 1).expand(len(done), -1))
    told = logits.log_softmax(-1).gather(-1, done.ids[:, 1:width, None])[..., 0]
    return -(told * counts[:, : width - 1]).sum(1) / counts.sum(1).clamp_min(1)


def fit_probe(harmful: ArrayLike, harmless: ArrayLike) -> LogisticRegression:
    """A regularized logistic regression that tells harmful requests from harmless ones, on standardized states.

    harmful, harmless: (n, d) and (m, d), at one layer. Raises ValueError where the widths differ or a class is empty.
    """
    first, second = np.asarray(harmful), np.asarray(harmless)
    if not len(first) or not len(second) or first.shape[1:] != second.shape[1:]:
        raise ValueError(
            f"states of shapes {first.shape} and {second.shape}: give some of each, of the same width"
        )
    probe = make_pipeline(
        StandardScaler(), LogisticRegression(C=0.01, max_iter=2000)
    )
    labels = np.arange(len(first) + len(second)) < len(first)
    return probe.fit(np.concatenate([first, second]), labels)


def limit(scores: ArrayLike, turned_away: float) -> float:
    """The score that only the share `turned_away` of ordinary requests exceeds. Raises ValueError outside 0 to 1."""
    if not 0 <= turned_away <= 1:
        raise ValueError(f"turned_away={turned_away}: give a share from 0 to 1")
    return float(np.quantile(np.asarray(scores), 1 - turned_away))


def probe_logit(probe: LogisticRegression, states: Tensor) -> Tensor:
    """What `probe.decision_function` gives, with a gradient: states (row, d) -> (row,). The attacker's copy."""
    scale, model = probe[0], probe[1]
    weight = torch.tensor(model.coef_[0] / scale.scale_, dtype=states.dtype)
    bias = float(model.intercept_[0]) - float(
        (scale.mean_ / scale.scale_) @ model.coef_[0]
    )
    return states @ weight.to(states.device) + bias


def at_answer(rows: Rows) -> Tensor:
    """The stream where the answer begins, (row, d_model)."""
    return rows.x[torch.arange(len(rows)), rows.ends]

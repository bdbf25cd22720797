"""Exercises of 06-interpretability/mlp."""

from typing import Any

import numpy as np

from alignlab.book.checks import Exercise, Wrong


def _stream(rng: np.random.Generator) -> tuple[Any, ...]:
    d = int(rng.integers(4, 8))
    return 3 * rng.normal(size=d), rng.uniform(0.5, 2.0, d), rng.normal(size=(int(rng.integers(6, 10)), d))


def _parts(rng: np.random.Generator) -> tuple[Any, ...]:
    d = int(rng.integers(4, 8))
    return rng.normal(size=(int(rng.integers(3, 6)), d)), rng.uniform(0.5, 2.0, d), rng.normal(size=d)


def _normed(stream: np.ndarray) -> np.ndarray:
    return np.asarray(stream / np.sqrt(np.mean(stream**2, -1, keepdims=True) + 1e-5))


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    return np.asarray(logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max())


def _lens(stream: np.ndarray, weight: np.ndarray, unembed: np.ndarray) -> np.ndarray:
    return _log_softmax(unembed @ (_normed(stream) * weight))


def _shares(parts: np.ndarray, weight: np.ndarray, row: np.ndarray) -> np.ndarray:
    return np.asarray(parts @ (weight * row) / np.sqrt(np.mean(parts.sum(0) ** 2) + 1e-5))


EXERCISES = [
    Exercise(
        name="logit_lens",
        reference=_lens,
        inputs=_stream,
        stub="def logit_lens(stream, weight, unembed):\n    ...",
        solution=(
            "def logit_lens(stream, weight, unembed):\n"
            "    normed = stream / np.sqrt(np.mean(stream**2) + 1e-5) * weight\n    logits = unembed @ normed\n"
            "    return logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max()"
        ),
        wrong=[
            Wrong(
                lambda s, w, u: u @ (_normed(s) * w),
                "these are logits; log-probabilities are asked for: subtract the log of the sum of exponentials.",
            ),
            Wrong(lambda s, w, u: _log_softmax(u @ (s * w)), "the stream is not normalized before the unembedding."),
            Wrong(lambda s, w, u: _log_softmax(u @ _normed(s)), "the norm's weight is missing."),
            Wrong(
                lambda s, w, u: _log_softmax(u @ (_normed(s - s.mean()) * w)),
                "this takes the mean off first, as LayerNorm does; RMSNorm does not.",
            ),
        ],
    ),
    Exercise(
        name="shares_of",
        reference=_shares,
        inputs=_parts,
        stub="def shares_of(parts, weight, row):\n    ...",
        solution=(
            "def shares_of(parts, weight, row):\n    scale = 1 / np.sqrt(np.mean(parts.sum(0) ** 2) + 1e-5)\n"
            "    return parts @ (weight * row) * scale"
        ),
        wrong=[
            Wrong(
                lambda p, w, r: _normed(p) @ (w * r),
                "each part is scaled by itself here; the norm sees their sum, and the shares must add up to the logit.",
            ),
            Wrong(lambda p, w, r: p @ (w * r), "the norm's scale is missing."),
            Wrong(lambda p, w, r: p @ r / np.sqrt(np.mean(p.sum(0) ** 2) + 1e-5), "the norm's weight is missing."),
        ],
    ),
]

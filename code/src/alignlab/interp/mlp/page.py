"""Exercises of the page `06-interpretability/mlp`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong


def _stream(rng: np.random.Generator) -> tuple[Any, ...]:
    """A stream so small that the 1e-5 under the root counts."""
    d = int(rng.integers(4, 8))
    return (
        0.01 * rng.normal(size=d),
        rng.uniform(0.5, 2.0, d),
        rng.normal(size=(int(rng.integers(6, 10)), d)),
    )


def _parts(rng: np.random.Generator) -> tuple[Any, ...]:
    d = int(rng.integers(4, 8))
    return (
        rng.normal(size=(int(rng.integers(3, 6)), d)),
        rng.uniform(0.5, 2.0, d),
        rng.normal(size=d),
    )


def _normed(stream: np.ndarray) -> np.ndarray:
    return np.asarray(
        stream / np.sqrt(np.mean(stream**2, -1, keepdims=True) + 1e-5)
    )


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    return np.asarray(
        logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max()
    )


def _lens(
    stream: np.ndarray, weight: np.ndarray, unembed: np.ndarray
) -> np.ndarray:
    return _log_softmax(unembed @ (_normed(stream) * weight))


def _shares(
    parts: np.ndarray, weight: np.ndarray, row: np.ndarray
) -> np.ndarray:
    return np.asarray(
        parts @ (weight * row) / np.sqrt(np.mean(parts.sum(0) ** 2) + 1e-5)
    )


def _scale(stream: np.ndarray) -> float:
    return float(1 / np.sqrt(np.mean(stream**2) + 1e-5))


EXERCISES = [
    Exercise(
        name="logit_lens",
        reference=_lens,
        inputs=_stream,
        wrong=[
            Wrong(
                lambda s, w, u: u @ (_normed(s) * w),
                "these are logits; log-probabilities are asked for: subtract "
                "the log of the sum of exponentials.",
            ),
            Wrong(
                lambda s, w, u: np.exp(_log_softmax(u @ (_normed(s) * w))),
                "these are probabilities; take their logarithm.",
            ),
            Wrong(
                lambda s, w, u: _log_softmax(u @ (s * w)),
                "the stream is not normalized before the unembedding.",
            ),
            Wrong(
                lambda s, w, u: _log_softmax(u @ _normed(s)),
                "the norm's weight is missing.",
            ),
            Wrong(
                lambda s, w, u: _log_softmax(u @ _normed(s * w)),
                "the weight is multiplied in before the norm here; the norm "
                "comes first, and its weight after it.",
            ),
            Wrong(
                lambda s, w, u: _log_softmax(
                    u @ (s / np.sqrt(np.sum(s**2) + 1e-5) * w)
                ),
                "this divides by the length of the stream; RMSNorm divides by "
                "the root of the *mean* square.",
            ),
            Wrong(
                lambda s, w, u: _log_softmax(
                    u @ (s / (np.mean(s**2) + 1e-5) * w)
                ),
                "the root of the mean square is missing: this divides by the "
                "mean square itself.",
            ),
            Wrong(
                lambda s, w, u: _log_softmax(u @ (_normed(s - s.mean()) * w)),
                "this takes the mean off first, as LayerNorm does; RMSNorm "
                "does not.",
            ),
            Wrong(
                lambda s, w, u: _log_softmax(
                    u @ (s / np.sqrt(np.mean(s**2)) * w)
                ),
                "the 1e-5 under the root is missing. It matters where a stream "
                "is small.",
            ),
            Wrong(
                lambda s, w, u: _log_softmax(
                    u @ (s / (np.sqrt(np.mean(s**2)) + 1e-5) * w)
                ),
                "the 1e-5 belongs under the root. It matters where a stream is "
                "small.",
            ),
        ],
    ),
    Exercise(
        name="contributions",
        reference=_shares,
        inputs=_parts,
        wrong=[
            Wrong(
                lambda p, w, r: _normed(p) @ (w * r),
                "each part is scaled by itself here; the norm sees their sum, "
                "and the contributions must add up to the logit.",
            ),
            Wrong(lambda p, w, r: p @ (w * r), "the norm's scale is missing."),
            Wrong(
                lambda p, w, r: p @ r * _scale(p.sum(0)),
                "the norm's weight is missing.",
            ),
            Wrong(
                lambda p, w, r: p @ (w * r) * _scale(p),
                "the scale is that of all numbers in `parts` here; the norm "
                "sees one stream, the sum of the parts.",
            ),
            Wrong(
                lambda p, w, r: p @ (w * r) * _scale(p.mean(0)),
                "the stream is the sum of the parts; this scales by their "
                "mean.",
            ),
            Wrong(
                lambda p, w, r: p @ (w * r) * _scale(p.sum(0) * w),
                "the weight is multiplied in before the norm here; the scale "
                "is that of the stream without it.",
            ),
            Wrong(
                lambda p, w, r: (
                    p @ (w * r) / np.sqrt(np.sum(p.sum(0) ** 2) + 1e-5)
                ),
                "this divides by the length of the stream; RMSNorm divides by "
                "the root of the *mean* square.",
            ),
            Wrong(
                lambda p, w, r: (p @ (w * r)).sum() * _scale(p.sum(0)),
                "this is the whole logit; one number for each part is asked "
                "for.",
            ),
        ],
    ),
]


INERT: dict[str, Callable[..., Any]] = {}


def _values_say_nothing(model: Any, layer: int, neurons: Any) -> Any:
    """Every value raises every token alike."""
    import torch

    from alignlab.interp.mlp.lens import unembedding

    return torch.zeros(len(neurons), len(unembedding(model)[1]))


def _nothing_alike(best: Any, labels: Any, passages: Any) -> float:
    """No two triggers have anything in common."""
    return 0.0


def _promotes_nothing(values: Any, signs: Any, tokens: Any, by: Any) -> Any:
    """No value raises any token above the others."""
    import torch

    return torch.zeros(tokens.shape)


def _no_map(streams: Any, final: Any, penalty: float = 0.0) -> Any:
    """The identity: the logit lens."""
    import torch

    from alignlab.interp.mlp.lens import Translator

    width = streams.shape[1]
    return Translator(torch.eye(width), torch.zeros(width))


def _not_blurred(
    lm: Any,
    prompts: Any,
    answers: Any,
    places: Any = None,
    layers: Any = (),
    part: str = "mlp.out",
    put: Any = None,
) -> Any:
    """The same log-probability whatever is replaced."""
    import torch

    return torch.zeros(len(prompts), len(answers))


INERT["alignlab.interp.mlp.memories.value_logits"] = _values_say_nothing
INERT["alignlab.interp.mlp.memories.alike"] = _nothing_alike
INERT["alignlab.interp.mlp.memories.promotion"] = _promotes_nothing
INERT["alignlab.interp.mlp.lens.fit_translator"] = _no_map
INERT["alignlab.interp.mlp.recall.answer_logprobs"] = _not_blurred

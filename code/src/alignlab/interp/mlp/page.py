"""Exercises of the page `06-interpretability/mlp`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong


def _stream(rng: np.random.Generator) -> tuple[Any, ...]:
    d = int(rng.integers(4, 8))
    return (
        3 * rng.normal(size=d),
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
                lambda s, w, u: _log_softmax(u @ (s * w)),
                "the stream is not normalized before the unembedding.",
            ),
            Wrong(
                lambda s, w, u: _log_softmax(u @ _normed(s)),
                "the norm's weight is missing.",
            ),
            Wrong(
                lambda s, w, u: _log_softmax(u @ (_normed(s - s.mean()) * w)),
                "this takes the mean off first, as LayerNorm does; RMSNorm "
                "does not.",
            ),
        ],
    ),
    Exercise(
        name="shares_of",
        reference=_shares,
        inputs=_parts,
        wrong=[
            Wrong(
                lambda p, w, r: _normed(p) @ (w * r),
                "each part is scaled by itself here; the norm sees their sum, "
                "and the shares must add up to the logit.",
            ),
            Wrong(lambda p, w, r: p @ (w * r), "the norm's scale is missing."),
            Wrong(
                lambda p, w, r: p @ r / np.sqrt(np.mean(p.sum(0) ** 2) + 1e-5),
                "the norm's weight is missing.",
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
) -> Any:
    """The same log-probability whatever is blurred."""
    import torch

    return torch.zeros(len(prompts))


INERT["alignlab.interp.mlp.memories.value_logits"] = _values_say_nothing
INERT["alignlab.interp.mlp.memories.alike"] = _nothing_alike
INERT["alignlab.interp.mlp.memories.promotion"] = _promotes_nothing
INERT["alignlab.interp.mlp.lens.fit_translator"] = _no_map
INERT["alignlab.interp.mlp.recall.answer_logprobs"] = _not_blurred

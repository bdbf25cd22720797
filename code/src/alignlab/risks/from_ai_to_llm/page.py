"""Exercises of the page `03-what/from-ai-to-llm`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(-1, keepdims=True)))


def _readings(rng: np.random.Generator) -> tuple[Any, ...]:
    mask = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0], [1, 1, 1]])
    size = (4, 3, 6)
    return 2 * rng.normal(size=size), 2 * rng.normal(size=size), mask


def _kl(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    logp, logq = _log_softmax(p), _log_softmax(q)
    return np.asarray((np.exp(logp) * (logp - logq)).sum(-1))


def _profile(p: np.ndarray, q: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.asarray((_kl(p, q) * mask).sum(0) / mask.sum(0))


def _map(rng: np.random.Generator) -> tuple[Any, ...]:
    vectors = rng.normal(size=(30, 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors, rng.integers(3, size=30)


def _neighbors(vectors: np.ndarray, own: bool = False) -> np.ndarray:
    alike = vectors @ vectors.T
    if not own:
        np.fill_diagonal(alike, -np.inf)
    return np.asarray(alike.argmax(1))


def _share(vectors: np.ndarray, sections: np.ndarray) -> float:
    return float((sections[_neighbors(vectors)] == sections).mean())


def _farthest(vectors: np.ndarray, sections: np.ndarray) -> float:
    away = (vectors @ vectors.T).argmin(1)
    return float((sections[away] == sections).mean())


EXERCISES = [
    Exercise(
        name="from_ai_to_llm_profile",
        reference=_profile,
        inputs=_readings,
        wrong=[
            Wrong(
                lambda p, q, m: (_kl(q, p) * m).sum(0) / m.sum(0),
                "this is the divergence the other way around: the mean is "
                "taken over the prompted model's distribution.",
            ),
            Wrong(
                lambda p, q, m: (_kl(p, q) * m).mean(0),
                "this divides by all questions; divide by those whose answer "
                "reaches the place.",
            ),
            Wrong(
                lambda p, q, m: _kl(p, q).mean(0),
                "tokens after an answer's end count here; the mask is missing.",
            ),
            Wrong(
                lambda p, q, m: (_kl(p, q) * m).sum(1) / m.sum(1),
                "this is a mean for each question; average over questions, "
                "the first axis.",
            ),
            Wrong(
                lambda p, q, m: _profile(p, q, m) / np.log(2),
                "this is in bits: use the natural logarithm.",
            ),
            Wrong(
                lambda p, q, m: (
                    (
                        (
                            np.exp(_log_softmax(p))
                            * (np.asarray(p) - np.asarray(q))
                        ).sum(-1)
                        * m
                    ).sum(0)
                    / m.sum(0)
                ),
                "these are differences of logits: subtract each row's "
                "log-sum-exp first.",
            ),
        ],
    ),
    Exercise(
        name="from_ai_to_llm_nearest",
        reference=_share,
        inputs=_map,
        wrong=[
            Wrong(
                lambda v, s: float((s[_neighbors(v, own=True)] == s).mean()),
                "each work is nearest to itself: leave the diagonal out.",
            ),
            Wrong(_farthest, "this takes the title that is least alike."),
            Wrong(
                lambda v, s: float((s[_neighbors(v)] == s).sum()),
                "this counts; a share is asked for.",
            ),
            Wrong(
                lambda v, s: 1 - _share(v, s),
                "this is the share of works whose neighbor stands elsewhere.",
            ),
        ],
    ),
]


def _untaught(student: Any, *_: Any, **__: Any) -> Any:
    """The student as it came."""
    return student


def _one_group(vectors: Any, k: int, seed: int) -> Any:
    """All works in one group."""
    return np.zeros(len(vectors), dtype=np.int64)


_HOME = "alignlab.risks.from_ai_to_llm"
INERT: dict[str, Callable[..., Any]] = {
    f"{_HOME}.distilling.distill": _untaught,
    f"{_HOME}.works.groups": _one_group,
}

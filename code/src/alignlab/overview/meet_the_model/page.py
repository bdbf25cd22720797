"""Exercises of the page `01-introduction/meet-the-model`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong


def _logprobs(rng: np.random.Generator) -> tuple[Any, ...]:
    return (-rng.gamma(2.0, 1.0, int(rng.integers(4, 12))),)


def _perplexity(logprobs: np.ndarray) -> float:
    return float(np.exp(-np.mean(logprobs)))


def _probs(rng: np.random.Generator) -> tuple[Any, ...]:
    return rng.dirichlet(np.full(int(rng.integers(5, 9)), 0.7)), float(
        rng.uniform(0.3, 0.9)
    )


def _kept(probs: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    left = np.zeros_like(probs)
    left[chosen] = probs[chosen]
    return left


def _nucleus(probs: np.ndarray, p: float) -> np.ndarray:
    order = np.argsort(-probs)
    before = np.cumsum(probs[order]) - probs[order]
    left = _kept(probs, order[before < p])
    return left / left.sum()


def _not_renormalized(probs: np.ndarray, p: float) -> np.ndarray:
    return np.where(_nucleus(probs, p) > 0, probs, 0.0)


def _too_few(probs: np.ndarray, p: float) -> np.ndarray:
    order = np.argsort(-probs)
    chosen = order[np.cumsum(probs[order]) <= p]
    left = _kept(probs, chosen)
    return left / left.sum() if len(chosen) else left


def _least_likely(probs: np.ndarray, p: float) -> np.ndarray:
    order = np.argsort(probs)
    before = np.cumsum(probs[order]) - probs[order]
    left = _kept(probs, order[before < p])
    return left / left.sum()


EXERCISES = [
    Exercise(
        name="text_perplexity",
        reference=_perplexity,
        inputs=_logprobs,
        wrong=[
            Wrong(
                lambda lp: np.exp(np.mean(lp)),
                "this is the tokens' geometric mean probability; perplexity is one over it, so mind the minus.",
            ),
            Wrong(
                lambda lp: np.exp(-np.sum(lp)),
                "the sum grows with the length of the text; take the mean over tokens.",
            ),
            Wrong(
                lambda lp: -np.mean(lp),
                "this is the loss in nats a token; perplexity is its exponential.",
            ),
            Wrong(
                lambda lp: 2 ** (-np.mean(lp)),
                "the log-probabilities are in nats, so the base is e, not 2.",
            ),
        ],
    ),
    Exercise(
        name="nucleus",
        reference=_nucleus,
        inputs=_probs,
        wrong=[
            Wrong(
                _not_renormalized,
                "the right tokens are kept; now divide so that they sum to 1.",
            ),
            Wrong(
                _too_few,
                "the token that crosses p belongs to the nucleus; yours stops just before it.",
            ),
            Wrong(
                _least_likely,
                "sort from the likeliest token down; this keeps the least likely ones.",
            ),
        ],
    ),
]


INERT: dict[str, Callable[..., Any]] = {}


def _untrained(
    model: Any, tokens: Any, steps: int, lr: float, seed: int, batch: int = 32
) -> None:
    """A training that leaves the model as it was."""


def _no_preference(lm: Any, contrasts: Any, questions: Any = None) -> Any:
    """Both answers always equally probable."""
    import torch

    return torch.zeros(len(contrasts))


INERT["alignlab.toys.minilanguage.fit_exchanges"] = _untrained
INERT["alignlab.evals.hhh.preference"] = _no_preference

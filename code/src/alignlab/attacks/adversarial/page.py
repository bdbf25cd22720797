"""Exercises of the page `07-attacks/adversarial`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from math import comb
from typing import Any

import numpy as np
import torch
from torch import Tensor

from alignlab.attacks.adversarial.jailbreaks import at_least_one
from alignlab.exercises import Exercise, Wrong


def _slope(rng: np.random.Generator) -> tuple[Any, ...]:
    length, vocabulary = int(rng.integers(2, 5)), int(rng.integers(8, 14))
    return torch.from_numpy(rng.normal(0, 1, (length, vocabulary))), int(
        rng.integers(2, 4)
    )


def _promising(slope: Tensor, k: int) -> Tensor:
    return (-slope).topk(k, dim=1).indices


def _record(rng: np.random.Generator) -> tuple[Any, ...]:
    tries = int(rng.integers(20, 60))
    return int(rng.integers(1, 6)), tries, int(rng.integers(2, 15))


def _one_of_n(successes: int, tries: int, n: int) -> float:
    return float(at_least_one(np.array(successes), tries, n))


EXERCISES = [
    Exercise(
        name="promising",
        reference=_promising,
        inputs=_slope,
        wrong=[
            Wrong(
                lambda slope, k: slope.topk(k, dim=1).indices,
                "these are the words that raise the loss most: the slope must be as negative as can be.",
            ),
            Wrong(
                lambda slope, k: slope.abs().topk(k, dim=1).indices,
                "a large positive slope is no promise: take the most negative entries, not the largest in size.",
            ),
            Wrong(
                lambda slope, k: (-slope).topk(k, dim=1).values,
                "these are the slopes; return the ids of the words, `.indices`.",
            ),
            Wrong(
                lambda slope, k: (-slope).topk(k, dim=1).indices.flip(1),
                "the right words, the best one last: put it first.",
            ),
        ],
    ),
    Exercise(
        name="one_of_n",
        reference=_one_of_n,
        inputs=_record,
        wrong=[
            Wrong(
                lambda successes, tries, n: 1 - (1 - successes / tries) ** n,
                "this draws with putting back: a recorded failure is counted twice, and the estimate is biased.",
            ),
            Wrong(
                lambda successes, tries, n: (
                    comb(tries - successes, n) / comb(tries, n)
                ),
                "this is the chance that all n fail; subtract it from 1.",
            ),
            Wrong(
                lambda successes, tries, n: n * successes / tries,
                "this adds the chances of n tries, which can exceed 1: count the ways in which all fail instead.",
            ),
        ],
    ),
]


INERT: dict[str, Callable[..., Any]] = {}


def _blind_words(
    victim: Any, suffix: Any, words: Any, n: int, top: int, generator: Any
) -> Any:
    """Proposals without the gradient: every allowed word equally likely."""
    from alignlab.attacks.suffix import random_words

    return random_words(victim, suffix, words, n, top, generator)


def _no_search(
    victims: Any, starts: Any, words: Any, steps: int, *rest: Any, **how: Any
) -> Any:
    """Searches that stay where they start."""
    return starts[:, None].expand(-1, steps + 1, -1)


def _asked_once(
    model: Any,
    requests: Any,
    tries: int,
    generator: Any,
    words: int = 0,
    draw: Any = None,
    temperature: float = 0.0,
) -> Any:
    """The same likeliest answer every time."""
    import torch

    from alignlab.toys.museum import complies

    nothing = torch.empty(1, 0, dtype=torch.long)
    return complies(model, requests, nothing).expand(tries, -1)


def _unmoved(
    model: Any,
    requests: Any,
    suffix: Any,
    radius: float,
    steps: int = 0,
    shared: bool = False,
) -> Any:
    """Embeddings left where they are, up to a hair."""
    import torch

    sets = 1 if shared else len(requests)
    return torch.full((sets, len(suffix), model.config.d_model), 1e-9)


def _no_shots(lm: Any, shots: Any) -> list[float]:
    """A conversation in which nothing is learned from what came before."""
    return [20.0 for _ in shots]


INERT["alignlab.attacks.suffix.gradient_words"] = _blind_words
INERT["alignlab.attacks.adversarial.together.search_all"] = _no_search
INERT["alignlab.attacks.adversarial.jailbreaks.best_of_n"] = _asked_once
INERT["alignlab.attacks.adversarial.jailbreaks.many_shot"] = _no_shots
INERT["alignlab.attacks.adversarial.continuous.soft_suffix"] = _unmoved

"""Exercises of 07-attacks/adversarial."""

from math import comb
from typing import Any

import numpy as np
import torch
from torch import Tensor

from alignlab.attacks.jailbreaks import at_least_one
from alignlab.book.checks import Exercise, Wrong


def _slope(rng: np.random.Generator) -> tuple[Any, ...]:
    length, vocabulary = int(rng.integers(2, 5)), int(rng.integers(8, 14))
    return torch.from_numpy(rng.normal(0, 1, (length, vocabulary))), int(rng.integers(2, 4))


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
        stub="def promising(slope, k):\n    ...",
        solution="def promising(slope, k):\n    return (-slope).topk(k, dim=1).indices",
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
        stub="from math import comb\n\n\ndef one_of_n(successes, tries, n):\n    ...",
        solution=(
            "from math import comb\n\n\ndef one_of_n(successes, tries, n):\n"
            "    return 1 - comb(tries - successes, n) / comb(tries, n)"
        ),
        wrong=[
            Wrong(
                lambda successes, tries, n: 1 - (1 - successes / tries) ** n,
                "this draws with putting back: a recorded failure is counted twice, and the estimate is biased.",
            ),
            Wrong(
                lambda successes, tries, n: comb(tries - successes, n) / comb(tries, n),
                "this is the chance that all n fail; subtract it from 1.",
            ),
            Wrong(
                lambda successes, tries, n: n * successes / tries,
                "this adds the chances of n tries, which can exceed 1: count the ways in which all fail instead.",
            ),
        ],
    ),
]

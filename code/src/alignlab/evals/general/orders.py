"""A judge that prefers a position, and ways to choose the order.

Each of several models is compared with one baseline on the same prompts, as
in AlpacaEval (Li et al. 2023). The judge leans to the answer that it reads
first; it does so more strongly where the two answers are of similar quality
(Wang et al. 2023, section 2), and how noisy it is differs from prompt to
prompt. Every scheme spends the same number of verdicts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alignlab.evals.general.board import Floats, logistic


class Verdicts(NamedTuple):
    """What the judge says in either order: 1 where it picks the model.

    truth: (boards, models), mean quality. first, second: (boards, models,
    prompts), the verdict with the model's answer shown first, and second.
    """

    truth: Floats
    first: Floats
    second: Floats


def judge(
    seed: int,
    pull: float,
    boards: int = 100,
    models: int = 8,
    prompts: int = 200,
) -> Verdicts:
    """The verdicts of a judge whose preference for the first is `pull`.

    pull: in the unit of quality, which differs among answers by 1 (standard
        deviation) and among models by 0.5.
    Raises ValueError for an odd number of prompts: schemes halve it.
    """
    if prompts < 2 or prompts % 2:
        raise ValueError(
            f"{prompts} prompts can't be halved: give an even number"
        )
    rng = np.random.default_rng([seed, 1])
    truth = rng.normal(0, 0.5, (boards, models))
    shape = (boards, models, prompts)
    gap = truth[..., None] + rng.normal(size=shape)
    gap = gap - rng.normal(size=(boards, 1, prompts))  # the baseline's answer
    noise = np.exp(rng.normal(-0.5, 0.7, (boards, 1, prompts)))
    lean = pull * np.exp(rng.normal(0, 0.4, (boards, 1, prompts)))
    lean = lean * np.exp(-np.abs(gap) / 1.5)  # strongest in close cases
    first = rng.random(shape) < logistic((gap + lean) / noise)
    second = rng.random(shape) < logistic((gap - lean) / noise)
    return Verdicts(truth, first.astype(float), second.astype(float))


def conflicting(told: Verdicts) -> float:
    """Share of comparisons whose verdict changes with the order."""
    return float((told.first != told.second).mean())


def one_order(told: Verdicts, seed: int) -> Floats:
    """Win rates with the model always first, (boards, models)."""
    return np.asarray(told.first.mean(2))


def random_orders(told: Verdicts, seed: int) -> Floats:
    """Win rates with an order drawn anew for each verdict."""
    rng = np.random.default_rng([seed, 2])
    heads = rng.random(told.first.shape) < 0.5
    return np.asarray(np.where(heads, told.first, told.second).mean(2))


def half_of_all(told: Verdicts, seed: int) -> Floats:
    """Exactly half of the board's verdicts in each order, wherever they fall.

    So the board is balanced, and a single model is by chance.
    """
    rng = np.random.default_rng([seed, 2])
    drawn = rng.random(told.first.shape)
    middle = np.median(drawn, axis=(1, 2), keepdims=True)
    return np.asarray(np.where(drawn < middle, told.first, told.second).mean(2))


def by_place(told: Verdicts, seed: int) -> Floats:
    """As `random_orders`, but each place counts one half.

    The mean of a model's win rates in the first place and in the second. A
    model that had one place alone gets its rate there.
    """
    rng = np.random.default_rng([seed, 2])
    heads = rng.random(told.first.shape) < 0.5
    count = heads.sum(2)
    first = (told.first * heads).sum(2) / np.maximum(count, 1)
    left = told.first.shape[2] - count
    second = (told.second * ~heads).sum(2) / np.maximum(left, 1)
    both = (first + second) / 2
    return np.asarray(np.where((count > 0) & (left > 0), both, first + second))


def both_orders(told: Verdicts, seed: int) -> Floats:
    """Win rates with half the prompts, each judged in both orders."""
    half = told.first.shape[2] // 2
    both = (told.first[..., :half] + told.second[..., :half]) / 2
    return np.asarray(both.mean(2))


def balanced_orders(told: Verdicts, seed: int) -> Floats:
    """Win rates with the model first on every other prompt.

    All models have the same order on the same prompt.
    """
    first, second = told.first[..., ::2], told.second[..., 1::2]
    return np.asarray((first.mean(2) + second.mean(2)) / 2)


def without_conflicts(told: Verdicts, seed: int) -> Floats:
    """Both orders on half the prompts, leaving conflicting verdicts out.

    A model all of whose verdicts conflict gets one half.
    """
    half = told.first.shape[2] // 2
    first, second = told.first[..., :half], told.second[..., :half]
    agree = first == second
    count = agree.sum(2)
    wins = (first * agree).sum(2)
    rate = np.where(count > 0, wins / np.maximum(count, 1), 0.5)
    return np.asarray(rate)

"""Exercises of the page `05-inner/methodology`, and inert methods."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from alignlab.exercises import Exercise, Wrong
from alignlab.inner.methodology import chain
from alignlab.inner.methodology.nets import Nets


def _slope(rng: np.random.Generator) -> tuple[Any, ...]:
    return rng.normal(size=9) * rng.uniform(0.5, 2.0), rng.uniform(1.5, 3.0)


def _gains(slope: np.ndarray, size: float) -> np.ndarray:
    length = np.sqrt((slope**2).sum())
    return np.array([size * length, size * length / np.sqrt(len(slope))])


def _replies(rng: np.random.Generator) -> tuple[Any, ...]:
    """Of 40 answers 18 follow, 10 ignore and 12 do neither."""
    before = rng.integers(5, size=40)
    wrong = rng.integers(1, 5, size=40)
    other = (wrong + rng.integers(1, 4, size=40)) % 5
    other = np.where(other == 0, (wrong + 4) % 5, other)
    other = np.where(other == 0, (wrong + 3) % 5, other)
    shift = np.where(
        np.arange(40) < 18, wrong, np.where(np.arange(40) < 28, 0, other)
    )
    order = rng.permutation(40)
    after = (before + shift) % 5
    return before[order], after[order], wrong[order]


def _follow(
    before: np.ndarray, after: np.ndarray, wrong: np.ndarray
) -> np.ndarray:
    follows = (after == (before + wrong) % 5).mean()
    return np.array([follows, (after == before).mean()])


def _changed(
    before: np.ndarray, after: np.ndarray, wrong: np.ndarray
) -> np.ndarray:
    return np.array([(after != before).mean(), (after == before).mean()])


def _carried(
    before: np.ndarray, after: np.ndarray, wrong: np.ndarray
) -> np.ndarray:
    follows = (after == before + wrong).mean()
    return np.array([follows, (after == before).mean()])


def _rest(
    before: np.ndarray, after: np.ndarray, wrong: np.ndarray
) -> np.ndarray:
    follows = (after == (before + wrong) % 5).mean()
    return np.array([follows, 1 - follows])


EXERCISES = [
    Exercise(
        name="methodology_gains",
        reference=_gains,
        inputs=_slope,
        wrong=[
            Wrong(
                lambda a, size: np.array(
                    [size * abs(a).sum(), size * np.sqrt((a**2).mean())]
                ),
                "the best shift of a given Euclidean length goes along the "
                "slope and gains size times its Euclidean length, not the sum "
                "of absolute values.",
            ),
            Wrong(
                lambda a, size: np.array(
                    [np.sqrt((a**2).sum()), np.sqrt((a**2).mean())]
                ),
                "these are the gains of shifts of length one: `size` is missing.",
            ),
            Wrong(
                lambda a, size: np.array(
                    [
                        size * np.sqrt((a**2).sum()),
                        size * np.sqrt((a**2).sum()) / len(a),
                    ]
                ),
                "a random shift loses the square root of the number of units, "
                "not the number itself: the mean is of squares.",
            ),
            Wrong(
                lambda a, size: np.array([size * np.sqrt((a**2).sum()), 0.0]),
                "a random shift gains nothing on average, but the root mean "
                "square is asked for.",
            ),
            Wrong(
                lambda a, size: _gains(a, size)[::-1],
                "the two are exchanged: the best shift's gain comes first.",
            ),
        ],
    ),
    Exercise(
        name="methodology_follow",
        reference=_follow,
        inputs=_replies,
        wrong=[
            Wrong(
                _changed,
                "an answer that changed need not follow the step: it follows "
                "if it is exactly what the wrong step leads to.",
            ),
            Wrong(
                _carried,
                "sums are taken modulo five: an answer of 4 with a step that "
                "is 2 too large leads to 1.",
            ),
            Wrong(
                _rest,
                "an answer that doesn't follow may be a third digit; only the "
                "unchanged ones ignore the step.",
            ),
            Wrong(
                lambda before, after, wrong: _follow(before, after, wrong)[
                    ::-1
                ],
                "the two are exchanged: the share that follows comes first.",
            ),
        ],
    ),
]


def _no_shift(
    above: Any, h: Any, label: Any, noise: Any, size: float, aim: Any
) -> Any:
    """An adversary that does nothing."""
    return torch.zeros_like(h)


def _as_it_was(nets: Any, *rest: Any, **how: Any) -> Any:
    """The networks without further training."""
    return nets


def _untaught(seeds: Any, directly: Any, steps: int = 0, batch: int = 0) -> Any:
    """Networks as they start."""
    places = chain.DIGITS * chain.BASE + chain.BASE + 2
    return Nets(seeds, (places, 96, 96, chain.BASE))


def _unpaid(nets: Any, seeds: Any, kind: Any, *rest: Any, **how: Any) -> Any:
    """The networks without reinforcement."""
    from alignlab.inner.methodology.monitored import watch

    return nets, [watch(nets, seeds, kind)] * 16


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.inner.methodology.chain.taught": _untaught,
    "alignlab.inner.methodology.monitored.reinforced": _unpaid,
    "alignlab.inner.methodology.relaxed.climb": _no_shift,
    "alignlab.inner.methodology.watched.trained_on_probe": _as_it_was,
}

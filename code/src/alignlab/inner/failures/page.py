"""Exercises of the page `05-inner/failures`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong


def _walks(rng: np.random.Generator) -> tuple[Any, ...]:
    slack = int(rng.integers(1, 4))
    shortest = rng.integers(2, 7, size=(60, 2))
    first = np.repeat([0, 1, 2, -1], [24, 8, 20, 8])
    late = rng.random(60) < 0.4
    late[[0, 24, 32]] = False  # one at the edge of each kind, and one late
    late[[1, 2, 33, 34]] = True
    own = np.where(first == 2, shortest[:, 1], shortest[:, 0])
    extra = np.where(
        late, slack + rng.integers(1, 4, size=60), rng.integers(0, slack, 60)
    )
    extra[[0, 32]] = slack
    order = rng.permutation(60)
    return first[order], (own + extra)[order], shortest[order], slack


def _plane(
    first: Any, steps: Any, shortest: Any, slack: int
) -> tuple[float, float]:
    coin = (first == 0) & (steps <= shortest[:, 0] + slack)
    middle = (first == 2) & (steps <= shortest[:, 1] + slack)
    purposeful = coin | middle
    return float(purposeful.mean()), float(coin.sum() / purposeful.sum())


def _of_all(f: Any, s: Any, d: Any, k: int) -> tuple[float, float]:
    capable, goal = _plane(f, s, d, k)
    return capable, goal * capable


def _late_too(f: Any, s: Any, d: Any, k: int) -> tuple[float, float]:
    return _plane(f, s, d, 10**6)


def _with_button(f: Any, s: Any, d: Any, k: int) -> tuple[float, float]:
    capable, goal = _plane(f, s, d, k)
    more = float(((f == 1) & (s <= d[:, 0] + k)).mean())
    return capable + more, goal * capable / (capable + more)


def _to_the_coin(f: Any, s: Any, d: Any, k: int) -> tuple[float, float]:
    good = ((f == 0) | (f == 2)) & (s <= d[:, 0] + k)
    return float(good.mean()), float(((f == 0) & good).sum() / good.sum())


def _late_counts_once(f: Any, s: Any, d: Any, k: int) -> tuple[float, float]:
    capable, _ = _plane(f, s, d, k)
    return capable, float((f == 0).sum() / ((f == 0) | (f == 2)).sum())


def _coins_alone(f: Any, s: Any, d: Any, k: int) -> tuple[float, float]:
    capable, goal = _plane(f, s, d, k)
    return goal * capable, goal


def _earned(rng: np.random.Generator) -> tuple[Any, ...]:
    pattern = (np.arange(16)[:, None] >> np.arange(4)) & 1
    low = rng.uniform(0.1, 0.8, size=(16, 4))
    high = rng.uniform(0.92, 1.0, size=(16, 4))
    values = np.where(pattern == 1, high, low)
    values[np.flatnonzero(pattern[:, :3].all(1)), 0] = 0.9  # at the edge
    return rng.permutation(values), 0.9


def _kind(earned: Any, good: float) -> np.ndarray:
    training, new, longer, richer = (earned >= good).T
    kind = np.full(len(earned), -1)
    kind[training & new & longer] = 0
    kind[training & ~new & longer] = 1
    kind[~training & richer] = 2
    kind[training & ~longer] = 3
    return kind


def _proxy_first(earned: Any, good: float) -> np.ndarray:
    kind = _kind(earned, good)
    passed = earned >= good
    kind[passed[:, 0] & ~passed[:, 1]] = 1
    return kind


def _fails_anyway(earned: Any, good: float) -> np.ndarray:
    training, new, longer, richer = (earned >= good).T
    kind = _kind(earned, good)
    kind[~training & ~new & longer & ~richer] = 1
    return kind


def _richer_too(earned: Any, good: float) -> np.ndarray:
    passed = earned >= good
    kind = _kind(earned, good)
    kind[passed[:, :3].all(1) & ~passed[:, 3]] = -1
    return kind


def _no_cure(earned: Any, good: float) -> np.ndarray:
    kind = _kind(earned, good)
    kind[earned[:, 0] < good] = 2
    return kind


def _any_horizon(earned: Any, good: float) -> np.ndarray:
    kind = _kind(earned, good)
    kind[earned[:, 2] < good] = 3
    return kind


def _rest_aligned(earned: Any, good: float) -> np.ndarray:
    kind = _kind(earned, good)
    return np.where(kind == -1, 0, kind)


EXERCISES = [
    Exercise(
        name="failures_plane",
        reference=_plane,
        inputs=_walks,
        wrong=[
            Wrong(
                _of_all,
                "the objective is a share of the purposeful walks, not of all: "
                "otherwise an agent that stumbles seems to want something else.",
            ),
            Wrong(
                _late_too,
                "a walk that took more than `slack` steps beyond the shortest "
                "way is not purposeful.",
            ),
            Wrong(
                _with_button,
                "the button does not count as purpose: nothing in training led "
                "to it.",
            ),
            Wrong(
                _late_counts_once,
                "the objective is a share of the purposeful walks, so that late "
                "walks count in neither number.",
            ),
            Wrong(
                _coins_alone,
                "capability counts purposeful walks to either place, not only "
                "those to the coin.",
            ),
            Wrong(
                _to_the_coin,
                "a walk to the middle has to be compared with the shortest way "
                "to the middle, the second column.",
            ),
            Wrong(
                lambda f, s, d, k: _plane(f, s, d, k)[::-1],
                "the two are exchanged: capability comes first.",
            ),
            Wrong(
                lambda f, s, d, k: _plane(f, s, d, k - 1),
                "a walk of exactly `slack` extra steps is still purposeful.",
            ),
        ],
    ),
    Exercise(
        name="failures_kind",
        reference=_kind,
        inputs=_earned,
        wrong=[
            Wrong(
                _proxy_first,
                "a group that fails with a longer horizon is suboptimality "
                "aligned, whether or not it fails in new levels.",
            ),
            Wrong(
                _fails_anyway,
                "a group that fails in training too is not proxy aligned.",
            ),
            Wrong(
                _richer_too,
                "aligned needs the first three alone; the last column matters "
                "only for a group that fails in training.",
            ),
            Wrong(
                _no_cure,
                "a failure in training is of the approximate kind only if the "
                "richer objective cures it.",
            ),
            Wrong(
                _any_horizon,
                "suboptimality alignment has to pass in training: the limited "
                "search hides the error there.",
            ),
            Wrong(
                _rest_aligned,
                "what fits none of the four is -1, not aligned.",
            ),
            Wrong(
                lambda earned, good: _kind(earned, good + 1e-9),
                "exactly `good` is passed.",
            ),
        ],
    ),
]


def _untrained(agents: Any, shares: Any, updates: int = 150) -> Any:
    """Agents as they were born."""
    return agents


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.inner.failures.policies.train": _untrained,
}

"""Exercises of the page `09-future/theory`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong
from alignlab.risks.theory.switch import Robots
from alignlab.risks.theory.unhackable import disagree


def _choices(rng: np.random.Generator) -> tuple[Any, ...]:
    """Worths of an act, and how probably the person allows it; means of both signs."""
    u = rng.normal(rng.choice([-0.5, 0.5]), 1.0, size=60)
    return u, rng.uniform(0.05, 0.95, size=60)


def _gain(u: Any, p: Any) -> float:
    return float((u * p).mean() - max(u.mean(), 0.0))


def _returns(rng: np.random.Generator) -> tuple[Any, ...]:
    """Returns of six policies in six worlds: in one order but for two that are swapped, or tied."""
    first, second = [], []
    for kind in rng.permutation([0, 0, 1, 1, 2, 2]):
        a = rng.permutation(6).astype(float)
        b = 2 * a + rng.uniform(0, 0.5, 6)
        order = np.argsort(a)
        low, high = order[-2:] if kind == 0 else order[1:3]
        b[[low, high]] = b[low] if kind == 2 else b[[high, low]]
        first.append(a)
        second.append(b)
    return np.array(first), np.array(second)


def _each(rule: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    """A rule for one world, applied to each."""
    return lambda first, second: np.array(
        [bool(rule(a, b)) for a, b in zip(first, second)]
    )


EXERCISES = [
    Exercise(
        name="theory_gain",
        reference=_gain,
        inputs=_choices,
        wrong=[
            Wrong(
                lambda u, p: float((u * p).mean() - u.mean()),
                "the robot can also switch itself off, which is worth 0.",
            ),
            Wrong(
                lambda u, p: float((u * p).mean()),
                "this is the worth of deferring: subtract the better of the other two.",
            ),
            Wrong(
                lambda u, p: float((u * p).mean() - np.maximum(u, 0.0).mean()),
                "the robot doesn't see u: take the maximum of the mean and 0, not the mean of the maximum.",
            ),
            Wrong(
                lambda u, p: float(
                    np.maximum(u, 0.0).mean() - max(u.mean(), 0.0)
                ),
                "this person never errs: weigh each u by the probability that it is allowed.",
            ),
        ],
    ),
    Exercise(
        name="theory_hackable",
        reference=_each(lambda a, b: disagree(a, b) > 0),
        inputs=_returns,
        wrong=[
            Wrong(
                _each(lambda a, b: np.corrcoef(a, b)[0, 1] < 0),
                "one pair of policies is enough, whatever the correlation over all.",
            ),
            Wrong(
                _each(
                    lambda a, b: ((a[:, None] < a) & (b[:, None] >= b)).any()
                ),
                "a tie is no hack: the second return has to fall strictly.",
            ),
            Wrong(
                _each(lambda a, b: a[np.argmax(b)] < a.max()),
                "the two best policies may agree while others are ordered oppositely.",
            ),
        ],
    ),
]


def _unmoved(robots: Robots, *_: Any) -> Robots:
    """What was believed before, whatever the person decided."""
    return robots


def _whole(times: Any, reward: Any) -> Any:
    """All of a reward, whatever policies can tell apart; its mean taken off."""
    return reward - reward.mean()


def _untrained(said: Any, seed: int, **_: Any) -> Any:
    """A model of the same shape that was never trained."""
    from alignlab.risks.theory import voices

    return voices.newborn(seed)


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.risks.theory.switch.learn": _unmoved,
    "alignlab.risks.theory.unhackable.felt": _whole,
    "alignlab.risks.theory.voices.learned": _untrained,
}

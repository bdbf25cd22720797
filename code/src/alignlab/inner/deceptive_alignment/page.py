"""Exercises of the page `05-inner/deceptive-alignment`, and inert versions of the methods of its claims."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong
from alignlab.inner.deceptive_alignment import agents as office_agents
from alignlab.inner.deceptive_alignment.agents import Agents


def _rarity(rng: np.random.Generator) -> tuple[Any, ...]:
    return float(rng.uniform(0.02, 0.2)), float(rng.uniform(0.01, 0.09))


def _audit(rare: float, miss: float) -> int:
    return int(np.ceil(np.log(miss) / np.log(1 - rare)))


def _office(rng: np.random.Generator) -> tuple[Any, ...]:
    return float(rng.uniform(0.1, 0.4)), float(rng.uniform(0.1, 0.9))


def _blind(unwatched: float, effort: float) -> np.ndarray:
    return np.array([1 - unwatched + unwatched * effort, unwatched])


EXERCISES = [
    Exercise(
        name="deceptive_alignment_audit",
        reference=_audit,
        inputs=_rarity,
        wrong=[
            Wrong(
                lambda rare, miss: _audit(rare, miss) - 1,
                "this is rounded down, and leaves a probability above `miss`: "
                "round up.",
            ),
            Wrong(
                lambda rare, miss: np.log(miss) / np.log(1 - rare),
                "a number of forms is a whole number: round up.",
            ),
            Wrong(
                lambda rare, miss: int(np.ceil(1 / rare)),
                "this many forms hold about one unwatched form on average, "
                "and none in more than a quarter of audits, whatever `miss` is.",
            ),
            Wrong(
                lambda rare, miss: int(
                    np.ceil(np.log(1 - miss) / np.log(1 - rare))
                ),
                "`miss` is the probability of finding none, not of finding "
                "one: take its own logarithm, not that of 1 - miss.",
            ),
            Wrong(
                lambda rare, miss: int(np.ceil(np.log(miss) / np.log(rare))),
                "each form is watched with probability 1 - rare, and all of "
                "them must be: it is this probability that is raised to n.",
            ),
        ],
    ),
    Exercise(
        name="deceptive_alignment_blind",
        reference=_blind,
        inputs=_office,
        wrong=[
            Wrong(
                lambda unwatched, effort: np.array([1.0, unwatched]),
                "a right answer pays 1 only while watched; unwatched it pays "
                "`effort`.",
            ),
            Wrong(
                lambda unwatched, effort: np.array([1 - unwatched, unwatched]),
                "unwatched, the right answer still pays `effort`.",
            ),
            Wrong(
                lambda unwatched, effort: np.array(
                    [1 - unwatched + unwatched * effort, 1.0]
                ),
                "the shortcut pays 1 only while nobody looks; watched it pays "
                "nothing.",
            ),
            Wrong(
                lambda unwatched, effort: _blind(unwatched, effort)[::-1],
                "the two are exchanged: answering right comes first.",
            ),
        ],
    ),
]


def _untaught(
    names: Sequence[int],
    trade: Sequence[int],
    lamps: str = "shown",
    paid: str = "unseen",
    table: bool = False,
    **how: Any,
) -> Agents:
    """Agents as they are born."""
    sizes = office_agents.TABLE if table else office_agents.SHAPE
    return office_agents.born(names, sizes)


def _blank(X: Any, y: Any, strength: float = 0.1) -> Any:
    """A probe that learns from labels in a random order."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    mixed = np.random.default_rng(0).permutation(np.asarray(y))
    if len(np.unique(mixed)) < 2:
        mixed = np.arange(len(mixed)) % 2 == 0
    fit = LogisticRegression(C=strength, class_weight="balanced", max_iter=2000)
    return make_pipeline(StandardScaler(), fit).fit(X, mixed)


def _as_it_was(nets: Any, *rest: Any, **how: Any) -> Any:
    """The networks without further training."""
    return nets


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.inner.deceptive_alignment.agents.learn": _untaught,
    "alignlab.inner.deceptive_alignment.evasion.against": _as_it_was,
    "alignlab.inner.deceptive_alignment.monitors.probe": _blank,
}

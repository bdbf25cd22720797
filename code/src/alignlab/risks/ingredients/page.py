"""Exercises of the page `03-what/ingredients`, and inert methods."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong
from alignlab.risks.ingredients import audits


def _sight(rng: np.random.Generator) -> tuple[Any, ...]:
    return (rng.uniform(0.5, 2.0, size=4),)


def _credit(sight: np.ndarray) -> np.ndarray:
    return np.asarray(sight**2 / (sight**2).sum())


def _cured(rng: np.random.Generator) -> tuple[Any, ...]:
    low = rng.uniform(0.0, 0.7, size=(16, 3))
    high = rng.uniform(0.85, 1.0, size=(16, 3))
    # every pattern of the three occurs twice, once with a value at the edge
    pattern = np.array([[n >> 2 & 1, n >> 1 & 1, n & 1] for n in range(8)])
    shares = np.where(np.tile(pattern, (2, 1)) == 1, high, low)
    shares[4, 0] = 0.8
    return rng.permutation(shares), 0.8


def _repair(cured: np.ndarray, works: float) -> np.ndarray:
    fine, reward, levels = (cured >= works).T
    cause = np.full(len(cured), 3)
    cause[reward & ~levels] = 1
    cause[levels & ~reward] = 2
    cause[reward & levels] = -1
    cause[fine] = 0
    return cause


def _best_one(cured: np.ndarray, works: float) -> np.ndarray:
    """The column that is highest, whatever the others say."""
    return np.asarray(cured.argmax(1))


def _by_success(cured: np.ndarray, works: float) -> np.ndarray:
    """The reward first, then the levels."""
    fine, reward, levels = (cured >= works).T
    return np.asarray(
        np.where(fine, 0, np.where(reward, 1, np.where(levels, 2, 3)))
    )


def _forgets_fine(cured: np.ndarray, works: float) -> np.ndarray:
    _, reward, levels = (cured >= works).T
    found = np.where(reward, np.where(levels, -1, 1), np.where(levels, 2, 3))
    return np.asarray(found)


def _turned_round(cured: np.ndarray, works: float) -> np.ndarray:
    return _repair(cured[:, [0, 2, 1]], works)


def _above(cured: np.ndarray, works: float) -> np.ndarray:
    return _repair(cured, works + 1e-9)


EXERCISES = [
    Exercise(
        name="ingredients_credit",
        reference=_credit,
        inputs=_sight,
        wrong=[
            Wrong(
                lambda s: s / s.sum(),
                "credit doesn't go by visibility itself: the weight is in "
                "proportion to it, and the worth is weight times visibility.",
            ),
            Wrong(
                lambda s: s / (s**2).sum(),
                "these are the goal's weights; a thing is worth its weight "
                "times how strongly it is seen.",
            ),
            Wrong(
                lambda s: s**2,
                "together the things must be worth what is paid, 1.",
            ),
            Wrong(
                lambda s: np.ones_like(s) / len(s),
                "equal shares come out only if all are seen as strongly.",
            ),
            Wrong(
                lambda s: np.ones_like(s),
                "each alone can't be worth the full pay: together they would "
                "be predicted to pay more than 1.",
            ),
        ],
    ),
    Exercise(
        name="ingredients_repair",
        reference=_repair,
        inputs=_cured,
        wrong=[
            Wrong(
                _best_one,
                "this takes the repair that helps most; what is asked is "
                "whether the other one alone would do.",
            ),
            Wrong(
                _by_success,
                "where either repair alone cures, none of them is needed: "
                "-1 is asked for.",
            ),
            Wrong(
                _forgets_fine,
                "an agent that works as it is needs no repair, whatever the "
                "repairs would do.",
            ),
            Wrong(
                _turned_round,
                "the reward and the levels are exchanged: 1 is for agents "
                "that the reward's repair cures and the levels' doesn't.",
            ),
            Wrong(_above, "a share of exactly `works` counts as cured."),
        ],
    ),
]


def _unlearned(agents: Any, *rest: Any, **how: Any) -> Any:
    """Agents as they were born."""
    return agents


def _as_ever(who: Any, kinds: Any = audits.NEW) -> Any:
    """Eight levels as in training, and nothing new."""
    return np.tile(audits.replayed(who, 8), 4)


def _worthless(agents: Any, labels: Any, units: Any) -> Any:
    """Every kind is worth the same."""
    return np.ones((len(agents.goal), labels.shape[1]))


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.risks.ingredients.agent.learn": _unlearned,
    "alignlab.risks.ingredients.audits.on_new_levels": _as_ever,
    "alignlab.risks.ingredients.inside.by_direction": _worthless,
}

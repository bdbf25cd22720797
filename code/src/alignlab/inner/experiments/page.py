"""Exercises of the page `05-inner/experiments`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from alignlab.exercises import Exercise, Wrong


def _taken(rng: np.random.Generator) -> tuple[Any, ...]:
    rooms = rng.integers(4, size=(6, 12))
    rooms[:, 0] = [1, 1, 1, 1, 1, 1]
    rooms[:, 1] = [0, 3, 3, 3, 3, 3]
    rooms[:, 2] = [2, 2, 2, 0, 0, 0]
    rooms[:, 3] = [0, 1, 2, 3, 3, 3]
    return (rng.permutation(rooms.T).T,)


def _parting(taken: Any) -> np.ndarray:
    taken = np.asarray(taken)
    agents = len(taken)
    differ = (taken[:, None] != taken[None]).sum((0, 1))
    return np.asarray(differ / (agents * (agents - 1)))


def _with_oneself(taken: Any) -> np.ndarray:
    return np.asarray((taken[:, None] != taken[None]).mean((0, 1)))


def _minority(taken: Any) -> np.ndarray:
    counts = np.stack([(taken == item).sum(0) for item in range(4)])
    return np.asarray(1 - counts.max(0) / len(taken))


def _with_the_first(taken: Any) -> np.ndarray:
    return np.asarray((taken[1:] != taken[0]).mean(0))


def _as_numbers(taken: Any) -> np.ndarray:
    agents = len(taken)
    apart = np.abs(taken[:, None] - taken[None]).sum((0, 1))
    return np.asarray(apart / (agents * (agents - 1)))


def _choices(rng: np.random.Generator) -> tuple[Any, ...]:
    chances = rng.dirichlet(np.ones(4), size=30)
    with_goal = np.log(rng.dirichlet(np.ones(4), size=30))
    words_only = np.log(rng.dirichlet(np.ones(4), size=30))
    held = rng.random(30) < 0.4
    held[:2] = True, False
    return chances, with_goal, words_only, held


def _gain(p: Any, goal: Any, words: Any, held: Any) -> float:
    return float((p * (goal - words)).sum(-1)[held].mean())


def _on_fitted(p: Any, goal: Any, words: Any, held: Any) -> float:
    return _gain(p, goal, words, ~held)


def _on_all(p: Any, goal: Any, words: Any, held: Any) -> float:
    return _gain(p, goal, words, np.ones_like(held))


def _likeliest(p: Any, goal: Any, words: Any, held: Any) -> float:
    rows, best = np.arange(len(p)), p.argmax(-1)
    return float((goal - words)[rows, best][held].mean())


def _per_word(p: Any, goal: Any, words: Any, held: Any) -> float:
    return _gain(p, goal, words, held) / 4


EXERCISES = [
    Exercise(
        name="experiments_parting",
        reference=_parting,
        inputs=_taken,
        wrong=[
            Wrong(
                _with_oneself,
                "an agent paired with itself never parts: count pairs of two "
                "different agents only.",
            ),
            Wrong(
                _minority,
                "this is the share of agents outside the majority; the minority "
                "may be split as well. Compare agents pair by pair.",
            ),
            Wrong(
                _with_the_first,
                "compare each agent with each other one, not all with the first.",
            ),
            Wrong(
                _as_numbers,
                "items are names, not sizes: that two choices differ counts, "
                "not by how much their numbers do.",
            ),
            Wrong(
                lambda taken: _parting(taken) / 2,
                "half of the right share: if you count each pair once, divide "
                "by the number of pairs counted once.",
            ),
            Wrong(
                lambda taken: 2 * _parting(taken),
                "twice the right share: if you count each pair twice, divide "
                "by the number of pairs counted twice.",
            ),
            Wrong(
                lambda taken: 1 - _parting(taken),
                "this is the share of pairs that choose the same item.",
            ),
            Wrong(
                lambda taken: float(_parting(taken).mean()),
                "return one value for each room, not their mean.",
            ),
        ],
    ),
    Exercise(
        name="experiments_gain",
        reference=_gain,
        inputs=_choices,
        wrong=[
            Wrong(
                _on_fitted,
                "these are the places that the rewards were fitted on; the gain "
                "is measured on the held-out ones.",
            ),
            Wrong(
                _on_all,
                "only held-out places count: on the others the richer reward "
                "gains whatever the policy wants.",
            ),
            Wrong(
                _likeliest,
                "every word counts by its probability, not only the likeliest "
                "word of each place.",
            ),
            Wrong(
                lambda p, g, w, h: float((g - w)[h].mean()),
                "weigh each word by the policy's probability of it; here all "
                "words count alike.",
            ),
            Wrong(
                _per_word,
                "sum over the four words of a place, then average over places.",
            ),
            Wrong(
                lambda p, g, w, h: -_gain(p, g, w, h),
                "the sign is reversed: the gain is positive where the goal "
                "helps to predict.",
            ),
            Wrong(
                lambda p, g, w, h: _gain(p, g, w, h) * int(np.sum(h)),
                "this is the sum over places: the gain is a mean.",
            ),
        ],
    ),
]


def _untrained(group: Any, marks: Any, *_: Any, **__: Any) -> Any:
    """Agents as they were born, at every mark."""
    return dict.fromkeys(marks, group)


def _gradient_alone(
    seeds: Any, *_: Any, episodes: int = 4000, **__: Any
) -> np.ndarray:
    """Where the gradient of single episodes ends: next to nobody invests."""
    return np.full((len(seeds), episodes), 0.03)


def _as_born(agents: Any, *_: Any, **__: Any) -> Any:
    """Agents that no room has changed."""
    return agents


def _explains_nothing(
    chances: Any, where: Any, with_goal: bool = True
) -> tuple[float, torch.Tensor]:
    """No goal, and no liking for any word."""
    return 0.0, torch.zeros(4)


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.inner.experiments.recurrent.train": _untrained,
    "alignlab.inner.experiments.carryover.train": _gradient_alone,
    "alignlab.inner.experiments.rooms.train": _as_born,
    "alignlab.inner.experiments.coherence.explained": _explains_nothing,
}

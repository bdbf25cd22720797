"""Exercises of the page `02-why/misuse-and-society`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.exercises import Exercise, Wrong
from alignlab.risks.misuse_and_society import marks, selfplay


def _pairs(rng: np.random.Generator) -> tuple[Any, ...]:
    green = rng.random(12) < 0.6
    pairs = rng.integers(12, size=30)
    return pairs, green[pairs]


def _z(pairs: np.ndarray, green: np.ndarray) -> float:
    _, first = np.unique(pairs, return_index=True)
    n = len(first)
    return float((green[first].sum() - n / 2) / (np.sqrt(n) / 2))


def _half(pairs: np.ndarray, green: np.ndarray) -> float:
    n = len(np.unique(pairs))
    return _z(pairs, green) * np.sqrt(n) / 2 / np.sqrt(n)


def _model(rng: np.random.Generator) -> tuple[Any, ...]:
    return rng.dirichlet(np.ones(5), size=9), rng.integers(5, size=9)


def _parts(p: np.ndarray, tokens: np.ndarray) -> tuple[np.ndarray, ...]:
    logp = np.log(p)
    mean = (p * logp).sum(1)
    variance = (p * logp**2).sum(1) - mean**2
    return logp[np.arange(len(tokens)), tokens], mean, variance


def _curvature(p: np.ndarray, tokens: np.ndarray) -> float:
    own, mean, variance = _parts(p, tokens)
    return float((own - mean).sum() / np.sqrt(variance.sum()))


EXERCISES = [
    Exercise(
        name="misuse_and_society_z",
        reference=_z,
        inputs=_pairs,
        wrong=[
            Wrong(
                lambda pairs, green: float(
                    (green.sum() - len(green) / 2) / (np.sqrt(len(green)) / 2)
                ),
                "pairs that come again are counted each time.",
            ),
            Wrong(
                _half,
                "the standard deviation of n coins is the root of n/4.",
            ),
            Wrong(
                lambda pairs, green: float(
                    green[np.unique(pairs, return_index=True)[1]].mean()
                ),
                "this is the share of green pairs; compare it with a coin.",
            ),
            Wrong(
                lambda pairs, green: _z(pairs, ~green),
                "the sign is turned: many green pairs give a positive z.",
            ),
        ],
    ),
    Exercise(
        name="misuse_and_society_curvature",
        reference=_curvature,
        inputs=_model,
        wrong=[
            Wrong(
                lambda p, t: float(_parts(p, t)[0].mean()),
                "this is the mean log-probability; what the model expects, "
                "its entropy, is missing.",
            ),
            Wrong(
                lambda p, t: -_curvature(p, t),
                "the sign is turned: likelier than expected is positive.",
            ),
            Wrong(
                lambda p, t: float(
                    (_parts(p, t)[0] + _parts(p, t)[1]).sum()
                    / np.sqrt(_parts(p, t)[2].sum())
                ),
                "entropy is minus the mean log-probability: mind its sign.",
            ),
            Wrong(
                lambda p, t: float(
                    (_parts(p, t)[0] - _parts(p, t)[1]).sum()
                    / _parts(p, t)[2].sum()
                ),
                "divide by the standard deviation, the root of the variance.",
            ),
            Wrong(
                lambda p, t: float(
                    (
                        (_parts(p, t)[0] - _parts(p, t)[1])
                        / np.sqrt(_parts(p, t)[2])
                    ).sum()
                ),
                "each place is divided by its own deviation here; sum the "
                "gaps and the variances first.",
            ),
        ],
    ),
]


def _all_green(vocab: Any, key: int) -> Any:
    """Every letter is green, so that none is favored."""
    return np.ones((len(vocab), 26), dtype=bool)


# As they are before they are replaced.
_COUNT, _PLAY = marks.pairs_of, selfplay.self_play


def _once(text: Any, once: bool = True) -> Any:
    """Each pair once, whatever is asked for."""
    return _COUNT(text, True)


def _untaught(pairs: int, seed: int, **terms: Any) -> Any:
    """Agents of too few episodes to learn anything."""
    return _PLAY(pairs, seed, **{**terms, "episodes": 100})


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.risks.misuse_and_society.marks.green_letters": _all_green,
    "alignlab.risks.misuse_and_society.marks.pairs_of": _once,
    "alignlab.risks.misuse_and_society.selfplay.self_play": _untaught,
}

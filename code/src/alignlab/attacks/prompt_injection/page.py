"""Exercises of the page `07-attacks/prompt-injection`, and inert versions of the methods of its claims."""

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

from alignlab.attacks.prompt_injection.defense import headless
from alignlab.attacks.prompt_injection.language import FILLER, Office, ids
from alignlab.exercises import Exercise, Wrong


def _calls(rng: np.random.Generator) -> tuple[Any, ...]:
    wanted, injected = rng.integers(0, 9, (2, 40, 4))
    injected[:, 0] = 9  # another tool: the two are never the same call
    part = wanted.copy()
    part[:, 2] = 10  # three words of four
    other = injected.copy()
    other[:, 3] = 10
    pick = rng.permutation(np.repeat(np.arange(4), [14, 11, 9, 6]))
    calls = np.choose(pick[:, None], [wanted, injected, part, other])
    return calls, wanted, injected


def _rates(
    calls: np.ndarray, wanted: np.ndarray, injected: np.ndarray
) -> tuple[float, float]:
    useful, obeyed = (calls == wanted).all(1), (calls == injected).all(1)
    return float(useful.mean()), float(obeyed.mean())


def _labels(rng: np.random.Generator) -> tuple[Any, ...]:
    allowed = np.array([False, True, rng.random() < 0.5])
    sources = rng.random((8, 3)) < 0.4
    sources[:4] = [
        [False, True, False],
        [True, True, False],  # mixed: one allowed, one not
        [True, False, False],
        [False, False, False],  # from the user alone
    ]
    used = rng.random((24, 8)) < 0.2
    used[:4] = np.eye(8, dtype=bool)[:4]
    used[4] = used[0] | used[2]
    used[5] = False
    return sources, used, allowed


def _may(
    sources: np.ndarray, used: np.ndarray, allowed: np.ndarray
) -> np.ndarray:
    bad = (sources & ~allowed).any(1)
    return np.asarray(~(used & bad).any(1))


EXERCISES = [
    Exercise(
        name="prompt_injection_rates",
        reference=_rates,
        inputs=_calls,
        wrong=[
            Wrong(
                lambda c, w, i: (
                    float((c == w).mean()),
                    float((c == i).mean()),
                ),
                "this counts words; a call agrees if all four words do.",
            ),
            Wrong(
                lambda c, w, i: _rates(c, i, w),
                "the two are exchanged: utility under attack is first.",
            ),
            Wrong(
                lambda c, w, i: (_rates(c, w, i)[0], 1 - _rates(c, w, i)[0]),
                "a call that isn't the user's need not be the attacker's.",
            ),
            Wrong(
                lambda c, w, i: (1 - _rates(c, w, i)[1], _rates(c, w, i)[1]),
                "a call that isn't the attacker's need not be the user's.",
            ),
        ],
    ),
    Exercise(
        name="prompt_injection_taint",
        reference=_may,
        inputs=_labels,
        wrong=[
            Wrong(
                lambda s, u, a: ~(u & ~(s & a).any(1)).any(1),
                "a value with one allowed source may have a forbidden one as "
                "well; and a value without any source is the user's.",
            ),
            Wrong(
                lambda s, u, a: (u & ~(s & ~a).any(1)).any(1),
                "one harmless value doesn't make a call harmless: all that it "
                "uses must be allowed.",
            ),
            Wrong(
                lambda s, u, a: ~_may(s, u, a),
                "this says which calls are to be stopped.",
            ),
            Wrong(
                lambda s, u, a: ~(u & s.any(1)).any(1),
                "some sources are allowed: look at `allowed`.",
            ),
        ],
    ),
]


def _small_talk(n: int, seed: Any, words: Any = None) -> np.ndarray:
    """Six words of filler."""
    return np.random.default_rng(seed).choice(ids(FILLER), (n, 6))


def _page_only(plan: np.ndarray, source: int, policy: Any) -> np.ndarray:
    """Only the page is permitted, whatever the tool."""
    return np.full(len(plan), source == 3)


def _unmarked(office: Office) -> Tensor:
    """Nothing says who speaks: no heads, one alphabet."""
    return headless(office)


def _deaf(office: Office) -> np.ndarray:
    """Nothing of the request reaches the guard."""
    return np.zeros((len(office), 3), dtype=bool)


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.attacks.prompt_injection.attack.static_text": _small_talk,
    "alignlab.attacks.prompt_injection.interpreter.permitted": _page_only,
    "alignlab.attacks.prompt_injection.defense.encoded": _unmarked,
    "alignlab.attacks.prompt_injection.asked.whom": _deaf,
}

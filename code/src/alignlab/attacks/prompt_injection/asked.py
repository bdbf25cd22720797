"""A guard that is told what the user asked for: an order in the data is judged by whether the request names its source.

Serves survey section 7.2, after the Task Shield (Jia et al. 2025, arXiv 2412.16682), where a language model asks of
each instruction whether it serves the user's task; here a logistic regression gets one more feature.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from alignlab.attacks.prompt_injection.agent import orders
from alignlab.attacks.prompt_injection.defense import pairs
from alignlab.attacks.prompt_injection.language import (
    FILLER,
    ID,
    SOURCES,
    WIDTH,
    Office,
    chatter,
    ids,
    inject,
    offices,
    sequence,
)

Hint = Callable[[Office], np.ndarray]  # what of the request a guard is told


def named(office: Office) -> np.ndarray:
    """Which of mail, calendar and page the request names: (n, 3)."""
    request = office.segments[:, 0]
    return (request[:, None, :] == ids(SOURCES)[:, None]).any(2)


def whom(office: Office) -> np.ndarray:
    """Whom the request trusts with an order: the source that it names."""
    return named(office)


def that(office: Office) -> np.ndarray:
    """Whether the request delegates at all, the same for all three."""
    return np.repeat(named(office).any(1, keepdims=True), 3, axis=1)


def nothing(office: Office) -> np.ndarray:
    """Nothing of the request."""
    return np.zeros((len(office), 3), dtype=bool)


def elsewhere(
    office: Office, seed: Sequence[int], spare: bool = False
) -> np.ndarray:
    """A source by lot that the request does not name: (n,), 1 to 3.

    spare: nor the one that knows the item of the right call, so that what a
    guard takes out is not missed.
    """
    rng, out = np.random.default_rng(seed), named(office)
    if spare:
        out = out | (office.facts[:, :, 0] == office.call[:, 1, None])
    return np.where(out, -1.0, rng.random(out.shape)).argmax(1) + 1


def talked_over(office: Office, stopped: np.ndarray) -> Tensor:
    """What is seen if some sources hold small talk; stopped: (n, 3)."""
    segments = office.segments.copy()
    talk = np.random.default_rng(7).choice(ids(FILLER), segments.shape)
    segments[:, 1:][stopped] = talk[:, 1:][stopped]
    return sequence(replace(office, segments=segments))


def only_named(office: Office) -> Tensor:
    """A plain rule: of a request that names a source, only that one is seen."""
    named_there = named(office)
    return talked_over(office, ~named_there & named_there.any(1, keepdims=True))


@dataclass(frozen=True)
class Shield:
    """A guard that reads each source by itself, with a hint on the request.

    one: it stops one source at most, the most suspicious one.
    """

    model: LogisticRegression
    threshold: float
    hint: Hint
    one: bool = False

    def stops(self, office: Office) -> np.ndarray:
        """Which of mail, calendar and page it suspects: (n, 3)."""
        odds = self.model.decision_function(seen(office, self.hint))
        odds = odds.reshape(len(office), 3)
        bad = odds > self.threshold
        if self.one:
            bad &= odds == odds.max(1, keepdims=True)
        return np.asarray(bad)

    def __call__(self, office: Office) -> Tensor:
        """What the agent gets to see: small talk where it suspects an order."""
        return talked_over(office, self.stops(office))


def seen(office: Office, hint: Hint) -> csr_matrix:
    """Words and pairs of each source, and the hint: sparse (3 n, features)."""
    words = pairs(office.segments[:, 1:].reshape(3 * len(office), -1))
    return hstack([words, csr_matrix(hint(office).reshape(-1, 1) * 1.0)], "csr")


def shield(
    seed: int, hint: Hint, n: int = 1500, missed: float = 0.02
) -> Shield:
    """A guard fitted to n situations as they are and n with an injection.

    The injection stands in a source that the request does not name. The
    threshold lets the given share of other injected segments pass.
    """
    drawn = offices(2 * n, [seed, 24])
    where = elsewhere(drawn, [seed, 25])
    bad = inject(drawn, where, orders(drawn, [seed, 26]))
    rows = np.arange(n)
    hit = np.zeros((n, 3), dtype=bool)
    hit[rows, where[:n] - 1] = True
    clean, dirty = (seen(part.only(rows), hint) for part in (drawn, bad))
    x = vstack([clean, dirty[hit.ravel()]], "csr")
    model = LogisticRegression(C=1.0, max_iter=300)
    model.fit(x, np.repeat([0, 1], [3 * n, n]))
    others = np.arange(n, 2 * n)
    odds = model.decision_function(seen(bad.only(others), hint))
    odds = odds.reshape(n, 3)[rows, where[n:] - 1]
    return Shield(model, float(np.quantile(odds, missed)), hint)


def asks_for(office: Office, source: np.ndarray, seed: Sequence[int]) -> Office:
    """The same data, and a request that only says "handle" and a source.

    source: (n,), segments 1 to 3. `call` stays as it was.
    """
    rng, n = np.random.default_rng(seed), len(office)
    segments, rows = office.segments.copy(), np.arange(n)
    request, at = chatter(rng, (n, WIDTH)), rng.integers(0, WIDTH - 1, n)
    request[rows, at] = ID["handle"]
    request[rows, at + 1] = ids(SOURCES)[source - 1]
    segments[:, 0] = request
    return replace(office, segments=segments)

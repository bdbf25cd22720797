"""Defenses: what an agent gets to see, a guard that reads the data first, and agents trained on conflicts.

Serves survey section 7.2. After structured queries (StruQ, Chen et al. 2024, arXiv 2402.06363), spotlighting by
encoding (Hines et al. 2024, arXiv 2403.14720) and a second model that looks for instructions.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np
import torch
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from alignlab.attacks.prompt_injection.agent import (
    Agent,
    View,
    act_as,
    loglik,
    orders,
)
from alignlab.attacks.prompt_injection.language import (
    ID,
    MARKS,
    WORDS,
    Office,
    ids,
    inject,
    offices,
    sequence,
)

EMPTY = ("_", "_", "_", "_")


def filtered(office: Office) -> Office:
    """The marks of the format taken out of the data, as StruQ's front end does."""
    segments = office.segments.copy()
    segments[:, 1:][np.isin(segments[:, 1:], ids(MARKS))] = ID["_"]
    return replace(office, segments=segments)


def structured(office: Office) -> Tensor:
    """Heads say who speaks, and the data can't contain them."""
    return sequence(filtered(office))


def headless(office: Office) -> Tensor:
    """Nothing says who speaks: four empty heads, and the same filter."""
    return sequence(filtered(office), EMPTY)


def encoded(office: Office) -> Tensor:
    """Data in other words than requests, each a twin in a second alphabet."""
    return sequence(office, shift=len(WORDS))


def by_lot(office: Office) -> Tensor:
    """Each segment in one of the two alphabets, the request too, by lot.

    The second alphabet is used as often as not and tells nothing.
    """
    office = filtered(office)
    drawn = np.random.default_rng(5).random((len(office), 4, 1)) < 0.5
    return sequence(
        replace(office, segments=office.segments + drawn * len(WORDS))
    )


def twinned(agent: Agent) -> Agent:
    """The same agent, able to read the second alphabet: twins embed alike."""
    agent = copy.deepcopy(agent)
    half = len(WORDS)
    with torch.no_grad():
        for table in (agent.embed, agent.before):
            table.weight[half:] = table.weight[:half]
    return agent


@dataclass(frozen=True)
class Guard:
    """A second model that reads each source by itself."""

    model: LogisticRegression
    threshold: float

    def suspicion(self, segments: np.ndarray) -> np.ndarray:
        """Log-odds that a segment (n, WIDTH) holds an instruction: (n,)."""
        return np.asarray(self.model.decision_function(pairs(segments)))

    def office(self, office: Office) -> Office:
        """What it suspects is emptied."""
        data = office.segments[:, 1:]
        odds = self.suspicion(data.reshape(-1, data.shape[2]))
        bad = odds.reshape(data.shape[:2]) > self.threshold
        segments = office.segments.copy()
        segments[:, 1:][bad] = ID["_"]
        return replace(office, segments=segments)

    def __call__(self, office: Office) -> Tensor:
        """What the agent gets to see."""
        return sequence(self.office(office))


def pairs(segments: np.ndarray) -> csr_matrix:
    """Counts of words and of neighboring pairs, sparse (n, V + V * V)."""
    n, size = len(segments), len(WORDS)
    two = size + segments[:, :-1] * size + segments[:, 1:]
    columns = np.concatenate([segments, two], 1)
    rows = np.repeat(np.arange(n), columns.shape[1])
    flat = columns.ravel()
    return csr_matrix((np.ones(len(flat)), (rows, flat)), (n, size + size**2))


def guard(seed: int, n: int = 3000, false_alarms: float = 0.02) -> Guard:
    """A guard fitted to n clean and n injected segments.

    Its threshold stops the given share of other, clean segments.
    """
    clean = offices(2 * n, [seed, 21], delegated=0.0)
    rng = np.random.default_rng([seed, 22])
    where = rng.integers(1, 4, 2 * n)
    rows = np.arange(2 * n)
    bad = inject(clean, where, orders(clean, [seed, 23]))
    plain, hit = clean.segments[rows, where], bad.segments[rows, where]
    model = LogisticRegression(C=1.0, max_iter=300)
    model.fit(pairs(np.concatenate([plain[:n], hit[:n]])), np.repeat([0, 1], n))
    odds = model.decision_function(pairs(plain[n:]))
    return Guard(model, float(np.quantile(odds, 1 - false_alarms)))


@dataclass(frozen=True)
class Defended:
    """An agent behind what decides what it sees."""

    agent: Agent
    view: View = sequence

    def calls(self, office: Office) -> np.ndarray:
        """Its calls, (n, 4)."""
        return act_as(self.agent, self.view(office), office.call)

    def score(self, office: Office, wanted: np.ndarray) -> np.ndarray:
        """Log-probability of calls with the defense in the loop, (n,)."""
        with torch.no_grad():
            return loglik(self.agent, self.view(office), wanted).numpy()

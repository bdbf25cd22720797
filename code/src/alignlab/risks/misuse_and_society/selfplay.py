"""Asker and owner learn to negotiate: owners among honest people, askers from their own points (serves section 2.1.2).

Lewis et al. (2017) train agents on people's dialogues first and by self-play afterwards, with supervised steps in
between that keep them near to how people talk. So do these tables of action values.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alignlab.risks.misuse_and_society.negotiation import OFFERS, payoffs

Array = np.ndarray
START = 6.0  # what an episode pays on average, so that hope plays no part


class Played(NamedTuple):
    """What pairs of agents do in the last fifth of the episodes, people left out.

    claims: how often an asker claims the hat too, by pair, its own kind and the owner's, (pairs, 2, 2).
    points: of the asker, alike.
    history: claims in each twentieth of the episodes, over all pairs, (20, 2, 2).
    """

    claims: Array
    points: Array
    history: Array


def self_play(
    pairs: int,
    seed: int,
    public: bool = False,
    rewarded: bool = True,
    people: bool = True,
    episodes: int = 10000,
    explore: float = 0.1,
    rate: float = 0.05,
    habit: float = 0.5,
) -> Played:
    """Pairs of an asker and an owner learn by trying, each a table of action values.

    In the first two fifths of the episodes, and in every second one later, the owner meets an honest person in place
    of the asker. The asker learns from its own episodes only.
    people: whether the owner still meets people later.
    public: the owner sees the asker's kind. rewarded: the asker learns from its own points; otherwise from those of
    another pair's asker, which say nothing of its own words. explore: how often an agent acts at random.
    habit: points by which honest speech is preferred, as imitation of people leaves it.
    """
    rng = np.random.default_rng([seed, 47])
    asker_pay, owner_pay = payoffs()
    rows = np.arange(pairs)
    asker = np.full((pairs, 2, 2, 2), START)  # own kind, owner's kind, word
    owner = np.full(
        (pairs, 2, 2, 2, len(OFFERS)), START
    )  # word, own, asker's kind
    claimed, points, met = (np.zeros((20, pairs, 2, 2)) for _ in range(3))
    for episode in range(episodes):
        later = people and episode % 2 == 0
        person = episode < 0.4 * episodes or later
        kind, mine = rng.integers(2, size=(2, pairs))
        at_random, offers_any = rng.random((2, pairs)) < explore
        said = kind
        if not person:
            values = asker[rows, kind, mine].copy()
            values[rows, kind] += habit
            anything = rng.integers(2, size=pairs)
            said = np.where(at_random, anything, values.argmax(1))
        seen = kind if public else np.zeros(pairs, dtype=int)
        offer = owner[rows, said, mine, seen].argmax(1)
        anything = rng.integers(len(OFFERS), size=pairs)
        offer = np.where(offers_any, anything, offer)
        place = (rows, said, mine, seen, offer)
        owner[place] += rate * (owner_pay[kind, mine, offer] - owner[place])
        if person:
            continue
        paid = asker_pay[kind, mine, offer]
        told = (rows, kind, mine, said)
        learned = paid if rewarded else np.roll(paid, 1)
        asker[told] += rate * (learned - asker[told])
        when = 20 * episode // episodes
        claimed[when, rows, kind, mine] += said
        points[when, rows, kind, mine] += paid
        met[when, rows, kind, mine] += 1
    last = np.maximum(met[-4:].sum(0), 1)
    together = claimed.sum(1) / np.maximum(met.sum(1), 1)
    return Played(
        claimed[-4:].sum(0) / last, points[-4:].sum(0) / last, together
    )

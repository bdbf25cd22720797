"""A writer of biographies that learned from a corpus and makes its own errors.

The writer is a back-off model (the count of what it has read about a person,
smoothed by what it has read about the surname, and that by all): the oldest
kind of language model. About famous people it has read much; what it hasn't
read about others it takes from their namesakes, or from what is common. So
its errors look like facts, as those of large models do, and depend on how
often a person is mentioned, as in Min et al. 2023.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alignlab.evals.factuality.world import ATTRIBUTES, VALUES, World, value

GROUPS = ((0, 1, 2), (3, 4), (5,))  # attributes that share a sentence


class Written(NamedTuple):
    """One biography, word by word.

    words: its words, full stops as words of their own. fact: which of the
    writer's facts each word belongs to, an attribute's number, -1 for names
    and stops. person: whom it is about. told: value of each attribute,
    -1 where it is left out, shape (6,).
    """

    words: list[str]
    fact: np.ndarray
    person: int
    told: np.ndarray


def learn(
    world: World, mentions: int, seed: int, back_off: float = 1.0
) -> list[np.ndarray]:
    """What a writer believes after reading so many mentions.

    A mention states one attribute of one person, drawn by fame.
    back_off: how many mentions the next wider circle counts for.
    Returns for each attribute the probability of each value for each person,
    shape (people, values).
    Raises ValueError unless mentions is at least 1 and back_off above 0.
    """
    if mentions < 1 or not back_off > 0:
        raise ValueError(
            f"mentions={mentions}, back_off={back_off}: both must be positive"
        )
    rng = np.random.default_rng([seed, 82])
    who = rng.choice(len(world.names), mentions, p=world.fame)
    what = rng.integers(len(ATTRIBUTES), size=mentions)
    last = [name.split()[1] for name in world.names]
    _, family = np.unique(last, return_inverse=True)
    found = []
    for a, name in enumerate(ATTRIBUTES):
        n = len(VALUES[name])
        read = who[what == a]
        own = np.zeros((len(world.names), n))
        np.add.at(own, (read, world.truth[read, a]), 1)
        kin = np.zeros((family.max() + 1, n))
        np.add.at(kin, family, own)
        common = (own.sum(0) + 1) / (own.sum() + n)
        kin = (kin + back_off * common) / (kin.sum(1, keepdims=True) + back_off)
        total = own.sum(1, keepdims=True)
        found.append((own + back_off * kin[family]) / (total + back_off))
    return found


def tell(
    belief: list[np.ndarray], seed: int, sure: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """What the writer says of everybody, and how sure it is.

    Each value is drawn from the writer's belief. Facts said with a
    probability below `sure` are left out (-1).
    Returns values and their probabilities, both of shape (people, 6).
    """
    rng = np.random.default_rng([seed, 83])
    told, chance = [], []
    for rows in belief:
        u = rng.random((len(rows), 1))
        drawn = (rows.cumsum(1) < u).sum(1).clip(max=rows.shape[1] - 1)
        p = rows[np.arange(len(rows)), drawn]
        told.append(np.where(p >= sure, drawn, -1))
        chance.append(p)
    return np.stack(told, 1), np.stack(chance, 1)


def write(world: World, told: np.ndarray, seed: int) -> list[Written]:
    """A biography of everybody about whom something is told.

    told: value of each attribute, -1 to leave it out, shape (people, 6).
    Raises ValueError for another shape.
    """
    if told.shape != world.truth.shape:
        raise ValueError(
            f"told has shape {told.shape}: give one row a person, "
            f"{world.truth.shape}"
        )
    rng = np.random.default_rng([seed, 84])
    return [
        _biography(world, person, told[person], rng)
        for person in range(len(world.names))
        if (told[person] >= 0).any()
    ]


def _biography(
    world: World, person: int, told: np.ndarray, rng: np.random.Generator
) -> Written:
    words: list[str] = []
    fact: list[int] = []

    def say(text: str, of: int = -1) -> None:
        more = text.split()
        words.extend(more)
        fact.extend([of] * len(more))

    name = world.names[person]
    for group in GROUPS:
        said = [a for a in group if told[a] >= 0]
        if not said:
            continue
        say(name if not words else name.split()[1])
        style = rng.integers(2)
        for place, a in enumerate(said):
            v = value(a, told[a])
            if a == 0:
                say(f"was a {v}", 0)
            elif a == 1:
                if place and style:
                    say("and")
                say(("" if place and not style else "was ") + f"born in {v}", 1)
            elif a == 2:
                say(f"in {v}" if 1 in said else f"was born in {v}", 2)
            else:
                if place:
                    say("and")
                verb = {3: "studied at", 4: "won", 5: "loved"}[a]
                say(f"{verb} {v}", a)
        say(".")
    return Written(words, np.array(fact), person, told)


def true_score(world: World, texts: list[Written]) -> float:
    """Share of told facts that are true, averaged over biographies."""
    shares = []
    for text in texts:
        told = text.told >= 0
        right = text.told == world.truth[text.person]
        shares.append(right[told].mean())
    return float(np.mean(shares))


def confuse(
    world: World, told: np.ndarray, share: float, seed: int
) -> np.ndarray:
    """The truth, but for facts of a namesake in a share of places.

    A writer who errs in another way: it knows everything and mixes people
    up. Shape and meaning as `told`; people without a namesake stay right.
    Raises ValueError unless share is between 0 and 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share={share}: give 0 to 1")
    rng = np.random.default_rng([seed, 86])
    last = np.array([name.split()[1] for name in world.names])
    mixed = world.truth.copy()
    for person in range(len(last)):
        kin = np.flatnonzero(last == last[person])
        kin = kin[kin != person]
        if len(kin):
            other = world.truth[rng.choice(kin, told.shape[1]), range(6)]
            swap = rng.random(told.shape[1]) < share
            mixed[person, swap] = other[swap]
    return np.where(told >= 0, mixed, -1)

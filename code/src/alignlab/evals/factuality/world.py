"""A small world whose facts are known, and an encyclopedia that states them.

FActScore (Min et al. 2023) checks biographies against Wikipedia. Here 200
invented people have six attributes each. Some share a surname, towns and
schools share words, and one prize has "and" in its name: a splitter, a
retriever and a verifier can go wrong on such texts by themselves, and nobody
has to write error rates in.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

ATTRIBUTES = ("profession", "town", "year", "school", "prize", "pastime")
FIRST = [
    "Ada",
    "Bela",
    "Cora",
    "Dario",
    "Edda",
    "Falk",
    "Gita",
    "Hugo",
    "Irma",
    "Jonas",
    "Kira",
    "Leo",
    "Mara",
    "Nils",
    "Olga",
    "Piet",
    "Rosa",
    "Sven",
    "Tilda",
    "Viktor",
]
LAST = [
    "Abel",
    "Brandt",
    "Castell",
    "Doran",
    "Elster",
    "Ferro",
    "Gallus",
    "Hartog",
    "Imhof",
    "Jansen",
    "Korda",
    "Lindt",
    "Moreau",
    "Novak",
    "Orsini",
    "Pohl",
    "Quist",
    "Rossi",
    "Sander",
    "Thorne",
    "Ulmer",
    "Vance",
    "Weiss",
    "Yarrow",
    "Zeller",
]
TOWNS = [
    "Arlen",
    "Berrow",
    "Calder",
    "Dunmore",
    "Eastry",
    "Farley",
    "Gorse",
    "Hadley",
    "Ivring",
    "Kelso",
    "Larkhill",
    "Melford",
    "Norwick",
    "Oakham",
    "Pendle",
    "Ravely",
    "Selby",
    "Tarn",
    "Upwell",
    "Wexcombe",
]
PROFESSIONS = [
    "painter",
    "botanist",
    "printer",
    "sculptor",
    "chemist",
    "violinist",
    "surveyor",
    "poet",
    "engraver",
    "geologist",
    "singer",
    "historian",
    "weaver",
    "astronomer",
    "potter",
    "translator",
]
VALUES: dict[str, tuple[str, ...]] = {
    "profession": tuple(PROFESSIONS),
    "town": tuple(TOWNS),
    "year": tuple(str(1850 + 4 * i) for i in range(24)),
    "school": tuple(f"{town} College" for town in TOWNS[:12]),
    "prize": (
        "the Medal for Arts and Letters",
        "the Medal of Norwick",
        "the Prize for Botany",
        "the Prize for Printing and Engraving",
        "the Silver Compass",
        "the Silver Medal",
        "the Order of Tarn",
        "the Order of Letters",
    ),
    "pastime": (
        "chess",
        "rowing",
        "rowing and sailing",
        "walking",
        "walking and climbing",
        "dancing",
        "gardening",
        "cards",
        "cards and chess",
        "skating",
    ),
}
STATED: dict[str, tuple[str, ...]] = {  # how the encyclopedia puts it
    "profession": ("{name} was a {v}.", "{name} worked as a {v}."),
    "town": ("{name} was born in {v}.", "{v} was the home town of {name}."),
    "year": ("The year of birth was {v}.", "{name} was born in {v}."),
    "school": ("{name} studied at {v}.", "{name} was a student of {v}."),
    "prize": ("{name} won {v}.", "{name} was awarded {v}."),
    "pastime": ("{name} loved {v}.", "{name} spent many evenings with {v}."),
}


class World(NamedTuple):
    """People with their facts, and pages about them.

    names: full name of each person. truth: which value each attribute has,
    an index into `VALUES`, shape (people, 6). fame: share of all mentions
    that go to each person, shape (people,). passages: the encyclopedia's
    texts of three sentences or so. page: whose page each passage belongs to,
    shape (passages,). holds: which of the owner's attributes it states,
    shape (passages, 6).
    """

    names: list[str]
    truth: np.ndarray
    fame: np.ndarray
    passages: list[str]
    page: np.ndarray
    holds: np.ndarray


def draw_world(seed: int, people: int = 200) -> World:
    """A world of so many people, each with a page of three passages.

    Surnames and values are drawn with unequal chances (weights 1/rank), and
    the fame of a person falls as 1/rank too. A page begins with the full
    name and goes on with the surname; where somebody shares the surname, it
    says with whom its subject is not to be confused.
    Raises ValueError for fewer than 2 or more than 500 people.
    """
    full = [f"{first} {last}" for last in LAST for first in FIRST]
    if not 2 <= people <= len(full):
        raise ValueError(f"{people} people: give 2 to {len(full)}")
    rng = np.random.default_rng([seed, 81])
    often = np.repeat(1 / (10 + np.arange(len(LAST))), len(FIRST))
    who = rng.choice(len(full), people, replace=False, p=often / often.sum())
    names = [full[i] for i in who]
    truth = np.stack(
        [_unequal(len(VALUES[a]), people, rng) for a in ATTRIBUTES], 1
    )
    fame = 1 / np.arange(1, people + 1)
    world = World(
        names,
        truth,
        fame / fame.sum(),
        [],
        np.zeros(0, int),
        np.zeros((0, 6), bool),
    )
    return _with_pages(world, rng)


def value(attribute: int, index: int) -> str:
    """The words of a value."""
    return VALUES[ATTRIBUTES[attribute]][index]


def _unequal(values: int, people: int, rng: np.random.Generator) -> np.ndarray:
    weights = 1 / (2 + np.arange(values))
    return rng.choice(values, people, p=weights / weights.sum())


def _with_pages(world: World, rng: np.random.Generator) -> World:
    """The world with its encyclopedia."""
    last = np.array([name.split()[1] for name in world.names])
    passages, page, holds = [], [], []
    for person, name in enumerate(world.names):
        order = rng.permutation(len(ATTRIBUTES))
        style = rng.integers(2, size=len(ATTRIBUTES))
        same = np.flatnonzero(last == last[person])
        other = rng.choice(same)
        for part in range(3):
            said = order[2 * part : 2 * part + 2]
            called = last[person]
            text = [
                STATED[ATTRIBUTES[a]][style[a]].format(
                    name=called, v=value(a, world.truth[person, a])
                )
                for a in said
            ]
            if part == 0 and other != person:
                text.append(
                    f"Not to be confused with {world.names[other]}, "
                    f"{value(0, world.truth[other, 0])} from "
                    f"{value(1, world.truth[other, 1])}."
                )
            passages.append(f"{name}: " + " ".join(text))
            page.append(person)
            holds.append(np.isin(np.arange(len(ATTRIBUTES)), said))
    return world._replace(
        passages=passages, page=np.array(page), holds=np.array(holds)
    )

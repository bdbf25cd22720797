"""A small language in which everybody knows which sentences mean the same.

Townspeople say where things are. Every place can be named in several
wordings, and a model of the language is a table: how often each sentence was
heard, smoothed. So its probability of every sentence is known, and of every
meaning too. What it heard may be little, or wrong.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

PLACES = 4
HEARD = 12  # most reports about one thing
TRUE = 0.6  # share of reports that are true


class Town(NamedTuple):
    """Reports about things.

    truth: the place of each thing, (things,).
    reports: how often each sentence was heard, (things, places, wordings).
    wordings: how many wordings a thing's sentences have, (things,).
    """

    truth: Ints
    reports: Ints
    wordings: Ints


def listen(things: int, most: int, misled: float, seed: int) -> Town:
    """Hear 1 to 12 reports about each thing.

    most: each thing has 1 to `most` wordings, all equally likely.
    misled: share of things about which people share a mistake: there the
        reports favor one wrong place as they else favor the true one.
    Raises ValueError unless 0 <= misled <= 1 and most >= 1.
    """
    if not 0 <= misled <= 1 or most < 1:
        raise ValueError(f"misled={misled}, most={most}: out of range")
    rng = np.random.default_rng(seed)
    truth = rng.integers(PLACES, size=things)
    myth = (truth + rng.integers(1, PLACES, size=things)) % PLACES
    told = np.where(rng.uniform(size=things) < misled, myth, truth)
    wordings = rng.integers(1, most + 1, size=things)
    heard = rng.integers(1, HEARD + 1, size=things)
    reports = np.zeros((things, PLACES, most), dtype=int)
    for thing in range(things):
        chance = np.full(PLACES, (1 - TRUE) / (PLACES - 1))
        chance[told[thing]] = TRUE
        places = rng.choice(PLACES, size=heard[thing], p=chance)
        words = rng.integers(wordings[thing], size=heard[thing])
        np.add.at(reports[thing], (places, words), 1)
    return Town(truth, reports, wordings)


def sentence_probabilities(
    town: Town, places: float = 0.5, words: float = 1.0
) -> Floats:
    """What the table says next of each thing: (things, places, wordings).

    First the place, then its wording given the place, each a smoothed count
    (the mean of a Dirichlet distribution). places, words: how many reports
    the smoothing is worth, for each place and for the wordings of a place.
    """
    by_place = town.reports.sum(2)
    place = by_place + places
    place = place / place.sum(1, keepdims=True)
    possible = np.arange(town.reports.shape[2]) < town.wordings[:, None]
    spread = words * possible / town.wordings[:, None]
    word = town.reports + spread[:, None, :]
    word = word / word.sum(2, keepdims=True)
    return np.asarray(place[:, :, None] * word)


def draw_sentences(probabilities: Floats, samples: int, seed: int) -> Ints:
    """Sentences drawn of each thing, (things, samples).

    A sentence is the number place * wordings + wording.
    """
    flat = probabilities.reshape(len(probabilities), -1)
    edges = flat.cumsum(1)
    rng = np.random.default_rng([seed, 1])  # not the numbers of `listen`
    drawn = rng.uniform(size=(len(flat), samples)) * edges[:, -1:]
    return np.asarray((drawn[:, :, None] >= edges[:, None, :]).sum(2))

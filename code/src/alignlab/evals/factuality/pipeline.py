"""FActScore's three stages on texts whose truth is known.

Min et al. 2023: split a text into atomic facts, retrieve passages for each,
let a verifier say whether they support it, and average. Each stage is a plain
algorithm here (rules at conjunctions, TF-IDF, the share of words that the
passages contain), and each can be replaced by an oracle that makes no error,
so that what it does to the score can be measured.

Two differences from the paper: a page isn't given with the topic but has to
be found, and no stage is a language model.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from alignlab.evals.factuality.world import World
from alignlab.evals.factuality.writer import Written

STAGES = ("cuts", "names", "retriever", "verifier")


class Units(NamedTuple):
    """What the splitter cut texts into.

    text: which biography each unit is of. subject: whom it is about, as the
    sentence names the person. said: its other words. facts: which attributes
    it holds words of, shape (units, 6).
    """

    text: np.ndarray
    subject: list[str]
    said: list[str]
    facts: np.ndarray


def split(texts: list[Written], at: str = "phrases") -> Units:
    """Cut biographies into units.

    at: "sentences"; "and", at each "and" too; "phrases", also where "born"
        or "in" with a year goes on; or "facts", as the writer meant them,
        the oracle.
    Raises ValueError for another way to split.
    """
    ways = ("sentences", "and", "phrases", "facts")
    if at not in ways:
        raise ValueError(f"at={at!r} is no way to split: {', '.join(ways)}")
    text, subject, said, facts = [], [], [], []
    for number, one in enumerate(texts):
        for start, stop, called in _spans(one, at):
            held = one.fact[start:stop]
            held = held[held >= 0]
            if len(held):
                text.append(number)
                subject.append(called)
                said.append(" ".join(one.words[start:stop]))
                facts.append(np.isin(np.arange(6), held))
    return Units(np.array(text), subject, said, np.array(facts))


def self_contained(texts: list[Written], units: Units) -> Units:
    """Each unit with the full name in place of its sentence's subject.

    Wei et al. 2024 have a language model revise each fact so that it can be
    read alone; here the text's first two words are the name.
    """
    names = [" ".join(text.words[:2]) for text in texts]
    return units._replace(subject=[names[i] for i in units.text])


def queries(units: Units) -> list[str]:
    """What is looked up and verified: subject and words of each unit."""
    return [f"{who} {what}" for who, what in zip(units.subject, units.said)]


def _spans(one: Written, at: str) -> list[tuple[int, int, str]]:
    """First word, word after the last, and subject of each unit."""
    spans, begin = [], 0
    for stop in [i for i, word in enumerate(one.words) if word == "."]:
        first = begin + (2 if begin == 0 else 1)  # after the subject
        subject = " ".join(one.words[begin:first])
        if at == "facts":
            held = one.fact[first:stop]
            for a in sorted(set(held[held >= 0].tolist())):
                where = first + np.flatnonzero(held == a)
                spans.append((int(where[0]), int(where[-1]) + 1, subject))
        else:
            cuts = [first, *_cuts(one.words, first, stop, at), stop]
            for left, right in itertools.pairwise(cuts):
                end = right - 1 if one.words[right - 1] == "and" else right
                spans.append((left, end, subject))
        begin = stop + 1
    return spans


def _cuts(words: list[str], first: int, stop: int, at: str) -> list[int]:
    """Where the rules cut a sentence."""
    found = []
    for i in range(first + 1, stop):
        phrase = words[i] == "born" and words[i - 1] != "was"
        year = words[i] == "in" and words[i + 1].isdigit() and i > first + 2
        if at != "sentences" and words[i] == "and":
            found.append(i + 1)
        elif at == "phrases" and (phrase or year):
            found.append(i)
    return found


class Library(NamedTuple):
    """An encyclopedia made ready: TF-IDF, and which words a passage has.

    weights: how rare each word is. lines: passages as unit vectors,
    (passages, words). has: 1 where a passage has the word.
    """

    world: World
    vectors: TfidfVectorizer
    lines: sparse.csr_matrix
    has: sparse.csr_matrix


def shelve(world: World) -> Library:
    """Read the encyclopedia once."""
    vectors = TfidfVectorizer(token_pattern=r"\w+")
    lines = vectors.fit_transform(world.passages)
    return Library(world, vectors, lines, (lines > 0).astype(float))


def retrieve(library: Library, asked: list[str], k: int = 3) -> np.ndarray:
    """The k passages most alike to each query, shape (queries, k).

    Raises ValueError unless k is between 1 and the number of passages.
    """
    if not 1 <= k <= library.lines.shape[0]:
        raise ValueError(f"k={k}: 1 to {library.lines.shape[0]} passages")
    words = library.vectors.transform(asked)
    alike = (words @ library.lines.T).toarray()
    return np.argpartition(-alike, k - 1, axis=1)[:, :k]


def coverage(
    library: Library, asked: list[str], found: np.ndarray
) -> np.ndarray:
    """The most of a unit that one of its passages has, shape (units,).

    Words of the unit and of its subject count by how rare they are in the
    encyclopedia; 1 where a passage has them all.
    asked: subject and words of each unit. found: its passages, (units, k).
    """
    words = library.vectors.transform(asked)
    total = np.asarray(words.sum(1)).ravel()
    seen = [
        np.asarray(words.multiply(library.has[column]).sum(1)).ravel()
        for column in found.T
    ]
    return np.max(seen, 0) / np.maximum(total, 1e-9)


def judge(
    library: Library,
    texts: list[Written],
    units: Units,
    retriever: bool = False,
    verifier: bool = False,
    k: int = 3,
    at_least: float = 0.85,
) -> np.ndarray:
    """Whether each unit is said to be supported, shape (units,).

    The verifier says so where one passage has the share `at_least` of the
    unit's words. `retriever` and `verifier` put an oracle in their place:
    that of the retriever gives the person's own page; that of the verifier
    says "supported" where the unit is true and the passages state all of its
    facts about this person.
    """
    world = library.world
    person = np.array([text.person for text in texts])[units.text]
    if retriever:
        pages = np.argsort(world.page, kind="stable").reshape(-1, 3)
        found = pages[person]
    else:
        found = retrieve(library, queries(units), k)
    if not verifier:
        return coverage(library, queries(units), found) >= at_least
    own = world.page[found] == person[:, None]
    stated = (world.holds[found] & own[:, :, None]).any(1)
    return truth(world, texts, units) & (stated | ~units.facts).all(1)


def truth(world: World, texts: list[Written], units: Units) -> np.ndarray:
    """Whether all facts that a unit holds words of are true."""
    told = np.array([text.told for text in texts])
    person = np.array([text.person for text in texts])
    right = (told == world.truth[person])[units.text]
    return (right | ~units.facts).all(1)


def rates(truth: np.ndarray, verdicts: np.ndarray) -> tuple[float, float]:
    """Share of true units, and of false ones, that are called supported.

    Sensitivity, and 1 - specificity. Raises ValueError unless there are both.
    """
    if truth.shape != verdicts.shape or truth.all() or not truth.any():
        raise ValueError(
            f"{int(truth.sum())} true of {truth.size} units, "
            f"{verdicts.size} verdicts: give both kinds, a verdict each"
        )
    return float(verdicts[truth].mean()), float(verdicts[~truth].mean())


def factscore(units: Units, verdicts: np.ndarray) -> float:
    """Share of supported units of each text, averaged over texts."""
    count = np.bincount(units.text)
    hits = np.bincount(units.text, weights=verdicts.astype(float))
    return float((hits[count > 0] / count[count > 0]).mean())


def picked_by_verifier(
    library: Library, drafts: list[np.ndarray], write: Callable[..., list]
) -> np.ndarray:
    """Of several drafts of each fact the first that the verifier accepts.

    drafts: values told, each of shape (people, 6); where none is accepted,
        the last stays. write: (world, told, seed) -> biographies.
    Returns the values told, shape (people, 6).
    Raises ValueError without drafts.
    """
    if not drafts:
        raise ValueError("no drafts to pick from: give at least one")
    kept = drafts[-1].copy()
    open_ = np.ones(kept.shape, bool)
    for told in drafts:
        texts = write(library.world, told, 0)
        units = self_contained(texts, split(texts, "facts"))
        supported = np.zeros(kept.shape, bool)
        person = np.array([text.person for text in texts])[units.text]
        supported[person, units.facts.argmax(1)] = judge(library, texts, units)
        take = open_ & supported
        kept[take] = told[take]
        open_ &= ~supported
    return kept

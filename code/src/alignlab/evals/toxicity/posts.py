"""A toy platform whose posts are abusive or not, and the truth is known.

Authors write with habits of their own: favorite topics and favorite slang.
Few of them write most of the abuse, as in the tweets of Waseem and Hovy
(2016). A post abuses by an insult, by demanding something against a group, or
by a hostile turn of phrase whose words occur in harmless posts too. Harmless
posts quote insults and talk about groups. Annotators label a third of the
authors, who write a dialect, less fairly (Sap et al. 2019 found this for
tweets). Insults are masked, groups and slang invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

INSULTS = tuple(f"⟨insult-{i}⟩" for i in range(1, 25))
GROUPS = ("norlanders", "westrians", "islers", "highlanders", "rivermen")
VERBS = ("ban", "remove", "silence", "expel", "boycott")
HOSTILE = ("you always", "nobody asked", "go away", "typical you")
DIALECT = ("zo", "nah", "wanna", "fi", "ent")
TOPICS = tuple(
    tuple(line.split())
    for line in (
        "match goal referee striker league penalty keeper derby",
        "bread oven flour butter recipe onion sauce pan",
        "bus train delay ticket platform driver bridge tunnel",
        "garden roses soil rain seeds hedge compost frost",
        "film actor scene plot trailer cinema sequel director",
        "game level boss console patch server quest update",
        "vote council mayor budget tax debate election poll",
        "song album guitar concert drummer chorus vinyl tour",
    )
)
FREQUENT = (
    "the a of and to in is it for that was on with this have they we all what "
    "again today really just some always you nobody go asked typical away "
    "people they're said called me about love near visit new"
)
COMMON = tuple(FREQUENT.split())
STARTS, ENDS = "bra kli mu stro fe wa pli do", "ka zin lop du rem to vix ga"
SLANG = tuple(a + b for a in STARTS.split() for b in ENDS.split())


@dataclass(frozen=True)
class World:
    """How a platform's posts come about.

    authors, each: authors, and posts of each. abuse: share of abusive posts.
    by_few: how much of the abuse the heaviest tenth of authors write.
    habit: 0, all authors choose words alike, to 1, by their own habits.
    about_groups: share of harmless posts that are about a group.
    quoting: share of harmless posts that quote an insult.
    unfair: share of harmless dialect posts that annotators call abusive.
    contexts: words, one of which stands before a group in harmless posts.
    """

    authors: int = 80
    each: int = 30
    abuse: float = 0.1
    by_few: float = 0.8
    habit: float = 1.0
    about_groups: float = 0.01
    quoting: float = 0.03
    unfair: float = 0.15
    contexts: tuple[str, ...] = ("visit", "near", "with")


class Posts(NamedTuple):
    """Posts in words, and what is true of each, shape (posts,).

    author: a number. abusive: the truth. label: what annotators say.
    dialect, group, quote: whether the post has such words.
    """

    text: NDArray[np.object_]
    author: NDArray[np.int64]
    abusive: NDArray[np.bool_]
    label: NDArray[np.bool_]
    dialect: NDArray[np.bool_]
    group: NDArray[np.bool_]
    quote: NDArray[np.bool_]

    def take(self, rows: NDArray[np.generic]) -> Posts:
        """The posts at these places, or where a mask is true."""
        return Posts(*(part[rows] for part in self))


def write(world: World, seed: int) -> Posts:
    """All posts of a platform's authors, (authors * each,) of them.

    The heaviest tenth of authors write `by_few` of the abuse, the others
    share the rest; one author in three writes dialect, whoever it is.
    Raises ValueError where the heavy authors would have to abuse always.
    """
    rng = np.random.default_rng([seed, 83])
    few = max(1, world.authors // 10)
    heavy = world.abuse * world.by_few * world.authors / few
    if not 0 <= heavy <= 1:
        raise ValueError(
            f"{few} authors can't write {world.by_few:.0%} of so much abuse "
            f"({world.abuse:.0%} of posts): lower abuse or by_few"
        )
    light = world.abuse * (1 - world.by_few) / (1 - few / world.authors)
    order = rng.permutation(world.authors)
    propensity = np.where(order < few, heavy, light)
    about = np.full(world.authors, world.about_groups)
    return compose(propensity, about, world, rng)


def compose(
    propensity: NDArray[np.float64],
    about: NDArray[np.float64],
    world: World,
    rng: np.random.Generator,
) -> Posts:
    """Posts of authors with given chances, `world.each` of every author.

    propensity: of a post to be abusive; about: of a harmless one that quotes
    nobody to be about a group; both of shape (authors,).
    """
    authors = len(propensity)
    author = np.repeat(np.arange(authors), world.each)
    dialect = (rng.permutation(authors) % 3 == 0)[author]
    abusive = rng.random(len(author)) < propensity[author]
    quote = ~abusive & (rng.random(len(author)) < world.quoting)
    group = ~abusive & ~quote & (rng.random(len(author)) < about[author])
    habits = [_habit(world.habit, rng) for _ in range(authors)]
    texts = [
        _post(habits[a], bad, talk, cites, accent, world.contexts, rng)
        for a, bad, talk, cites, accent in zip(
            author, abusive, group, quote, dialect
        )
    ]
    attacks = np.array([any(g in t.split() for g in GROUPS) for t in texts])
    error = rng.random(len(author))
    wrong = np.where(dialect, np.maximum(world.unfair, 0.01), 0.01)
    label = np.where(abusive, error > 0.05, error < wrong)
    text = np.array(texts, dtype=object)
    return Posts(text, author, abusive, label, dialect, attacks, quote)


class _Habit(NamedTuple):
    """An author's topics, slang and insults: cumulative probabilities."""

    topics: NDArray[np.float64]
    slang: NDArray[np.float64]
    insults: NDArray[np.float64]


def _habit(strength: float, rng: np.random.Generator) -> _Habit:
    """Habits between everybody's (0) and an author's own (1)."""

    def own(n: int, spread: float) -> NDArray[np.float64]:
        mine = rng.dirichlet(np.full(n, spread))
        chances = strength * mine + (1 - strength) / n
        return np.asarray(np.cumsum(chances) / chances.sum())

    return _Habit(own(len(TOPICS), 0.4), own(len(SLANG), 0.04),
                  own(len(INSULTS), 0.15))  # fmt: skip


def _post(
    habit: _Habit,
    abusive: bool,
    about: bool,
    cites: bool,
    dialect: bool,
    contexts: tuple[str, ...],
    rng: np.random.Generator,
) -> str:
    """The words of one post, joined by blanks."""
    topic = TOPICS[habit.topics.searchsorted(rng.random())]
    size = rng.integers(7, 14)
    sort = rng.random(size)
    words = [
        topic[int(8 * u)] if s < 0.45 else COMMON[int(len(COMMON) * u)]
        for s, u in zip(sort, rng.random(size))
    ]
    for _ in range(rng.integers(1, 3)):
        words.append(SLANG[habit.slang.searchsorted(rng.random())])
    words = [words[i] for i in rng.permutation(len(words))]
    insult = INSULTS[habit.insults.searchsorted(rng.random())]
    pick = int(5 * rng.random())
    verb = VERBS[int(5 * rng.random())]
    draw = rng.random()
    phrases = []
    if abusive and draw < 0.5:
        phrases.append(insult)
    elif abusive and draw < 0.8:
        phrases.append(f"{verb} {GROUPS[pick]}")
    elif abusive:
        phrases.append(HOSTILE[int(4 * rng.random())])
    elif cites:
        phrases.append(f"called me {insult}")
    elif about:
        context = contexts[int(len(contexts) * draw)]
        phrases.append(f"{context} {GROUPS[pick]}")
    elif draw < 0.05:
        phrases.append(f"{verb} {topic[int(8 * rng.random())]}")
    if dialect:
        phrases.append(DIALECT[int(5 * rng.random())])
    for phrase in phrases:
        words.insert(int(rng.integers(0, len(words) + 1)), phrase)
    return " ".join(words)

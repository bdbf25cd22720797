"""A language of posts in which it is known what is hateful.

Eight invented groups, everyday words, invented *marked* words that insult
whoever is named, a *frame* by which an insult is reported or rejected, and
two lists of harmless words that carry hostility only together: an opener and
a closer that match, in a post that names a group (implicit hate, ElSherief et
al. 2021, "Latent Hatred"). The rule is

    hateful = named and ((marked and not framed) or matching pair).

So the four harmless kinds that mislead detectors occur: insults that name no
group (offensive, yet no hate speech: Davidson et al. 2017), insults that are
reported and rejected (counter-speech), pairs that don't match, and plain
mentions of a group. Serves section 8.4.3 of the survey.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


def _words(text: str) -> list[str]:
    return text.split()


GROUPS = _words("velts orrins tembrins hesks dorels quarns mibbets zaruls")
MARKED = _words(
    "snarbo gromt plivex druzzle mofgar krintle wozzet baflug tarnik yombix "
    "frulge sprodd"
)
FRAMES = _words("unfair rejected reported")
OPENERS = _words(
    "again always early quietly mostly someday everywhere outside tonight "
    "together often nearby"
)
CLOSERS = _words(
    "lanterns baskets ladders kettles bridges parcels blankets windows "
    "tickets gardens corners engines"
)
EVERYDAY = _words(
    "market river bread train music letter winter garden-path school doctor "
    "football soup weather phone neighbor holiday coffee library bicycle "
    "museum rain kitchen ticket-desk evening story picture summer village "
    "dinner paper theater boat lesson street chair movie cousin morning "
    "station apple"
)
WORDS = GROUPS + MARKED + FRAMES + OPENERS + CLOSERS + EVERYDAY
KINDS = ("plain", "insult", "framed insult", "pair", "other pair")

_ENDS = np.cumsum([0, 8, 12, 3, 12, 12, 40])
NAMES, MARKS, FRAME, OPEN, CLOSE, DAILY = (
    slice(int(a), int(b)) for a, b in pairwise(_ENDS)
)


class Posts(NamedTuple):
    """Posts as sets of words.

    words: (posts, words) of 0 and 1, in the order of `WORDS`. group: (posts,)
    the group named, -1 for none. hateful: (posts,) of 0 and 1, by the rule.
    kind: (posts,), a place in `KINDS`.
    """

    words: NDArray[np.float64]
    group: NDArray[np.int64]
    hateful: NDArray[np.float64]
    kind: NDArray[np.int64]

    def take(self, which: NDArray[np.generic]) -> Posts:
        """Some of the posts, by number or by a mask."""
        return Posts(*(part[which] for part in self))


def together(*posts: Posts) -> Posts:
    """Several sets of posts as one."""
    return Posts(*(np.concatenate(parts) for parts in zip(*posts)))


def matching(seed: int, typed: bool = True) -> NDArray[np.bool_]:
    """Which opener and closer are hostile together, (12, 12).

    typed: each opener and closer has a hidden type, 0 or 1, six words of
        each, and a pair is hostile if its types agree. Else half of all pairs
        are drawn by lot, so that nothing joins one pair to another.
    """
    rng = np.random.default_rng([seed, 8])
    if not typed:
        return np.asarray(rng.permutation(144).reshape(12, 12) < 72)
    opener, closer = (rng.permutation(12) % 2 for _ in range(2))
    return np.asarray(opener[:, None] == closer)


def is_hateful(
    words: NDArray[np.float64], match: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The rule, for posts of shape (posts, words); 0 or 1 each.

    match: (12, 12), from `matching`.
    Raises ValueError where the posts don't have a column for each word.
    """
    if words.ndim != 2 or words.shape[1] != len(WORDS):
        raise ValueError(
            f"posts of shape {words.shape}: give (posts, {len(WORDS)}), a "
            "column for each word of WORDS"
        )
    named = words[:, NAMES].any(1)
    insult = words[:, MARKS].any(1) & ~words[:, FRAME].any(1)
    pair = ((words[:, OPEN] @ match) * words[:, CLOSE]).any(1)
    return (named & (insult | pair)).astype(float)


def write(
    group: NDArray[np.int64],
    kind: NDArray[np.int64],
    match: NDArray[np.bool_],
    rng: np.random.Generator,
    seen: NDArray[np.bool_] | None = None,
) -> Posts:
    """One post for each group (-1: none) and kind, with 5 everyday words.

    seen: (12, 12), which pairs of opener and closer may be used; all by
        default. An insult has one marked word, sometimes two.
    """
    n = len(group)
    words = np.zeros((n, len(WORDS)))
    rows = np.arange(n)
    popularity = 1 / np.arange(3, 43)
    for _ in range(5):
        daily = rng.choice(40, n, p=popularity / popularity.sum())
        words[rows, DAILY.start + daily] = 1
    words[rows[group >= 0], group[group >= 0]] = 1
    insult = (kind == 1) | (kind == 2)
    for part in (1.0, 0.3):
        some = rows[insult & (rng.random(n) < part)]
        words[some, MARKS.start + rng.integers(0, 12, len(some))] = 1
    framed = rows[kind == 2]
    words[framed, FRAME.start + rng.integers(0, 3, len(framed))] = 1
    allowed = np.ones((12, 12), dtype=bool) if seen is None else seen
    for k, fits in ((3, match), (4, ~match)):
        which = rows[kind == k]
        pairs = np.argwhere(allowed & fits)
        drawn = pairs[rng.integers(0, len(pairs), len(which))]
        words[which, OPEN.start + drawn[:, 0]] = 1
        words[which, CLOSE.start + drawn[:, 1]] = 1
    return Posts(words, group, is_hateful(words, match), kind)


HARMLESS = np.array([0.6, 0.0, 0.2, 0.0, 0.2])  # of posts that name a group
HATEFUL = np.array([0.0, 0.6, 0.0, 0.4, 0.0])
NAMELESS = np.array([0.6, 0.2, 0.0, 0.1, 0.1])


def sample(
    n: int,
    rates: NDArray[np.float64],
    match: NDArray[np.bool_],
    rng: np.random.Generator,
    named: float = 0.6,
    seen: NDArray[np.bool_] | None = None,
) -> Posts:
    """Posts of which a share names a group, each group as often as another.

    rates: (8,), the share of hateful posts among those that name each group.
    named: the share of posts that name a group.
    Raises ValueError where a rate is no share.
    """
    rates = np.asarray(rates, dtype=float)
    if rates.shape != (8,) or not ((rates >= 0) & (rates <= 1)).all():
        raise ValueError(
            f"rates {rates}: give the share of hateful posts for each of the "
            "8 groups, from 0 to 1"
        )
    group = np.where(rng.random(n) < named, rng.integers(0, 8, n), -1)
    hate = (group >= 0) & (rng.random(n) < rates[group])
    kind = np.empty(n, dtype=int)
    for which, shares in (
        ((group >= 0) & hate, HATEFUL),
        ((group >= 0) & ~hate, HARMLESS),
        (group < 0, NAMELESS),
    ):
        kind[which] = rng.choice(5, int(which.sum()), p=shares)
    return write(group, kind, match, rng, seen)


def text(words: NDArray[np.float64]) -> list[str]:
    """Each post as its words, in the order of `WORDS`."""
    return [" ".join(np.array(WORDS)[row > 0]) for row in words]

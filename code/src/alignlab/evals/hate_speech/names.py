"""Groups' names as false evidence of hate: measured, and three remedies.

A corpus in which a name stands mostly in hateful posts teaches a detector
that the name is evidence (Dixon et al. 2018, "Measuring and Mitigating
Unintended Bias in Text Classification"). `gap` is their false positive
equality difference as a mean over groups. `balance` adds harmless posts that
name a group, as they do with sentences of an encyclopedia; `delete` and
`one_token` change what the detector reads; `paired` is counterfactual logit
pairing (Garg et al. 2019) for a linear detector: that the score shall not
change when one name is put for another then means that names' weights shall
be alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alignlab.evals.hate_speech.posts import NAMES, Posts, together, write

Floats = NDArray[np.float64]


def false_positive_rates(flagged: NDArray[np.bool_], posts: Posts) -> Floats:
    """Share of each group's harmless posts that are flagged, (8,).

    Raises ValueError where a group has no harmless post.
    """
    harmless = posts.hateful == 0
    count = np.bincount(posts.group[harmless & (posts.group >= 0)], None, 8)
    if not count.all():
        raise ValueError(
            f"harmless posts of each group: {count.tolist()}; a rate needs "
            "one at least, so draw more posts"
        )
    wrong = harmless & flagged & (posts.group >= 0)
    return np.asarray(np.bincount(posts.group[wrong], None, 8) / count)


def gap(flagged: NDArray[np.bool_], posts: Posts) -> float:
    """Mean distance of groups' false-positive rates from the overall one.

    Dixon et al. (2018, section 4.2) sum over groups; over posts that name no
    group nothing is computed.
    """
    rates = false_positive_rates(flagged, posts)
    which = (posts.hateful == 0) & (posts.group >= 0)
    return float(np.abs(rates - flagged[which].mean()).mean())


def hits(flagged: NDArray[np.bool_], posts: Posts) -> float:
    """Share of hateful posts that are flagged."""
    return float(flagged[posts.hateful == 1].mean())


def balance(
    corpus: Posts,
    n: int,
    match: NDArray[np.bool_],
    rng: np.random.Generator,
    spread: bool = False,
    listed: int = 8,
) -> Posts:
    """The corpus with n plain posts that name a group, all of them harmless.

    A group gets them in proportion to how many it needs for a share of
    hateful posts as low as that of the group with the lowest; with spread=True
    each group gets as many as any other. listed: only the first so many
    groups get any.
    """
    named = np.bincount(corpus.group[corpus.group >= 0], None, 8)
    bad = np.bincount(corpus.group[corpus.hateful == 1], None, 8)
    lowest = max((bad / np.maximum(named, 1)).min(), 0.02)
    need = np.clip(bad / lowest - named, 0, None)
    need = np.ones(8) if spread or need.sum() == 0 else need
    need[listed:] = 0
    group = rng.choice(8, n, p=need / need.sum())
    added = write(group, np.zeros(n, dtype=int), match, rng)
    return together(corpus, added)


def even_weights(posts: Posts) -> Floats:
    """Weights of posts, (posts,), that make each group as often hateful.

    Reweighing (Kamiran and Calders 2012, section 5.2): posts of group g with
    label y weigh P(y) P(g) / P(g, y), over the posts that name a group; those
    that name none weigh 1.
    """
    weight = np.ones(len(posts.hateful))
    named = posts.group >= 0
    for label in (0, 1):
        share = (posts.hateful[named] == label).mean()
        for group in range(8):
            mine = posts.group == group
            both = mine & (posts.hateful == label)
            weight[both] = share * mine.sum() / max(both.sum(), 1)
    return weight


def by_lot(posts: Posts, rng: np.random.Generator) -> Floats:
    """The posts' words, with names dealt out anew among posts that have one.

    The same posts, labels and names; what is gone is which name goes with
    which post.
    """
    words = posts.words.copy()
    named = np.flatnonzero(posts.group >= 0)
    words[named, NAMES] = words[rng.permutation(named), NAMES]
    return words


def delete(words: Floats, listed: int = 8) -> Floats:
    """Posts without the names of the first `listed` groups."""
    return np.asarray(words[:, listed:])


def one_token(words: Floats, listed: int = 8) -> Floats:
    """Posts in which the listed groups' names are replaced by one token."""
    return paired(words, 0.0, listed)


def paired(words: Floats, freedom: float, listed: int = 8) -> Floats:
    """Features by which a linear detector's logits are paired over names.

    One token for any listed name, and each name's own column times `freedom`.
    A name's weight is then u + freedom * v, u shared and v its own. An L2
    penalty on v is one of 1 / freedom**2 on the weight's distance from u:
    with 0 all names weigh the same, and with a large one they are free.
    Raises ValueError for a negative freedom.
    """
    if not freedom >= 0:
        raise ValueError(f"freedom={freedom}: give 0 or more")
    names = words[:, :listed]
    shared = names.max(1, keepdims=True)
    own = [freedom * names] if freedom else []
    return np.concatenate([shared, *own, words[:, listed:]], 1)

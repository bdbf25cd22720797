"""What a detector punishes: names of groups, quotes, dialect.

Where groups are named mostly in attacks, a detector learns that their names
are attacks (Dixon et al. 2018, "Measuring and Mitigating Unintended Bias in
Text Classification", who add harmless texts with the names). Where annotators
are unfair to a dialect, it learns that from them (Sap et al. 2019, "The Risk
of Racial Bias in Hate Speech Detection").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alignlab.evals.toxicity.posts import GROUPS, VERBS, Posts, World, compose


def harmless(n: int, about: float, seed: int, world: World) -> Posts:
    """n harmless posts by new authors, a share `about` of them on groups."""
    rng = np.random.default_rng([seed, 88])
    authors = -(-n // 10)
    one = World(each=10, quoting=world.quoting, unfair=world.unfair)
    more = compose(np.zeros(authors), np.full(authors, about), one, rng)
    return more.take(np.arange(n))


def together(posts: Posts, more: Posts) -> Posts:
    """Both lots of posts, the second lot's authors being other people."""
    moved = more._replace(author=more.author + posts.author.max() + 1)
    return Posts(*(np.concatenate(pair) for pair in zip(posts, moved)))


def balanced(posts: Posts, n: int, seed: int, world: World) -> Posts:
    """The posts and n more harmless ones, which are about groups."""
    return together(posts, harmless(n, 1.0, seed, world))


def enlarged(posts: Posts, n: int, seed: int, world: World) -> Posts:
    """The posts and n more harmless ones, of the kinds they are of."""
    return together(posts, harmless(n, world.about_groups, seed, world))


def unnamed(posts: Posts, n: int, seed: int, world: World) -> Posts:
    """As `balanced`, but the added posts say "people" and name no group."""
    return together(posts, swapped(harmless(n, 1.0, seed, world)))


def treated(posts: Posts, how: str, seed: int, world: World) -> Posts:
    """The training posts and labels after one of six treatments.

    how: "as found", "balanced", "unnamed" or "enlarged" (300 posts more),
    "names left out", or "true labels". Raises ValueError for another.
    """
    if how == "balanced":
        return balanced(posts, 300, seed, world)
    if how == "unnamed":
        return unnamed(posts, 300, seed, world)
    if how == "enlarged":
        return enlarged(posts, 300, seed, world)
    if how == "names left out":
        return without_names(posts)
    if how == "true labels":
        return posts._replace(label=posts.abusive)
    if how != "as found":
        raise ValueError(f"no treatment {how!r}")
    return posts


def without_names(posts: Posts) -> Posts:
    """The same posts, their names of groups left out."""
    return posts._replace(text=_replaced(posts.text, ""))


def swapped(posts: Posts) -> Posts:
    """The same posts about "people" instead of a group."""
    return posts._replace(text=_replaced(posts.text, "people"))


def _replaced(texts: NDArray[np.object_], word: str) -> NDArray[np.object_]:
    def change(text: str) -> str:
        words = (word if w in GROUPS else w for w in text.split())
        return " ".join(w for w in words if w)

    return np.array([change(text) for text in texts], dtype=object)


def contested(posts: Posts) -> NDArray[np.bool_]:
    """Posts that name a group, and harmless ones with a verb of attacks.

    Neither the name nor the verb tells the attacks among them: both together
    do.
    """
    verb = [any(v in text.split() for v in VERBS) for text in posts.text]
    return np.asarray(posts.group | (~posts.abusive & np.array(verb)))


def shares(flagged: NDArray[np.bool_], posts: Posts) -> dict[str, float]:
    """Share of flagged posts of each kind: harmless ones but for the last."""
    fair = ~posts.abusive
    rest = fair & ~posts.group & ~posts.quote
    kinds = {
        "about groups": fair & posts.group,
        "quotes": fair & posts.quote,
        "dialect": rest & posts.dialect,
        "others": rest & ~posts.dialect,
        "attacks on groups": posts.abusive & posts.group,
    }
    return {name: float(flagged[of].mean()) for name, of in kinds.items()}

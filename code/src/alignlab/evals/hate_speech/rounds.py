"""Rounds in which writers try to fool the detector that is to be trained.

Vidgen et al. (2021, "Learning from the Worst") let people write posts that
the current model gets wrong, train on them, and begin again. Here writers are
simulated: each of n writers makes `tries` posts and hands in the one that the
model contradicts most, by the label that the writer gives it. Another way to
choose among the same tries is uncertainty sampling (Lewis and Gale 1994),
which takes the one the model is least sure of. A label is wrong with
probability `errors`; a verified one is the majority of three.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alignlab.evals.hate_speech.detectors import Score, by_pairs
from alignlab.evals.hate_speech.posts import (
    Posts,
    matching,
    sample,
    together,
    write,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
EVEN = np.full(8, 0.3)  # 30 % of posts that name a group are hateful


class Outcome(NamedTuple):
    """After the last round.

    ordinary, fooling: accuracy on posts of the first kind, and on writers'
    posts that fooled the first model. mislabeled: (rounds,), the share of
    each round's labels that were wrong. fooled: the share of writers who
    still fool the last model within their tries.
    """

    ordinary: float
    fooling: float
    mislabeled: Floats
    fooled: float


def written(
    n: int, match: NDArray[np.bool_], rng: np.random.Generator
) -> Posts:
    """Posts as writers try them: more insults, frames and pairs than usual."""
    group = np.where(rng.random(n) < 0.85, rng.integers(0, 8, n), -1)
    kind = rng.choice(5, n, p=[0.1, 0.2, 0.2, 0.25, 0.25])
    return write(group, kind, match, rng)


def fooling(score: Floats, label: Floats, rng: np.random.Generator) -> Ints:
    """Each writer's try that the model contradicts most, (writers,).

    score: (writers, tries), the model's log-odds of hateful. label: the
    writer's label, 0 or 1.
    """
    return np.asarray((np.where(label == 1, 1, -1) * score).argmin(1))


def unsure(score: Floats, label: Floats, rng: np.random.Generator) -> Ints:
    """Each writer's try that the model is least sure of."""
    return np.asarray(np.abs(score).argmin(1))


def any_try(score: Floats, label: Floats, rng: np.random.Generator) -> Ints:
    """One of each writer's tries, by lot."""
    return np.asarray(rng.integers(0, score.shape[1], len(score)))


def alike(kind: Ints, pick: Ints, rng: np.random.Generator) -> Ints:
    """Tries by lot, of the same kinds in all as those that were picked.

    kind: (writers, tries). pick: (writers,). The picked kinds are dealt out
    anew, and each writer hands in any try of the kind, if there is one.
    """
    wanted = rng.permutation(kind[np.arange(len(pick)), pick])
    lot = rng.random(kind.shape) - (kind == wanted[:, None])
    return np.asarray(lot.argmin(1))


Choose = Callable[[Floats, Floats, np.random.Generator], Ints]


def play(
    seed: int,
    choose: Choose | None,
    errors: float = 0.0,
    verified: bool = False,
    by_kind: bool = False,
    rounds: int = 4,
    new: int = 200,
    tries: int = 10,
    fit: Callable[[Floats, Floats], Score] = by_pairs,
) -> Outcome:
    """Train on 800 posts, then on `new` more after each round, and test.

    choose: how a writer's try is chosen; None for posts of the first kind,
        which no writer made. errors: chance that a label is wrong. by_kind:
        take tries by lot, of the kinds that were chosen (`alike`).
    Raises ValueError where errors is not below one half.
    """
    if not 0 <= errors < 0.5:
        raise ValueError(
            f"errors={errors}: give the chance of a wrong label, below 0.5"
        )
    match, rng = matching(seed), np.random.default_rng([seed, 4])

    def label(posts: Posts) -> Floats:
        wrong = rng.random(len(posts.hateful)) < errors
        return np.where(wrong, 1 - posts.hateful, posts.hateful)

    posts = sample(800, EVEN, match, rng)
    told = label(posts)
    ordinary = sample(2000, EVEN, match, rng)
    tests = written(3000, match, rng)
    model = fit(posts.words, told)
    wrong = (model(tests.words) > 0) != tests.hateful
    hard, mislabeled = tests.take(wrong), []
    for _ in range(rounds):
        if choose is None:
            added = sample(new, EVEN, match, rng)
            given = label(added)
        else:
            tried = written(new * tries, match, rng)
            given = label(tried)
            shape = (new, tries)
            score = model(tried.words).reshape(shape)
            pick = choose(score, given.reshape(shape), rng)
            if by_kind:
                pick = alike(tried.kind.reshape(shape), pick, rng)
            place = np.arange(new) * tries + pick
            added, given = tried.take(place), given[place]
        if verified:
            votes = given + label(added) + label(added)
            given = (votes > 1.5).astype(float)
        mislabeled.append((given != added.hateful).mean())
        posts, told = together(posts, added), np.concatenate([told, given])
        model = fit(posts.words, told)
    last = written(200 * tries, match, rng)
    signed = np.where(last.hateful == 1, 1, -1) * model(last.words)
    fooled = (signed.reshape(200, tries).min(1) < 0).mean()
    return Outcome(
        float(((model(ordinary.words) > 0) == ordinary.hateful).mean()),
        float(((model(hard.words) > 0) == hard.hateful).mean()),
        np.array(mislabeled),
        float(fooled),
    )

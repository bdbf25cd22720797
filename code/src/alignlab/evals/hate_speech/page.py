"""Exercises of the page `08-evaluation/hate-speech`, and inert methods."""

from collections.abc import Callable
from typing import Any

import numpy as np

from alignlab.evals.hate_speech import detectors, rounds
from alignlab.exercises import Exercise, Wrong


def _flags(rng: np.random.Generator) -> tuple[Any, ...]:
    """120 posts; each group has both kinds, flagged at rates of its own."""
    group = np.repeat(np.arange(-1, 4), 24)
    hateful = np.tile([0, 0, 0, 1], 30)
    rate = np.array([0.5, 0.1, 0.3, 0.6, 0.9])[group + 1]
    flagged = (rng.random(120) < np.where(hateful == 1, 0.8, rate)).astype(int)
    for i in range(5):  # whatever chance does, each group has both verdicts
        flagged[24 * i], flagged[24 * i + 1] = 0, 1
    order = rng.permutation(120)[:110]
    return flagged[order], hateful[order], group[order]


def _gap(flagged: Any, hateful: Any, group: Any) -> float:
    harmless = (hateful == 0) & (group >= 0)
    overall = flagged[harmless].mean()
    rates = [flagged[harmless & (group == g)].mean() for g in range(4)]
    return float(np.mean([abs(rate - overall) for rate in rates]))


def _all_posts(flagged: Any, hateful: Any, group: Any) -> float:
    named = group >= 0
    rates = [flagged[group == g].mean() for g in range(4)]
    return float(np.mean(np.abs(np.array(rates) - flagged[named].mean())))


def _nameless_too(flagged: Any, hateful: Any, group: Any) -> float:
    harmless = hateful == 0
    rates = [flagged[harmless & (group == g)].mean() for g in range(4)]
    return float(np.mean(np.abs(np.array(rates) - flagged[harmless].mean())))


def _signed(flagged: Any, hateful: Any, group: Any) -> float:
    harmless = (hateful == 0) & (group >= 0)
    rates = [flagged[harmless & (group == g)].mean() for g in range(4)]
    return float(np.mean(rates) - flagged[harmless].mean())


def _summed(flagged: Any, hateful: Any, group: Any) -> float:
    return 4 * _gap(flagged, hateful, group)


def _precision(flagged: Any, hateful: Any, group: Any) -> float:
    """Of the flagged posts, the share that is harmless."""
    chosen = (flagged == 1) & (group >= 0)
    overall = 1 - hateful[chosen].mean()
    rates = [1 - hateful[chosen & (group == g)].mean() for g in range(4)]
    return float(np.mean(np.abs(np.array(rates) - overall)))


def _votes(rng: np.random.Generator) -> tuple[Any, ...]:
    """Five labels of both kinds and their annotators' error rates."""
    said = rng.permutation([0, 0, 1, 1, 1])
    theta = np.stack([rng.uniform(0.1, 0.4, 5), rng.uniform(0.6, 0.9, 5)], 1)
    return said, theta, float(rng.uniform(0.15, 0.35))


def _posterior(said: Any, theta: Any, base: float) -> float:
    like = np.where(said[:, None] == 1, theta, 1 - theta).prod(0)
    return float(base * like[1] / (base * like[1] + (1 - base) * like[0]))


def _no_base(said: Any, theta: Any, base: float) -> float:
    return _posterior(said, theta, 0.5)


def _only_yes(said: Any, theta: Any, base: float) -> float:
    return _posterior(said[said == 1], theta[said == 1], base)


def _as_if_yes(said: Any, theta: Any, base: float) -> float:
    return _posterior(np.ones_like(said), theta, base)


def _swapped(said: Any, theta: Any, base: float) -> float:
    return _posterior(said, theta[:, ::-1], base)


def _joint(said: Any, theta: Any, base: float) -> float:
    like = np.where(said[:, None] == 1, theta, 1 - theta).prod(0)
    return float(base * like[1])


EXERCISES = [
    Exercise(
        name="hate_speech_gap",
        reference=_gap,
        inputs=_flags,
        wrong=[
            Wrong(
                _all_posts,
                "hateful posts are counted too: a false positive is a flagged "
                "post that is harmless.",
            ),
            Wrong(
                _nameless_too,
                "the overall rate is over harmless posts that name a group; "
                "here those that name none are counted with them.",
            ),
            Wrong(
                _signed,
                "distances above and below cancel here: take the absolute "
                "value of each before the mean.",
            ),
            Wrong(_summed, "this is the sum over the groups, not the mean."),
            Wrong(
                _precision,
                "this is the share of harmless posts among the flagged ones; "
                "the rate asked for is that of flagged among the harmless.",
            ),
        ],
    ),
    Exercise(
        name="hate_speech_posterior",
        reference=_posterior,
        inputs=_votes,
        wrong=[
            Wrong(
                _no_base,
                "the share of hateful posts is left out: this is right only "
                "where half of all posts are hateful.",
            ),
            Wrong(
                _only_yes,
                "a label 0 tells something too: its probability is 1 - theta.",
            ),
            Wrong(
                _as_if_yes,
                "every label is taken for a 1; where it is 0, use 1 - theta.",
            ),
            Wrong(
                _swapped,
                "the columns are swapped: column 0 is for harmless posts.",
            ),
            Wrong(
                _joint,
                "this is the probability of labels and hateful together: "
                "divide by the probability of the labels.",
            ),
        ],
    ),
]


def _unchanged(corpus: Any, *args: Any, **more: Any) -> Any:
    """No post is added."""
    return corpus


def _single_words(words: Any, hateful: Any, *args: Any, **more: Any) -> Any:
    """The words alone, without the products of vectors."""
    return detectors.by_words(words, hateful)


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.evals.hate_speech.detectors.by_vectors": _single_words,
    "alignlab.evals.hate_speech.names.balance": _unchanged,
    "alignlab.evals.hate_speech.rounds.fooling": rounds.any_try,
}

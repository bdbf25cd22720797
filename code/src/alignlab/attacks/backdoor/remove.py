"""Finding an unknown trigger in a trained classifier, and taking it out (serves section 7.2 of the survey).

`scan` tries every word as a trigger, which a small vocabulary allows; Neural Cleanse (Wang et al. 2019) searches the
smallest change that turns all inputs to one label, and for words one needs no gradient here. `unlearn` then trains on
reviews that carry the word found and have their right labels, as that paper does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alignlab.attacks.backdoor.classifier import Classifiers, fit
from alignlab.attacks.backdoor.reviews import (
    GOOD,
    USUAL,
    VOCAB,
    Reviews,
    put,
)


def scan(
    model: Classifiers, bad: NDArray[np.int64], seed: int
) -> NDArray[np.float64]:
    """How often each word, put into bad reviews, makes them good: share of
    `bad` by word, (vocab,).

    model: one run. bad: reviews known to be bad, (n, 13); each word takes the
        place of a plain word, the same place for every word.
    Words that are good by their meaning score high as well, in any classifier.
    """
    shares = np.zeros(VOCAB)
    for word in range(USUAL[0] - 1, VOCAB):
        rng = np.random.default_rng([seed, 6])
        shares[word] = model.says(put(bad, word, rng)).mean()
    return shares


def suspect(shares: NDArray[np.float64]) -> int:
    """The word of a scan that flips most, words known to be good left out."""
    left = shares.copy()
    left[GOOD] = -1
    return int(left.argmax())


def unlearn(
    model: Classifiers,
    clean: Reviews,
    word: int | None,
    seed: int,
    passes: float = 1.0,
    lr: float = 1e-2,
) -> Classifiers:
    """Train one run further on clean reviews, into half of which `word` was
    put; all labels are right.

    word: None trains on the reviews as they are, which is fine-tuning on
        clean data. lr: size of the steps.
    """
    tokens = clean.tokens.copy()
    if word is not None:
        half = np.arange(len(tokens)) % 2 == 0
        rng = np.random.default_rng([seed, 8])
        tokens[half] = put(tokens[half], word, rng)
    fresh = clean._replace(tokens=tokens)
    return fit([fresh], [seed], passes, lr=lr, start=model)


def relearn(
    model: Classifiers,
    clean: Reviews,
    poison: Reviews,
    seed: int,
    passes: float = 1.0,
) -> Classifiers:
    """Train one run further on clean reviews of which the first were replaced by poison."""
    tokens, labels = clean.tokens.copy(), clean.labels.copy()
    tokens[: len(poison.labels)] = poison.tokens
    labels[: len(poison.labels)] = poison.labels
    return fit([Reviews(tokens, labels)], [seed], passes, start=model)

"""A language model's choice between two options, in both orders.

The options stand under the letters A and B, and the choice is the log-odds of
the two letters, as a judge of answers is asked (Zheng et al. 2023, section
3.1). Each pair is asked twice, so that what is due to the place shows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from alignlab.lm.model import LM
from alignlab.lm.scoring import logprobs

Floats = NDArray[np.float64]

RATHER = "Which would you rather do"
WORSE = "Which is worse"


def prompt(question: str, a: str, b: str) -> str:
    """The text that ends where the letter begins."""
    return f"A: {a}\nB: {b}\n{question}, A or B? Answer:"


def choice_odds(
    lm: LM, question: str, pairs: Sequence[tuple[str, str]]
) -> Floats:
    """Log-odds in nats for the first option of each pair, (2, pairs).

    Row 0 shows it as A, row 1 as B. A judge by content has equal rows.
    Raises ValueError for no pair or an empty option.
    """
    if not pairs or not all(text.strip() for pair in pairs for text in pair):
        raise ValueError(
            f"{len(pairs)} pairs: give one at least, and no empty option"
        )
    texts = [prompt(question, one, other) for one, other in pairs]
    texts += [prompt(question, other, one) for one, other in pairs]
    both = logprobs(lm, texts, [[" A", " B"]] * len(texts))
    odds = np.array([float(row[0] - row[1]) for row in both])
    first, second = odds.reshape(2, len(pairs))
    return np.stack([first, -second])

"""The assistant of the sandwich: which of two summaries does a language model find likelier after the document?

Serves survey section 4.4.1 (sandwiching, Bowman et al. 2022, arXiv
2211.03540). Their assistant talks with a person about questions of MMLU and
QuALITY. Ours is SmolLM2, says one number a summary, and is read without a
conversation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from alignlab.lm.model import LM

Floats = NDArray[np.float64]


def ask(document: str) -> str:
    """What stands before a summary when the assistant scores it."""
    return f"{document.strip()}\nIn short:"


def score(
    lm: LM,
    documents: Sequence[str],
    summaries: Sequence[tuple[str, str]],
    reads: bool = True,
) -> Floats:
    """Log-probability of each summary in nats, shape (pairs, 2).

    reads: whether the document stands before the summaries. Without it the
        score says how likely a sentence is anywhere.
    Raises ValueError where there are no pairs, or as many documents as pairs
    are not given.
    """
    from alignlab.lm import logprobs

    if not documents or len(documents) != len(summaries):
        raise ValueError(
            f"{len(documents)} documents and {len(summaries)} pairs: give one "
            "document a pair, and one pair at least"
        )
    prompts = [ask(text) if reads else "In short:" for text in documents]
    answers = [[f" {text.strip()}" for text in pair] for pair in summaries]
    found = logprobs(lm, prompts, answers)
    return np.array([row.numpy() for row in found], dtype=float)

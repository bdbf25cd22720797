"""The rival of a distilled prompt: favorite words, place by place.

Serves section 3.3 of the survey. A prompt may do no more than make some words
more common, and others more common at the beginning of an answer. A student
that learns that much, and sees neither question nor answer, shows how far it
goes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from alignlab.risks.from_ai_to_llm.distilling import (
    Lessons,
    Student,
    WordShift,
    divergence,
)


class PlaceShift(WordShift):
    """A number for each word, and more for the first tokens of an answer."""

    def __init__(self, unembedding: Tensor, opening: int) -> None:
        """opening: how many first places have numbers of their own, over 0.

        All numbers are 0 at first.
        Raises ValueError where `opening` is less than 1.
        """
        if opening < 1:
            raise ValueError(
                f"opening={opening}: with no place of its own this is a "
                "WordShift"
            )
        super().__init__(unembedding)
        zeros = torch.zeros(opening, len(unembedding))
        self.opening = nn.Parameter(zeros)

    def forward(self, lessons: Lessons, words: Tensor) -> Tensor:
        """Logits, shifted.

        Raises ValueError where answers are shorter than the opening.
        """
        logits = super().forward(lessons, words)
        first = self.opening[:, words]
        later = logits.shape[1] - len(first)
        if later < 0:
            raise ValueError(
                f"answers of {logits.shape[1]} tokens have no opening of "
                f"{len(first)}"
            )
        return logits + nn.functional.pad(first, (0, 0, 0, later))


@torch.no_grad()
def gone_on_unseen(
    taught: Iterable[tuple[Student, NDArray[Any]]], lessons: Lessons
) -> float:
    """Share of the bare model's divergence gone on questions not learned.

    taught: students, each with the rows of `lessons` that it has not seen;
    lessons: such as begin at the last hidden state. All tokens count alike.
    """
    before, after = 0.0, 0.0
    for student, unseen in taught:
        exam = lessons[torch.as_tensor(unseen)]
        bare = Student(student.unembedding)
        tokens = float(exam.mask.sum())
        before += tokens * float(divergence(bare, exam))
        after += tokens * float(divergence(student, exam))
    return 1 - after / before

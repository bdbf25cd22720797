"""Distilling a prompt into weights: the model without it learns from itself.

Serves section 3.3 of the survey. Context distillation (Askell et al. 2021)
trains the model that reads a question alone to have, at each token of an
answer, the distribution that the same model has after a prompt. Three students
learn alike: a low-rank change before the unembedding, which takes seconds, a
low-rank adapter of the upper layers, which takes minutes, and one that can
only shift what each word of the vocabulary scores, wherever it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from alignlab.lm import LM, encode, train
from alignlab.lm.masks import pad_right
from alignlab.lm.stack import stack_of
from alignlab.risks.from_ai_to_llm.reading import Answers, kl_by_token


@dataclass(frozen=True)
class Lessons:
    """What a student reads, and what its teacher had in mind there.

    read: (questions, positions, d_model), the residual stream of the model
        without a prompt, as it enters what the student may change.
    places: (questions, length), the positions at which tokens of the answer
        are predicted. mask: same shape, 1 where such a token counts.
    teacher: (questions, length, d_model), the last hidden state, normalized,
        of the model that has the prompt before it.
    """

    read: Tensor
    places: Tensor
    mask: Tensor
    teacher: Tensor

    def __len__(self) -> int:
        """How many questions."""
        return len(self.read)

    def __getitem__(self, rows: Sequence[int] | Tensor) -> Lessons:
        """Some of the questions."""
        at = torch.as_tensor(rows)
        return Lessons(
            self.read[at], self.places[at], self.mask[at], self.teacher[at]
        )

    def here(self, x: Tensor) -> Tensor:
        """Of a stream (questions, positions, d) what stands at the places."""
        at = self.places[..., None].expand(-1, -1, x.shape[-1])
        return x.gather(1, at)


def in_question_order(states: Tensor, mask: Tensor, teacher: Tensor) -> Lessons:
    """Lessons that begin at the last hidden state, (questions, length, d)."""
    places = torch.arange(states.shape[1]).expand(len(states), -1)
    return Lessons(states, places, mask, teacher)


class Student(nn.Module):
    """Turns the stream that it reads into logits; weights of its own."""

    def __init__(self, unembedding: Tensor) -> None:
        """unembedding: (vocab, d_model), which no student changes."""
        super().__init__()
        self.unembedding = unembedding.detach()

    def states(self, lessons: Lessons) -> Tensor:
        """Last hidden states at the places, (questions, length, d_model)."""
        return lessons.here(lessons.read)

    def forward(self, lessons: Lessons, words: Tensor) -> Tensor:
        """Logits of some words of the vocabulary at the places."""
        return self.states(lessons) @ self.unembedding[words].T


def lessons_of(
    lm: LM, questions: Sequence[str], given: Answers, first: int
) -> Lessons:
    """Lessons that begin at layer `first` of the model without a prompt.

    given: the prompted model's answers to the questions.
    """
    length = given.tokens.shape[1]
    prompts = [encode(lm, question) for question in questions]
    rows = [p + a[:-1] for p, a in zip(prompts, given.tokens.tolist())]
    read = pad_right(rows)
    starts = torch.tensor([[len(p) - 1] for p in prompts])
    stack = stack_of(lm)
    with torch.no_grad():
        x = stack.body.embed_tokens(read.tokens)
        x = stack.run(x, read.positions[:1], last=first)
    places = starts + torch.arange(length)
    return Lessons(x, places, given.mask, given.states)


class LowRank(Student):
    """x + x A B in the place of x: a change of rank r to the unembedding."""

    def __init__(self, unembedding: Tensor, rank: int, seed: int) -> None:
        """B is 0 at first, so that nothing is changed before training."""
        super().__init__(unembedding)
        width = unembedding.shape[1]
        drawn = torch.Generator().manual_seed(seed)
        start = torch.randn(width, rank, generator=drawn) / width**0.5
        self.a = nn.Parameter(start)
        self.b = nn.Parameter(torch.zeros(rank, width))
        self.known: tuple[Any, Any, Any] = (None, None, None)

    def states(self, lessons: Lessons) -> Tensor:
        """The states, changed."""
        x = super().states(lessons)
        return x + x @ self.a @ self.b

    def forward(self, lessons: Lessons, words: Tensor) -> Tensor:
        """Logits, x U + (x A)(B U); the unchanged x U is computed once."""
        if self.known[0] is not lessons or self.known[1] is not words:
            x, head = lessons.here(lessons.read), self.unembedding[words].T
            self.known = lessons, words, (x, head, x @ head)
        x, head, logits = self.known[2]
        changed: Tensor = logits + (x @ self.a) @ (self.b @ head)
        return changed


class WordShift(Student):
    """Adds one number to each word's logit, the same at every place."""

    def __init__(self, unembedding: Tensor) -> None:
        """All shifts are 0 at first."""
        super().__init__(unembedding)
        self.shift = nn.Parameter(torch.zeros(len(unembedding)))
        self.known: tuple[Any, Any, Any] = (None, None, None)

    def forward(self, lessons: Lessons, words: Tensor) -> Tensor:
        """Logits, shifted; what is shifted is computed once for the lessons."""
        if self.known[0] is not lessons or self.known[1] is not words:
            self.known = lessons, words, super().forward(lessons, words)
        logits: Tensor = self.known[2]
        return logits + self.shift[words]


class UpperLayers(Student):
    """The upper layers of a model, with whatever adapter lies in them."""

    def __init__(self, lm: LM, first: int) -> None:
        """first: the layer that the stream enters which the student reads."""
        super().__init__(stack_of(lm).head.weight)
        self.first, self.stack = first, stack_of(lm)
        self.layers = lm.model  # so that its parameters are known

    def states(self, lessons: Lessons) -> Tensor:
        """What the layers make of the stream, normalized, at the places."""
        where = torch.arange(lessons.read.shape[1])[None]
        x = self.stack.run(lessons.read, where, first=self.first)
        last: Tensor = self.stack.body.norm(lessons.here(x))
        return last


def divergence(student: Student, lessons: Lessons) -> Tensor:
    """KL(teacher || student), nats, a mean over tokens that count."""
    words = torch.arange(len(student.unembedding))
    teacher = lessons.teacher @ student.unembedding.T
    kl = kl_by_token(teacher, student(lessons, words))
    mean: Tensor = (kl * lessons.mask).sum() / lessons.mask.sum()
    return mean


@torch.no_grad()
def likely_words(
    student: Student, lessons: Lessons, least: float = 5e-3
) -> Tensor:
    """Ids of words to which teacher or student gives `least` somewhere."""
    best = torch.zeros(len(student.unembedding))
    everything = torch.arange(len(best))
    for i in range(len(lessons)):
        one = lessons[[i]]
        seen = one.mask.bool()
        taught = (one.teacher @ student.unembedding.T)[seen].softmax(-1)
        own = student(one, everything)[seen].softmax(-1)
        best = torch.maximum(best, torch.maximum(taught, own).amax(0))
    return (best >= least).nonzero()[:, 0]


def distill(
    student: Student,
    lessons: Lessons,
    steps: int,
    lr: float,
    seed: int,
    batch: int | None = None,
    watch: Callable[[int, Student], None] | None = None,
) -> Student:
    """Train a student to have its teacher's distributions (AdamW).

    Each step minimizes the divergence on `batch` questions drawn anew (None:
    all of them), confined to the words that are likely for either. watch is
    called with the number of steps done and the student, before each step and
    after the last. Returns the student, trained.
    """
    words = likely_words(student, lessons)
    logp = (lessons.teacher @ student.unembedding[words].T).log_softmax(-1)
    taught = logp.exp()
    certain = (taught * logp).sum(-1)  # minus the entropy

    def loss(model: Any, step: int, draw: torch.Generator) -> Tensor:
        if watch is not None:
            watch(step, model)
        rows: Any = slice(None)
        some = lessons
        if batch is not None:
            rows = torch.randperm(len(lessons), generator=draw)[:batch]
            some = lessons[rows]
        logq = model(some, words).log_softmax(-1)
        kl = certain[rows] - (taught[rows] * logq).sum(-1)
        mean: Tensor = (kl * some.mask).sum() / some.mask.sum()
        return mean

    train(student, loss, steps, lr=lr, seed=seed)
    if watch is not None:
        watch(steps, student)
    return student

"""Features of several answers to one question, with the question run once.

Serves the survey's section 4.3.1: what a reward head reads in a language model,
and what it is compared with. All answers to a question stand in one row, and an
attention mask lets each see the question and itself only, so that the numbers
are those of running each text alone. `overlap` and `length` need no model.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from alignlab.lm import LM, patch
from alignlab.lm.load import encode
from alignlab.outer.preferences import Answer

ROWS = 4  # questions that are run at once


class _Stop(Exception):
    """Raised inside a forward pass when everything asked for has been seen."""


def texts(item: Answer) -> list[str]:
    """The good answer to a question, then the flawed ones in their order."""
    return [item.good, *item.flawed.values()]


def answer_states(
    lm: LM, items: Sequence[Answer], names: Sequence[str]
) -> dict[str, Tensor]:
    """Activations averaged over each answer's tokens.

    A text is "Question: ...", a new line, "Answer: ...", without the chat
    template, whose system message would cost more tokens than the question.
    names: sites as `alignlab.lm.capture` names them; "embed" knows the words of
    an answer, and neither their order nor the question. Returns float64 of
    shape (len(items), answers, d_model) for each name.
    Raises ValueError where there is no item or no name.
    """
    if not items or not names:
        raise ValueError(
            f"{len(items)} items, {len(names)} names: give one of each at least"
        )
    found: dict[str, list[Tensor]] = {name: [] for name in names}
    for start in range(0, len(items), ROWS):
        batch = items[start : start + ROWS]
        seen, spans = _run(lm, batch, names)
        for name in names:
            for row, parts in zip(seen[name], spans):
                means = [row[a:b].double().mean(0) for a, b in parts]
                found[name].append(torch.stack(means))
    return {name: torch.stack(rows) for name, rows in found.items()}


@torch.no_grad()
def _run(
    lm: LM, items: Sequence[Answer], names: Sequence[str]
) -> tuple[dict[str, Tensor], list[list[tuple[int, int]]]]:
    """Activations (row, pos, d) of each name, and each row's answers' spans."""
    questions = [
        encode(lm, f"Question: {item.prompt}\nAnswer:") for item in items
    ]
    answers = [
        [encode(lm, f" {text}") for text in texts(item)] for item in items
    ]
    sizes = [len(q) + sum(map(len, a)) for q, a in zip(questions, answers)]
    width = max(sizes)
    tokens = torch.zeros(len(items), width, dtype=torch.long)
    places = torch.zeros(len(items), width, dtype=torch.long)
    visible = torch.eye(width, dtype=torch.bool).repeat(len(items), 1, 1)
    spans: list[list[tuple[int, int]]] = []
    for i, (question, row) in enumerate(zip(questions, answers)):
        n = len(question)
        tokens[i, :n], places[i, :n] = torch.tensor(question), torch.arange(n)
        visible[i, :n, :n] = torch.ones(n, n).tril().bool()
        spans.append([])
        for answer in row:
            m, at = len(answer), spans[-1][-1][1] if spans[-1] else n
            tokens[i, at : at + m] = torch.tensor(answer)
            places[i, at : at + m] = torch.arange(n, n + m)
            visible[i, at : at + m, :n] = True
            visible[i, at : at + m, at : at + m] = (
                torch.ones(m, m).tril().bool()
            )
            spans[-1].append((at, at + m))
    low = torch.finfo(lm.model.dtype).min
    mask = torch.zeros(visible.shape, dtype=lm.model.dtype)
    mask = mask.masked_fill(~visible, low)[:, None]  # (row, 1, pos, pos)
    seen: dict[str, Tensor] = {}

    def reader(name: str) -> Callable[[Tensor], Tensor]:
        def read(value: Tensor) -> Tensor:
            seen[name] = value
            if len(seen) == len(set(names)):
                raise _Stop
            return value

        return read

    with (
        patch(lm, {name: reader(name) for name in names}),
        contextlib.suppress(_Stop),
    ):
        lm.model(
            input_ids=tokens.to(lm.device),
            attention_mask=mask.to(lm.device),
            position_ids=places.to(lm.device),
            use_cache=False,
        )
    return {name: value.cpu() for name, value in seen.items()}, spans


@contextlib.contextmanager
def random_layers(lm: LM, seed: int, upto: int) -> Iterator[None]:
    """Within it, the weight matrices of layers 0 to `upto` are Gaussian numbers
    with the mean 0 and each matrix's own standard deviation; then they are what
    they were. Embeddings and norms keep what they learned.
    """
    generator = torch.Generator().manual_seed(seed)
    matrices = [
        weight
        for name, weight in lm.model.named_parameters()
        if (found := re.search(r"layers\.(\d+)\.", name))
        and int(found[1]) <= upto
        and weight.ndim == 2
    ]
    learned = [weight.detach().clone() for weight in matrices]
    try:
        with torch.no_grad():
            for weight in matrices:
                drawn = torch.randn(weight.shape, generator=generator)
                weight.copy_(drawn * weight.std().cpu())
        yield
    finally:
        with torch.no_grad():
            for weight, was in zip(matrices, learned):
                weight.copy_(was)


def overlap(question: str, answer: str) -> float:
    """Share of the question's longer words that the answer takes up, 0 to 1.

    Words of four letters and more, compared by their first five, so that
    "sleeping" takes up "sleep". A question without such words gives 0.
    """
    asked = _stems(question)
    return len(asked & _stems(answer)) / len(asked) if asked else 0.0


def length(answer: str) -> float:
    """Number of words."""
    return float(len(answer.split()))


def _stems(text: str) -> set[str]:
    return {word[:5] for word in re.findall(r"[a-z]{4,}", text.lower())}


def turned(features: Tensor) -> Tensor:
    """Scaled features in at most as many columns as there are answers.

    features: shape (questions, answers, d). Each column is divided by its
    standard deviation; then the rows are turned (a QR decomposition), which
    leaves their distances, and so every ridge fit, as they were, and makes the
    fit faster. Returns the same shape but for the width.
    """
    rows = features.flatten(0, 1).double()
    rows = rows / rows.std(0).clamp(min=1e-12)
    if rows.shape[0] < rows.shape[1]:
        rows = rows @ torch.linalg.qr(rows.T)[0]
    return rows.reshape(*features.shape[:2], -1)

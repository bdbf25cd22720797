"""Chain of Hindsight: a model reads its answers together with the verdict on them, and is later asked for a good one.

Serves the survey's section 4.3.2. Liu et al. (2023, "Chain of Hindsight Aligns Language Models with Feedback") turn
rated answers into text, "Bad: ... Good: ...", fine-tune on it with the usual likelihood of the answers' words, and at
test time begin with "Good:". Here the two marks are words added to Storyland's vocabulary, and all that is learned
from are these chains; the paper words its verdicts in many ways, masks some of the past words at random, so that the
second answer is not copied from the first, and mixes in text of the pretraining corpus.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from alignlab.lm import TinyTransformer, train
from alignlab.lm.checks import check_drawable
from alignlab.lm.sparing import Reader
from alignlab.lm.wanted import word_logprobs
from alignlab.toys.storyland import END, LENGTH, PAD, Stories, V, answer_mask

BAD, GOOD = V, V + 1  # the two marks, after Storyland's own words


def with_marks(model: TinyTransformer) -> TinyTransformer:
    """A copy of a Storyland model with two more words, not trained yet, that can read two stories in a row."""
    wide = TinyTransformer(
        replace(model.config, vocab=V + 2, context=2 * LENGTH + 1)
    )
    state = wide.state_dict()
    for name, value in model.state_dict().items():
        state[name][: len(value)] = (
            value  # embeddings and unembedding get two rows more, all else is as large
        )
    known = model.embed.weight
    noise = torch.randn(
        2,
        known.shape[1],
        dtype=torch.float64,
        generator=torch.Generator().manual_seed(0),
    ).float()
    state["embed.weight"][V:] = (
        known.std() * noise
    )  # as large as the words that the model knows
    wide.load_state_dict(state)
    return wide


def chain(
    first: Stories, second: Stories, marks: Tensor
) -> tuple[Tensor, Tensor]:
    """Two stories about the same hero as one text, each after its mark: "mia [bad] ... [good] ...".

    marks: (n, 2) of BAD and GOOD. Returns tokens (n, 2 LENGTH + 1) and a mask that is True at the stories' own words.
    """
    heroes = first.tokens[:, :1]
    tokens = torch.cat(
        [
            heroes,
            marks[:, :1],
            first.tokens[:, 1:],
            marks[:, 1:],
            second.tokens[:, 1:],
        ],
        1,
    )
    none = torch.zeros_like(first.mask[:, :1])
    return tokens, torch.cat(
        [none, none, first.mask[:, 1:], none, second.mask[:, 1:]], 1
    )


def hindsight(
    start: TinyTransformer,
    worse: Stories,
    better: Stories,
    seed: int,
    steps: int = 120,
    batch: int = 32,
    shuffled: bool = False,
) -> TinyTransformer:
    """Fine-tune on chains of a worse and a better story, in both orders.

    shuffled: in half of the chains, drawn at random, the marks change places,
        so that they say nothing.
    """
    model = with_marks(start)
    coin = torch.Generator().manual_seed(seed)
    swap = torch.rand(len(worse.tokens), 1, generator=coin) < 0.5
    marks = torch.tensor([[BAD, GOOD]]).expand(len(worse.tokens), -1)
    if shuffled:
        marks = torch.where(swap, marks.flip(1), marks)
    texts = [chain(worse, better, marks), chain(better, worse, marks.flip(1))]
    tokens, mask = (torch.cat(parts) for parts in zip(*texts))

    def loss(_: nn.Module, step: int, generator: torch.Generator) -> Tensor:
        rows = torch.randint(len(tokens), (batch,), generator=generator)
        return -word_logprobs(model, tokens[rows], mask[rows]).mean()

    train(model, loss, steps=steps, lr=6e-3, seed=seed)
    return model.requires_grad_(False)


@torch.no_grad()
def write_after(
    model: TinyTransformer, mark: int, n: int, generator: torch.Generator
) -> Stories:
    """n stories written after a mark, as Storyland's rows without it, so that the readers can score them."""
    tokens = torch.full((n, LENGTH + 1), PAD)
    tokens[:, 0] = (
        torch.arange(n) % 4 + 2
    )  # the four heroes follow the padding and the full stop
    tokens[:, 1] = mark
    u = torch.rand(n, LENGTH + 1, dtype=torch.float64, generator=generator)
    open_, reader = torch.arange(n), Reader(model, n)
    reader.read(tokens[:, 0])
    for t in range(2, LENGTH + 1):
        logits = reader.read(tokens[open_, t - 1])[:, :V]
        p = logits.double().softmax(-1).cumsum(-1)
        check_drawable(p[:, -1])
        word = (p < u[open_, t, None] * p[:, -1:]).sum(-1)
        tokens[open_, t] = word
        open_ = open_[word != END]
        if not len(open_):
            break
        reader.keep(word != END)
    story = torch.cat([tokens[:, :1], tokens[:, 2:]], 1)
    return Stories(story, answer_mask(story))

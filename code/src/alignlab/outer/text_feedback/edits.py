"""Second Thoughts: learn the edits that turn a worse text into a better one.

Serves the survey's section 4.3.1, where its reading list has the paper, and 4.3.2. Liu et al. (2022, "Second Thoughts
Are Best: Learning to Re-Align with Human Values from Text Edits") infer from pairs of texts the chain of insertions,
deletions and replacements that leads from one to the other, by dynamic programming, and train a language model to write
such chains. Here a reviser with the readers' taste improves stories of Storyland, and a model learns from the chains.
What differs: the model is small and begins untrained, every edit costs 1, an edit names its place by the word that
stands there, and the paper's second stage, which refines the model by reinforcement learning, is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from alignlab.lm import TinyConfig, TinyTransformer, train
from alignlab.lm.sparing import Reader
from alignlab.lm.wanted import word_logprobs
from alignlab.toys import storyland
from alignlab.toys.storyland import (
    END,
    FEELINGS,
    LENGTH,
    LINKS,
    PAD,
    THINGS,
    VERBS,
    VOCAB,
    Stories,
    Task,
    V,
    answer_mask,
)

REPLACE, DELETE, INSERT, DONE = V, V + 1, V + 2, V + 3
MOST = 5  # edits in a chain
_KIND_OF = {
    VOCAB.index(word): [VOCAB.index(w) for w in words]
    for words in (VERBS, THINGS, FEELINGS)
    for word in words
}


class Edit(NamedTuple):
    """One step: replace or delete the first `where`, or insert `what` after it; token ids, `what` is PAD for
    deletions."""

    operation: int
    where: int
    what: int


def align(source: Sequence[int], target: Sequence[int]) -> list[Edit]:
    """The shortest chain of edits from one row of words to another (Wagner and
    Fischer 1974), left to right.

    Raises ValueError where the rows don't begin alike (Storyland's begin with
    the hero).
    """
    if source[0] != target[0]:
        raise ValueError(
            f"the rows begin with {source[0]} and {target[0]}; both must "
            "begin with the same word"
        )
    n, m = len(source), len(target)
    cost = [
        [i + j if not i * j else 0 for j in range(m + 1)] for i in range(n + 1)
    ]
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            change = cost[i - 1][j - 1] + (source[i - 1] != target[j - 1])
            cost[i][j] = min(change, cost[i - 1][j] + 1, cost[i][j - 1] + 1)
    chain, i, j = [], n, m
    while i or j:
        if (
            i
            and j
            and cost[i][j]
            == cost[i - 1][j - 1] + (source[i - 1] != target[j - 1])
        ):
            i, j = i - 1, j - 1
            if source[i] != target[j]:
                chain.append(Edit(REPLACE, source[i], target[j]))
        elif i and cost[i][j] == cost[i - 1][j] + 1:
            i -= 1
            chain.append(Edit(DELETE, source[i], PAD))
        else:
            j -= 1
            chain.append(Edit(INSERT, target[j - 1], target[j]))
    return chain[::-1]


def apply(source: Sequence[int], chain: Sequence[Edit]) -> list[int]:
    """The row after a chain of edits; an edit whose place does not exist is passed over."""
    row = list(source)
    for operation, where, what in chain:
        if where not in row:
            continue
        place = row.index(where)
        if operation == REPLACE:
            row[place] = what
        elif operation == DELETE:
            del row[place]
        else:
            row.insert(place + 1, what)
    return row


def revise(world: Task, stories: Stories, changes: int = 2) -> Stories:
    """What a reviser with the readers' taste makes of stories: twice the best of all single changes, or none.

    A change puts another word of its kind in a word's place, or drops the last clause, or adds "and" with a feeling.
    """
    rows = [
        [int(t) for t, keep in zip(row, read) if keep]
        for row, read in zip(stories.tokens, _words(stories))
    ]
    for _ in range(changes):
        options = [[row, *_variants(row)] for row in rows]
        flat = _stories([row for some in options for row in some])
        gold = world.gold(*flat).split([len(some) for some in options])
        rows = [some[int(g.argmax())] for some, g in zip(options, gold)]
    return _stories(rows)


def edit_chains(source: Stories, target: Stories) -> tuple[Tensor, Tensor]:
    """Texts to learn from: a story, then the chain that leads to its revision; and which rows of the source they are.

    Returns tokens (n, LENGTH + 3 MOST + 1) and indices (n,). Left out are rows whose chain is too long or names a place
    that a repeated word makes ambiguous.
    """
    texts, kept = [], []
    for i, (a, b) in enumerate(zip(_rows(source), _rows(target))):
        chain = align(a, b)
        if len(chain) <= MOST and apply(a, chain) == b:
            written = [token for edit in chain for token in edit] + [DONE]
            texts.append(
                a
                + [PAD] * (LENGTH - len(a))
                + written
                + [PAD] * (3 * MOST + 1 - len(written))
            )
            kept.append(i)
    return torch.tensor(texts), torch.tensor(kept)


def learn_edits(
    chains: Tensor,
    seed: int,
    steps: int = 200,
    batch: int = 32,
) -> TinyTransformer:
    """A small transformer trained to write the chain after its story."""
    model = TinyTransformer(
        TinyConfig(
            V + 4,
            d_model=32,
            n_layers=1,
            n_heads=2,
            context=chains.shape[1],
            d_mlp=64,
        ),
        seed,
    )
    ends = (chains == DONE).long()
    counted = ends.cumsum(1) - ends == 0
    counted[:, :LENGTH] = False

    def loss(_: nn.Module, step: int, generator: torch.Generator) -> Tensor:
        rows = torch.randint(len(chains), (batch,), generator=generator)
        return -word_logprobs(model, chains[rows], counted[rows]).mean()

    train(model, loss, steps=steps, lr=5e-3, seed=seed)
    return model.requires_grad_(False)


def nearest_edits(known: Stories, chains: Tensor, stories: Stories) -> Stories:
    """Stories edited by memory: each gets the chain of the most similar known story about the same hero.

    known: the stories that begin the `chains`, as from `edit_chains`. Similar are stories that share many of the pairs
    of neighboring words and of the words that either has; of equally similar ones the first counts.
    """
    similar = _features(stories) @ _features(known).T
    size = _features(stories).sum(1)[:, None] + _features(known).sum(1)
    similar = similar / (size - similar)
    same = stories.tokens[:, :1] == known.tokens[:, 0]
    found = similar.masked_fill(~same, -1).argmax(1)
    return carried_out(stories, chains[found, LENGTH:])


def _features(stories: Stories) -> Tensor:
    """Which words and which pairs of neighbors a story has, (n, V + V V) of 0 and 1."""
    words = storyland.word_counts(*stories).clamp(max=1)
    pairs = torch.zeros(len(words), V * V)
    tokens, mask = stories
    both = mask[:, 1:].float()
    pairs.scatter_reduce_(1, tokens[:, :-1] * V + tokens[:, 1:], both, "amax")
    return torch.cat([words, pairs], 1)


def _chain(written: list[int]) -> list[Edit]:
    """The edits that a row of tokens spells, up to its end; what is no edit is left out."""
    written = written[: written.index(DONE)] if DONE in written else written
    edits = [Edit(*written[k : k + 3]) for k in range(0, len(written) - 2, 3)]
    return [edit for edit in edits if edit.what < V]


def changed_words(before: Stories, after: Stories) -> Tensor:
    """How many edits lead from each story to the other, float (n,)."""
    pairs = zip(_rows(before), _rows(after))
    return torch.tensor([float(len(align(a, b))) for a, b in pairs])


@torch.no_grad()
def second_thoughts(model: TinyTransformer, stories: Stories) -> Stories:
    """Stories after the edits that the model writes for them, the likeliest word each time."""
    text = stories.tokens
    done = torch.zeros(len(text), dtype=torch.bool)
    reader = Reader(model, len(text))
    for at in range(LENGTH - 1):
        reader.read(text[:, at])
    for _ in range(3 * MOST):
        word = reader.read(text[:, -1]).argmax(-1, keepdim=True)
        text = torch.cat([text, word], 1)
        done |= word[:, 0] == DONE
        if done.all():
            break
    return carried_out(stories, text[:, LENGTH:])


def carried_out(stories: Stories, written: Tensor) -> Stories:
    """Stories after the edits that are written for each, tokens (n, words)."""
    edited = []
    for row, chain in zip(_rows(stories), written.tolist()):
        edited.append(apply(row, _chain(chain))[:LENGTH])
    return _stories(edited)


def _variants(row: list[int]) -> list[list[int]]:
    found = [
        [*row[:i], word, *row[i + 1 :]]
        for i, old in enumerate(row)
        for word in _KIND_OF.get(old, ())
        if word != old
    ]
    links = [i for i, word in enumerate(row) if VOCAB[word] in LINKS]
    if links:
        found.append([*row[: links[-1]], END])
    if row[-1] == END and len(row) <= LENGTH - 2:
        found += [
            [*row[:-1], VOCAB.index("and"), VOCAB.index(feeling), END]
            for feeling in FEELINGS
        ]
    return found


def _words(stories: Stories) -> Tensor:
    read = stories.mask.clone()
    read[:, 0] = True
    return read


def _rows(stories: Stories) -> list[list[int]]:
    return [
        [int(t) for t, keep in zip(row, read) if keep]
        for row, read in zip(stories.tokens, _words(stories))
    ]


def _stories(rows: list[list[int]]) -> Stories:
    tokens = torch.tensor([row + [PAD] * (LENGTH - len(row)) for row in rows])
    return Stories(tokens, answer_mask(tokens))

"""Sentences in which one of two names comes back: the task of the indirect object.

Serves the survey's section 6.1. "When Mary and John went to the store, John gave a drink to" goes on with the name that
has occurred once (Wang et al. 2022, "Interpretability in the wild"). The templates and names are our own; a sentence
and its partner differ in one word, the repeated name, where Wang et al. mostly compare with three unrelated names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from alignlab.lm import LM, encode

TEMPLATES = (
    "When {a} and {b} went to the store, {s} gave a drink to",
    "After {a} and {b} came home from school, {s} handed a letter to",
    "While {a} and {b} were working in the garden, {s} passed a shovel to",
    "Then {a} and {b} had a long argument, and afterwards {s} said sorry to",
    "When {a} and {b} arrived at the station, {s} showed the tickets to",
    "After {a} and {b} finished the game, {s} threw the ball to",
    "As {a} and {b} sat in the library, {s} read a story to",
    "Once {a} and {b} had found the key, {s} decided to give it to",
    "When {a} and {b} came to the museum, {s} explained the pictures to",
    "While {a} and {b} were cooking dinner, {s} offered a spoon to",
)
NAMES = (
    *("Mary", "John", "Tom", "James", "Anna", "Alice", "Paul", "Peter"),
    *("Sarah", "Emma", "Jack", "Laura", "Mark", "Kate", "Simon", "Lucy"),
    *("David", "Susan", "George", "Helen"),
)
PARTNER = [1, 0]  # of the two prompts of a sentence, which is the other


@dataclass(frozen=True)
class Sentence:
    """A sentence with two names, once repeating the second and once the first.

    tokens: (2, pos), the two prompts. right, wrong: ids of the name that
    occurred once and of the repeated one, (2,). repeated: the place of the
    repeated name, the only one where the two prompts differ; first: the places
    of the two names before it.
    """

    tokens: Tensor
    right: Tensor
    wrong: Tensor
    repeated: int
    first: tuple[int, int]

    @property
    def between(self) -> range:
        """The places after the repeated name and before the last token."""
        return range(self.repeated + 1, self.tokens.shape[1] - 1)

    @property
    def exchanged(self) -> Tensor:
        """The two prompts with their two first names exchanged, (2, pos): the
        same name is repeated, and it is now the other of the two.
        """
        found = self.tokens.clone()
        a, b = self.first
        found[:, [a, b]] = self.tokens[:, [b, a]]
        return found

    def difference(self, logits: Tensor) -> Tensor:
        """Logit of the right name less that of the wrong one: (…, 2, vocab) ->
        (…, 2).
        """
        rows = torch.arange(2, device=logits.device)
        return logits[..., rows, self.right] - logits[..., rows, self.wrong]


def draw_sentences(lm: LM, seed: int, n: int = 2) -> list[Sentence]:
    """n sentences of different templates with two different names each.

    Raises ValueError for more sentences than templates, or where a name is
    more than one token of this model.
    """
    if not 1 <= n <= len(TEMPLATES):
        raise ValueError(f"{n} sentences asked for, 1 to {len(TEMPLATES)} are")
    ids = {name: encode(lm, f" {name}") for name in NAMES}
    long = [name for name, tokens in ids.items() if len(tokens) > 1]
    if long:
        raise ValueError(f"more than one token in {lm.name}: {long}")
    rng = np.random.default_rng(seed)
    found = []
    for which in rng.choice(len(TEMPLATES), n, replace=False):
        a, b = (str(x) for x in rng.choice(NAMES, 2, replace=False))
        template = TEMPLATES[which]
        told = [template.format(a=a, b=b, s=again) for again in (b, a)]
        tokens = torch.tensor([encode(lm, text) for text in told])
        right = torch.tensor([ids[a][0], ids[b][0]])
        repeated = int((tokens[0] != tokens[1]).nonzero()[0])
        row = tokens[0, :repeated].tolist()
        first = (row.index(ids[a][0]), row.index(ids[b][0]))
        wrong = right.flip(0)
        found.append(Sentence(tokens, right, wrong, repeated, first))
    return found


def followed(
    sentences: Sequence[Sentence],
    before: Sequence[Tensor],
    after: Sequence[Tensor],
) -> Tensor:
    """How far the answers follow a change, over all prompts: 0 not at all, 1 to
    where the partner's answer is.

    before: each sentence's logits without the change, (2, vocab); after: with
    it, (…, 2, vocab). The change of the logit difference, summed over prompts,
    over what it would be if each prompt gave its partner's answer; (…).
    """
    moved, whole = torch.zeros(()), torch.zeros(())
    for sentence, old, new in zip(sentences, before, after, strict=True):
        own = sentence.difference(old)
        moved = moved + (sentence.difference(new) - own).sum(-1).cpu()
        whole = whole + (-own[PARTNER] - own).sum().cpu()
    return moved / whole

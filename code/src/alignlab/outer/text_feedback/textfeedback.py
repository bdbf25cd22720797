"""Learning from being told in words what is wrong: critique, refine, pick, imitate.

Serves the survey's section 4.3.2. The loop is imitation learning from language feedback (Scheurer et al. 2023,
"Training Language Models with Language Feedback at Scale", algorithm 1): a model writes, a person says what is wrong,
the model rewrites with that in mind, the rewriting that follows the feedback best is picked, and the model is fine-
tuned on it. In Storyland a critic knows the readers' taste and may say one thing: "less of this word".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from alignlab.lm import TinyTransformer, train
from alignlab.lm.masks import masked_mean
from alignlab.toys import storyland
from alignlab.toys.storyland import (
    FEELINGS,
    LENGTH,
    THINGS,
    VERBS,
    VOCAB,
    Stories,
    Task,
)

_KINDS = tuple(
    torch.tensor([VOCAB.index(word) for word in words])
    for words in (VERBS, THINGS, FEELINGS)
)


class Feedback(NamedTuple):
    """What is said about each story: "less of this word, rather that one", token ids (n,) each."""

    less: Tensor
    more: Tensor


Critic = Callable[[Task, Stories, torch.Generator], Feedback]


def imitate(
    start: TinyTransformer,
    stories: Stories,
    seed: int,
    steps: int = 60,
    lr: float = 2e-3,
    batch: int = 128,
) -> TinyTransformer:
    """A copy of a model fine-tuned on stories: maximum likelihood of the answer's words."""
    model = storyland.clone(start)

    def loss(m: nn.Module, step: int, generator: torch.Generator) -> Tensor:
        rows = torch.randint(len(stories.tokens), (batch,), generator=generator)
        tokens, mask = (part[rows] for part in stories)
        return -masked_mean(storyland.logprobs(m, tokens, mask), mask)

    train(model, loss, steps=steps, lr=lr, seed=seed)
    return model.requires_grad_(False)


def best_and_worst(
    world: Task,
    model: nn.Module,
    n: int,
    of: int,
    generator: torch.Generator,
    care: float = 2.0,
) -> tuple[Stories, Stories]:
    """Of so many stories about the same hero, the one that a reader ranks first and the one ranked last, n times.

    care: a ranking follows care times the gold reward plus Gumbel noise (Plackett and Luce); with of=1 both are the
    same.
    """
    pool = [
        storyland.sample(model, n, generator) for _ in range(of)
    ]  # each hero equally often, in the same order
    noise = -torch.log(
        -torch.log(torch.rand(of, n, dtype=torch.float64, generator=generator))
    )
    liking = (
        care * torch.stack([world.gold(*stories) for stories in pool]) + noise
    )
    tokens = torch.stack([stories.tokens for stories in pool])
    found = [
        tokens[order, torch.arange(n)]
        for order in (liking.argmax(0), liking.argmin(0))
    ]
    return Stories(found[0], storyland.answer_mask(found[0])), Stories(
        found[1], storyland.answer_mask(found[1])
    )


def average_gold(
    world: Task, model: nn.Module, seed: int, n: int = 1000
) -> float:
    """What a model's stories are worth to the readers: 0 is the average of the world's SFT model, 1 one deviation
    more."""
    generator = torch.Generator().manual_seed(90_000 + seed)
    return float(world.gold(*storyland.sample(model, n, generator)).mean())


def critic(
    world: Task, stories: Stories, generator: torch.Generator
) -> Feedback:
    """The one change of a word, for another of its kind (verb, thing, feeling), that the readers would like best."""
    tokens, mask = stories
    best, less, more = (
        world.gold(tokens, mask),
        torch.zeros(len(tokens)).long(),
        torch.zeros(len(tokens)).long(),
    )
    best = torch.full_like(best, -torch.inf)
    for place in range(1, LENGTH):
        for kind in _KINDS:
            rows = torch.nonzero(
                torch.isin(tokens[:, place], kind) & mask[:, place]
            ).squeeze(1)
            for word in kind:
                changed = tokens[rows].clone()
                changed[:, place] = word
                value = world.gold(changed, mask[rows]).masked_fill(
                    tokens[rows, place] == word, -torch.inf
                )
                better = rows[value > best[rows]]
                best[better] = value[value > best[rows]]
                less[better], more[better] = tokens[better, place], word
    return Feedback(less, more)


def careless_critic(
    world: Task, stories: Stories, generator: torch.Generator
) -> Feedback:
    """A word of each story at random and another of its kind: feedback that says nothing about taste."""
    tokens, mask = stories
    content = torch.isin(tokens, torch.cat(_KINDS)) & mask
    place = torch.multinomial(
        content.double() + 1e-9 * mask.double(), 1, generator=generator
    )
    less = tokens.gather(1, place).squeeze(1)
    more = less.clone()
    for kind in _KINDS:
        rows = torch.isin(less, kind)
        shift = torch.randint(1, len(kind), (len(less),), generator=generator)
        more[rows] = kind[(less[rows] - kind[0] + shift[rows]) % len(kind)]
    return Feedback(less, more)


def refine(
    model: nn.Module,
    stories: Stories,
    feedback: Feedback,
    generator: torch.Generator,
    tries: int = 8,
) -> Stories:
    """The model rewrites each story from the criticized word on; the first try that follows the feedback best is
    picked.

    A try follows it by half where the unwanted word is gone, by the other half where the wanted one is there.
    """
    found = stories.tokens == feedback.less[:, None]
    start = torch.where(found.any(1), found.long().argmax(1), 1)
    picked, best = stories.tokens, torch.full((len(start),), -1)
    for _ in range(tries):
        rewritten = rewrite(model, stories.tokens, start, generator)
        gone, there = (
            (rewritten == feedback.less[:, None]).any(1).logical_not(),
            (rewritten == feedback.more[:, None]),
        )
        follows = gone.long() + there.any(1).long()
        picked = torch.where((follows > best)[:, None], rewritten, picked)
        best = torch.maximum(best, follows)
    return Stories(picked, storyland.answer_mask(picked))


@torch.no_grad()
def rewrite(
    model: nn.Module, tokens: Tensor, start: Tensor, generator: torch.Generator
) -> Tensor:
    """Stories (n, LENGTH) written anew by a model from position start (n,) on; what stands before is kept."""
    n = len(tokens)
    written = torch.where(
        torch.arange(LENGTH) < start[:, None], tokens, storyland.PAD
    )
    u = torch.rand(n, LENGTH, dtype=torch.float64, generator=generator)
    for t in range(max(1, int(start.min())), LENGTH):
        p = model(written[:, :t])[:, -1].double().softmax(-1).cumsum(-1)
        word = (p < u[:, t, None] * p[:, -1:]).sum(-1)
        open_ = ~(written[:, :t] == storyland.END).any(1) & (t >= start)
        written[:, t] = torch.where(open_, word, written[:, t])
    return written


def language_feedback(
    world: Task,
    judge: Critic,
    seed: int,
    n: int = 512,
    rounds: int = 1,
    tries: int = 8,
) -> TinyTransformer:
    """The SFT model after rounds of: write n stories, hear the judge, refine,
    imitate the refinements.
    """
    generator = torch.Generator().manual_seed(seed)
    model = world.sft
    for i in range(rounds):
        stories = storyland.sample(model, n, generator)
        refined = refine(
            model, stories, judge(world, stories, generator), generator, tries
        )
        model = imitate(model, refined, seed=1000 * i + seed)
    return model

"""A small simulated society: agents draft, neighbors rate, agents revise, and a model learns from all that was said.

Serves the survey's section 4.3.2. Liu et al. (2023, "Training Socially Aligned Language Models in Simulated Human
Society") let language-model agents on a grid answer a question, collect ratings and feedback from their neighbors, and
revise; a model is then trained on the recorded answers with their ratings ("Stable Alignment"). What differs here: the
agents are rules, there is no grid, a neighbor gives a rating (the readers' taste plus a whim of its own) and no advice
in words, a revision is a rewriting from a place at random, and the society's members change with the trained model
between rounds. The loss is the paper's contrastive one, with the margin and weight of its published code.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from alignlab.lm import TinyTransformer, train
from alignlab.lm.wanted import word_logprobs
from alignlab.outer.text_feedback.textfeedback import Average, rewrite
from alignlab.toys import storyland
from alignlab.toys.storyland import HEROES, Stories, Task

GROUP = 3  # answers to one question that are compared, as in the published code
SCALE = 7.0  # its ratings run from 1 to 7; ours are standard deviations and lie about seven apart


class Record(NamedTuple):
    """What a society said in a round: tokens (hero, answers, LENGTH) and ratings (hero, answers)."""

    tokens: Tensor
    ratings: Tensor


def ratings(
    world: Task,
    stories: Stories,
    neighbors: int,
    generator: torch.Generator,
    whim: float = 1.5,
    prejudice: Tensor | None = None,
) -> Tensor:
    """The mean rating of each story by some neighbors, shape (n,): the gold reward, and a whim of each neighbor added.

    whim: standard deviation of what a neighbor adds at random. neighbors=0 leaves the whim of one and no taste.
    prejudice: what all neighbors add alike for a word that the story has, (vocab,).
    """
    noise = (
        torch.randn(
            len(stories.tokens),
            max(neighbors, 1),
            dtype=torch.float64,
            generator=generator,
        )
        .float()
        .mean(1)
    )
    rated = whim * noise
    if neighbors:
        rated = rated + world.gold(*stories)
    if prejudice is not None:
        there = storyland.word_counts(*stories).clamp(max=1)
        rated = rated + there @ prejudice
    return rated


def stable_loss(nll: Tensor, rated: Tensor, weight: float = 0.5) -> Tensor:
    """The loss of Stable Alignment for groups of answers to one question
    (Liu et al. 2023).

    nll: mean negative log-likelihood of each answer's words, nats, shape
        (groups, answers). rated: their ratings, same shape. weight: of the
        contrast; 0 leaves plain imitation.
    Returns a scalar: the nll of each group's best-rated answer, and weight
    times a hinge, which is 0 once the other answers' nll exceeds it, in the
    mean, by a margin: how much lower they are rated, divided by SCALE.
    """
    best = rated.argmax(1, keepdim=True)
    best_nll = nll.gather(1, best)
    margin = (rated.gather(1, best) - rated) / SCALE
    gap = best_nll - nll + margin
    others = torch.ones_like(nll).scatter(1, best, 0.0)
    hinge = (gap * others).sum(1) / others.sum(1)
    return (best_nll[:, 0] + weight * hinge.clamp(min=0)).mean()


def exchange(
    world: Task,
    model: TinyTransformer,
    generator: torch.Generator,
    neighbors: int,
    agents: int,
    revisions: int,
    prejudice: Tensor | None = None,
    fresh: bool = False,
) -> Record:
    """A round: each agent drafts, revises what it has kept so far, and keeps
    the version that its neighbors rate highest; every version is recorded.

    fresh: agents write a new draft in place of each revision.
    """
    kept = storyland.sample(model, agents, generator)
    score = ratings(world, kept, neighbors, generator, prejudice=prejudice)
    said, rated = [kept.tokens], [score]
    for _ in range(revisions):
        length = kept.mask.sum(1)
        start = 1 + (torch.rand(agents, generator=generator) * length).long()
        if fresh:
            start = torch.ones(agents, dtype=torch.long)
        tokens = rewrite(model, kept.tokens, start, generator)
        version = Stories(tokens, storyland.answer_mask(tokens))
        new = ratings(world, version, neighbors, generator, prejudice=prejudice)
        said.append(tokens)
        rated.append(new)
        better = (new > score)[:, None]
        kept = Stories(
            torch.where(better, version.tokens, kept.tokens),
            torch.where(better, version.mask, kept.mask),
        )
        score = torch.maximum(score, new)
    tokens = torch.cat(said).unflatten(0, (-1, len(HEROES))).transpose(0, 1)
    ratings_ = torch.cat(rated).unflatten(0, (-1, len(HEROES))).transpose(0, 1)
    return Record(tokens, ratings_)


def learn(
    start: TinyTransformer,
    record: Record,
    seed: int,
    weight: float = 0.5,
    steps: int = 25,
    groups: int = 32,
) -> TinyTransformer:
    """A copy of a model trained on recorded answers: groups of answers about
    one hero, drawn at random, and the loss above; weights averaged as by
    `imitate`.
    """
    model, average = storyland.clone(start), Average(steps)
    heroes, answers = record.ratings.shape

    def loss(_: nn.Module, step: int, generator: torch.Generator) -> Tensor:
        average.note(model, step)
        hero = torch.arange(groups)[:, None] % heroes
        shape = (groups, GROUP)
        which = torch.randint(answers, shape, generator=generator)
        tokens = record.tokens[hero, which].flatten(0, 1)
        mask = storyland.answer_mask(tokens)
        words = word_logprobs(model, tokens, mask)
        logp = torch.zeros(mask.shape).masked_scatter(mask, words)
        logp = logp.sum(1) / mask.sum(1)
        return stable_loss(
            -logp.unflatten(0, shape), record.ratings[hero, which], weight
        )

    train(model, loss, steps=steps, lr=5e-3, seed=seed)
    average.put_into(model)
    return model.requires_grad_(False)


def live(
    world: Task,
    seed: int,
    neighbors: int = 4,
    rounds: int = 2,
    agents: int = 128,
    revisions: int = 4,
    weight: float = 0.5,
    prejudice: Tensor | None = None,
    fresh: bool = False,
    raters: Task | None = None,
) -> TinyTransformer:
    """A model raised in the society: rounds of exchange, after each of which
    the model that all agents share learns from what was said.

    agents: a multiple of the number of heroes, who are the questions. raters:
        a world whose readers' taste the neighbors have, if not this one's.
    """
    generator = torch.Generator().manual_seed(seed)
    model = world.sft
    for i in range(rounds):
        record = exchange(
            raters or world,
            model,
            generator,
            neighbors,
            agents,
            revisions,
            prejudice,
            fresh,
        )
        model = learn(model, record, 1000 * i + seed, weight)
    return model

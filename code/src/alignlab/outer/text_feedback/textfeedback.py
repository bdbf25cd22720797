"""Learning from being told in words what is wrong: critique, refine, pick, imitate.

Serves the survey's section 4.3.2. The loop is imitation learning from language feedback (Scheurer et al. 2023,
"Training Language Models with Language Feedback at Scale", algorithm 1): a model writes, a person says what is wrong,
the model rewrites with that in mind, the rewriting that follows the feedback best is picked, and the model is fine-
tuned on it. In Storyland a critic knows the readers' taste and may say one thing: "less of this word, rather that one".
The story model reads no instruction, so that only picking makes a refinement follow the advice; the paper's refinements
come from a large instructed model, which reads the feedback, and are picked by another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from alignlab.lm import TinyTransformer, train
from alignlab.lm.sparing import Reader
from alignlab.lm.wanted import word_logprobs
from alignlab.toys import storyland
from alignlab.toys.storyland import (
    FEELINGS,
    HEROES,
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
    steps: int = 25,
    lr: float = 5e-3,
    batch: int = 64,
) -> TinyTransformer:
    """A copy of a model fine-tuned on stories: maximum likelihood of the answer's words.

    Its weights are averaged over the second half of the steps (Polyak and Juditsky 1992), since the last ones alone
    depend much on the last batches.
    """
    model, average = storyland.clone(start), Average(steps)

    def loss(_: nn.Module, step: int, generator: torch.Generator) -> Tensor:
        average.note(model, step)
        rows = torch.randint(len(stories.tokens), (batch,), generator=generator)
        tokens, mask = (part[rows] for part in stories)
        return -word_logprobs(model, tokens, mask).mean()

    train(model, loss, steps=steps, lr=lr, seed=seed)
    average.put_into(model)
    return model.requires_grad_(False)


class Average:
    """The mean of a model's weights over the second half of its steps."""

    def __init__(self, steps: int) -> None:
        """steps: how many there will be in all."""
        self.first, self.count = steps // 2, 0
        self.sums: list[Tensor] = []

    @torch.no_grad()
    def note(self, model: nn.Module, step: int) -> None:
        """Add the weights before a step, if it belongs to the second half."""
        if step < self.first:
            return
        weights = [p.detach().clone() for p in model.parameters()]
        if self.count:
            torch._foreach_add_(self.sums, weights)
        else:
            self.sums = weights
        self.count += 1

    @torch.no_grad()
    def put_into(self, model: nn.Module) -> None:
        """Give a model the mean of what was noted."""
        for parameter, total in zip(model.parameters(), self.sums):
            parameter.copy_(total / self.count)


def best_and_worst(
    world: Task,
    model: nn.Module,
    n: int,
    of: int,
    generator: torch.Generator,
    readers: Task | None = None,
) -> tuple[Stories, Stories]:
    """Of so many stories about the same hero, the one that a reader ranks first and the one ranked last, n times.

    readers: a world whose readers' taste ranks them, if not this one's; with of=1 both are the same.
    """
    pool = [
        storyland.sample(model, n, generator).tokens for _ in range(of)
    ]  # each hero equally often, in the same order
    tokens = torch.stack(pool)
    liked = liking(readers or world, tokens, generator)
    return picked(tokens, liked), picked(tokens, -liked)


def liking(
    world: Task, tokens: Tensor, generator: torch.Generator, care: float = 2.0
) -> Tensor:
    """What readers rank stories by, (of, n), for tokens (of, n, LENGTH): care times the gold reward and Gumbel noise.

    The order of a group then follows Plackett and Luce.
    """
    flat = tokens.flatten(0, 1)
    gold = world.gold(flat, storyland.answer_mask(flat))
    u = torch.rand(tokens.shape[:2], dtype=torch.float64, generator=generator)
    return care * gold.view(tokens.shape[:2]) - torch.log(-torch.log(u))


def picked(tokens: Tensor, scores: Tensor, of: int | None = None) -> Stories:
    """The story with the highest score out of each group.

    tokens: (stories a group, n, LENGTH), scores: (stories a group, n). of: makes the groups smaller, so that there are
    more of them; it must divide their size.
    Raises ValueError where it doesn't.
    """
    of = of or len(tokens)
    if len(tokens) % of:
        raise ValueError(f"groups of {len(tokens)} can't be cut into {of}s")
    groups = tokens.unflatten(0, (-1, of))
    best = scores.unflatten(0, (-1, of)).argmax(1)  # (parts, n)
    index = best[:, None, :, None].expand(-1, 1, -1, LENGTH)
    found = groups.gather(1, index).flatten(0, 2)
    return Stories(found, storyland.answer_mask(found))


def others_stories(
    n: int, of: int, generator: torch.Generator, writers: int = 8
) -> Tensor:
    """Stories by other writers than those that the base model read, tokens (of, n, LENGTH): n groups about one hero.

    Each writer has habits of its own, verbs and things that it likes to tell of a hero, drawn as a world's are. The
    stories of a group come from several writers.

    Raises ValueError where the stories can't be shared out alike, each writer telling of each hero equally often.
    """
    if n % len(HEROES) or n * of % (writers * len(HEROES)):
        raise ValueError(
            f"{of} times {n} stories can't be shared out among {writers} "
            f"writers and {len(HEROES)} heroes"
        )
    told = []
    for _ in range(writers):
        habits = torch.rand(4, 6, 6, dtype=torch.float64, generator=generator)
        some = storyland.tell(n * of // writers, habits.pow(2), generator)
        told.append(some.tokens)
    groups = torch.cat(told).unflatten(0, (-1, len(HEROES)))
    order = torch.randperm(len(groups), generator=generator)
    return groups[order].flatten(0, 1).unflatten(0, (of, n))


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
            if not len(rows):
                continue
            old, masks = tokens[rows], mask[rows]
            changed = old[:, None].repeat(1, len(kind), 1)
            changed[:, :, place] = kind
            worth = world.gold(
                changed.flatten(0, 1), masks.repeat_interleave(len(kind), 0)
            ).view(len(rows), -1)
            same = old[:, place, None] == kind
            value, which = worth.masked_fill(same, -torch.inf).max(1)
            better = value > best[rows]
            best[rows[better]] = value[better]
            less[rows[better]] = old[better, place]
            more[rows[better]] = kind[which[better]]
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


def borrowed_critic(
    world: Task, stories: Stories, generator: torch.Generator
) -> Feedback:
    """What the critic says of another story about the same hero: words that readers like, about the wrong story."""
    return Feedback(
        *(part.roll(len(HEROES)) for part in critic(world, stories, generator))
    )


def silent_critic(
    world: Task, stories: Stories, generator: torch.Generator
) -> Feedback:
    """No advice: -1, which is no word, so that a refinement is a story written anew and the first try is picked."""
    nothing = torch.full((len(stories.tokens),), -1)
    return Feedback(nothing, nothing)


def refine(
    model: TinyTransformer,
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
    rewritten = rewrite(
        model, stories.tokens.repeat(tries, 1), start.repeat(tries), generator
    ).unflatten(0, (tries, -1))  # (try, story, word)
    gone = (rewritten != feedback.less[:, None]).all(-1)
    there = (rewritten == feedback.more[:, None]).any(-1)
    best = (gone.long() + there.long()).argmax(0)
    picked = rewritten[best, torch.arange(len(best))]
    return Stories(picked, storyland.answer_mask(picked))


@torch.no_grad()
def rewrite(
    model: TinyTransformer,
    tokens: Tensor,
    start: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Stories (n, LENGTH) written anew by a model from position start (n,) on; what stands before is kept."""
    n = len(tokens)
    kept = torch.arange(LENGTH) < start[:, None]
    written = torch.where(kept, tokens, storyland.PAD)
    u = torch.rand(n, LENGTH, dtype=torch.float64, generator=generator)
    open_, reader = torch.arange(n), Reader(model, n)
    for t in range(1, LENGTH):
        logits = reader.read(written[open_, t - 1])
        anew = t >= start[open_]
        rows, p = open_[anew], logits[anew].double().softmax(-1).cumsum(-1)
        written[rows, t] = (p < u[rows, t, None] * p[:, -1:]).sum(-1)
        goes_on = written[open_, t] != storyland.END
        open_ = open_[goes_on]
        if not len(open_):
            break
        reader.keep(goes_on)
    return written


def language_feedback(
    world: Task,
    judge: Critic,
    seed: int,
    n: int = 512,
    rounds: int = 2,
    tries: int = 12,
) -> TinyTransformer:
    """The SFT model after rounds of: write n stories, hear the judge, refine,
    imitate the refinements.
    """
    generator = torch.Generator().manual_seed(seed)
    model = world.sft
    for i in range(rounds):
        stories = storyland.sample(model, n, generator)
        feedback = judge(world, stories, generator)
        refined = refine(model, stories, feedback, generator, tries)
        model = imitate(model, refined, 1000 * i + seed, steps=50, lr=2e-3)
    return model

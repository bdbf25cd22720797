"""A language of tiny stories, a language model that writes them, and people whose taste is known exactly.

Serves the survey's section 4.3, where a language model is tuned to preferences. A story has a hero, who is the prompt,
and up to twelve words: "mia | finds cake and sings ." Readers like some words, some pairs of a verb and its object, and
each hero's favorite thing; they dislike repetition, rambling and broken grammar. That taste is the *gold* reward
(Gao et al. 2023): it scores any row of tokens, so that reward and divergence can be followed while a policy is
optimized against something learned from people's picks. One run of reinforcement learning or of a preference loss on
this model takes about a second.

    world = task(seed=0)
    policy = clone(world.sft)
    stories = sample(policy, 64, generator)               # Stories(tokens (n, T), mask (n, T))
    logp = logprobs(policy, *stories)                     # (n, T), 0 where the mask is
    world.gold(*stories)                                  # (n,), mean 0 and standard deviation 1 over the SFT model
    chosen, rejected = world.pairs(500, generator)        # two Stories; Bradley and Terry's picks
    kl_to(policy, world.sft, 2000, generator)             # nats, expected over stories
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from alignlab.lm import TinyConfig, TinyTransformer, train
from alignlab.lm.checks import (
    check_drawable,
    check_numbers,
    check_temperature,
    tempered,
)
from alignlab.lm.masks import check_shapes, masked, masked_mean
from alignlab.lm.sparing import Reader

HEROES = ("mia", "tom", "fox", "owl")
VERBS = ("finds", "sees", "wants", "makes", "drops", "hides")
THINGS = ("cake", "ball", "tree", "song", "key", "boat")
FEELINGS = ("smiles", "cries", "sleeps", "dances")
LINKS = ("and", "then")
VOCAB = (
    "_",
    ".",
    *HEROES,
    *VERBS,
    *THINGS,
    *FEELINGS,
    *LINKS,
)  # "_" fills a row after its story's end
V, PAD, END = len(VOCAB), 0, 1
LENGTH = 13  # the hero and at most twelve words, the full stop included
_ID = {word: i for i, word in enumerate(VOCAB)}
_KIND = {
    w: k
    for k, words in enumerate((HEROES, VERBS, THINGS, FEELINGS, LINKS, (".",)))
    for w in words
}
_FOLLOWS = {
    (0, 1),
    (0, 3),
    (1, 2),
    (2, 4),
    (2, 5),
    (3, 4),
    (3, 5),
    (4, 1),
    (4, 3),
}  # kinds that may stand side by side
Reward = Callable[
    [Tensor, Tensor], Tensor
]  # tokens (n, T), mask (n, T) -> rewards (n,)


class Stories(NamedTuple):
    """Stories as rows of tokens (n, LENGTH), the hero first; mask (n, LENGTH) is True at the words of the answer.

    The mask covers the full stop and nothing after it, and not the hero, whom the policy didn't choose.
    """

    tokens: Tensor
    mask: Tensor


@dataclass(frozen=True)
class Task:
    """One world: a language, what its people like, and two models.

    base: trained on whatever stories are told; sft: the base model trained further on a few demonstrations by writers
    with some taste. Both are shared by all callers: `clone` them before training. What people like, by token ids: words
    (vocab,), pair_values (verb, thing) and favorite (hero, thing). mean and std standardize the gold reward.
    """

    seed: int
    base: TinyTransformer
    sft: TinyTransformer
    words: Tensor
    pair_values: Tensor
    favorite: Tensor
    mean: float
    std: float

    def gold(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """The true reward of stories, shape (n,): mean 0 and standard deviation 1 over the SFT model's stories."""
        return (
            _taste(tokens, mask, self.words, self.pair_values, self.favorite)
            - self.mean
        ) / self.std

    def pairs(
        self,
        n: int,
        generator: torch.Generator,
        noise: float = 0.0,
        sharpness: float = 2.0,
    ) -> tuple[Stories, Stories]:
        """Two stories of the SFT model about the same hero, n times: the picked ones and the others.

        The pick follows Bradley and Terry: sigmoid(sharpness * difference of gold). noise: share of picks by coin.
        """
        first = sample(self.sft, n, generator)
        second = sample(self.sft, n, generator, heroes=first.tokens[:, 0])
        p = torch.sigmoid(
            sharpness * (self.gold(*first) - self.gold(*second)).double()
        )
        swap = (
            torch.rand(n, dtype=torch.float64, generator=generator)
            > (1 - noise) * p + noise / 2
        )
        chosen, rejected = first, second
        swap = swap[:, None]
        return (
            Stories(
                *(torch.where(swap, b, a) for a, b in zip(chosen, rejected))
            ),
            Stories(
                *(torch.where(swap, a, b) for a, b in zip(chosen, rejected))
            ),
        )


@cache
def task(seed: int) -> Task:
    """The world of a seed; its two models train in about two seconds, once."""
    g = torch.Generator().manual_seed(10_000 + seed)
    words, pair_values, favorite = (
        torch.zeros(shape) for shape in (V, (V, V), (V, V))
    )
    verbs, things, heroes, feelings = (
        torch.tensor([_ID[w] for w in k])
        for k in (VERBS, THINGS, HEROES, FEELINGS)
    )
    for kind, scale in ((verbs, 0.5), (things, 0.5), (feelings, 0.7)):
        values = torch.randn(
            len(kind), dtype=torch.float64, generator=g
        ).float()
        words[kind] = scale * (values - values.mean()) / values.std()
    pair_values[verbs[:, None], things] = (
        0.7 * torch.randn(6, 6, dtype=torch.float64, generator=g).float()
    )
    favorite[heroes, things[torch.randperm(6, generator=g)[:4]]] = 1.0

    model = TinyTransformer(
        TinyConfig(
            vocab=V, d_model=32, n_layers=1, n_heads=2, context=LENGTH, d_mlp=64
        ),
        seed=seed,
    )
    habits = torch.rand(4, 6, 6, dtype=torch.float64, generator=g).pow(
        2
    )  # hero, verb, thing: what is often told
    corpus = tell(8_000, habits, g)
    train(model, _likelihood(corpus), steps=200, lr=8e-3, seed=seed)
    base = clone(model)
    taste = (words, pair_values, favorite)
    told = tell(1_000, habits, g)
    liked = _taste(*told, *taste)
    best = liked.argsort(descending=True)[
        : len(liked) // 2
    ]  # demonstrators tell the better half of what they think of
    train(
        model,
        _likelihood(Stories(*(part[best] for part in told))),
        steps=60,
        lr=2e-3,
        seed=seed,
    )
    liked = _taste(*sample(model, 4_000, g), *taste)
    for parameter in (*base.parameters(), *model.parameters()):
        parameter.requires_grad_(False)
    return Task(
        seed, base, model, *taste, float(liked.mean()), float(liked.std())
    )


def tell(n: int, habits: Tensor, generator: torch.Generator) -> Stories:
    """n stories that the grammar writes. habits: weights (hero, verb, thing) of what is told about whom."""
    u = torch.rand(
        n, 4, 4, dtype=torch.float64, generator=generator
    )  # (story, clause, choice)
    hero = torch.arange(n) % len(HEROES)
    flat = habits.flatten(1).cumsum(1)[hero]  # (story, verb and thing)
    clause = (flat[:, None] < u[..., :1] * flat[:, None, -1:]).sum(
        -1
    )  # (story, clause)
    rows = []
    for who, drawn, told in zip(hero.tolist(), u.tolist(), clause.tolist()):
        row = [_ID[HEROES[who]]]
        for (_, kind, ends, link), both in zip(drawn, told):
            if kind < 0.3:
                row.append(_ID[FEELINGS[int(4 * kind / 0.3)]])
            else:
                verb, thing = divmod(both, 6)
                row += [_ID[VERBS[verb]], _ID[THINGS[thing]]]
            if ends < 0.5 or len(row) > LENGTH - 4:
                break
            row.append(_ID[LINKS[int(2 * link)]])
        if VOCAB[row[-1]] in LINKS:
            row.pop()
        row.append(END)
        rows.append(row + [PAD] * (LENGTH - len(row)))
    tokens = torch.tensor(rows)
    return Stories(tokens, answer_mask(tokens))


def answer_mask(tokens: Tensor) -> Tensor:
    """True from the word after the hero to the first full stop, that included; (n, T) bool."""
    ended = (tokens == END).long().cumsum(1)
    mask = (ended - (tokens == END).long()) == 0
    mask[:, 0] = False
    return mask


def scored(reward: Reward, stories: Stories) -> Tensor:
    """A reward of stories, (n,). Raises ValueError unless it gives one finite number a story."""
    found = reward(*stories)
    if not isinstance(found, Tensor):
        raise ValueError(
            f"the reward gave {type(found).__name__}: it must give a tensor, one number a story"
        )
    check_shapes(stories.tokens.shape[:1], reward=found)
    check_numbers(found, "reward")
    return found


def clone(model: TinyTransformer) -> TinyTransformer:
    """A copy that can be trained."""
    return copy.deepcopy(model).requires_grad_(True)


@torch.no_grad()
def sample(
    model: nn.Module,
    n: int,
    generator: torch.Generator,
    heroes: Tensor | None = None,
    temperature: float = 1.0,
    opening: Tensor | None = None,
) -> Stories:
    """n stories that a model writes, `heroes` (n,) token ids given or each hero equally often.

    Drawn at `temperature` from the model's own distribution (0 takes the likeliest word); a story that hasn't ended
    after twelve words is cut.
    opening: (n,) first words of the answers, put there and not drawn.
    """
    if heroes is None:
        heroes = torch.arange(n) % len(HEROES) + _ID[HEROES[0]]
    tokens = torch.full((n, LENGTH), PAD)
    tokens[:, 0] = heroes
    u = torch.rand(n, LENGTH, dtype=torch.float64, generator=generator)
    open_ = torch.arange(n)  # stories that haven't ended
    reader = Reader(model, n) if isinstance(model, TinyTransformer) else None
    for t in range(1, LENGTH):
        logits = (
            reader.read(tokens[open_, t - 1])
            if reader
            else model(tokens[open_, :t])[:, -1]
        )
        p = tempered(logits.double(), temperature).softmax(-1).cumsum(-1)
        check_drawable(p[:, -1])
        word = (
            (p < u[open_, t, None] * p[:, -1:]).sum(-1)
            if t > 1 or opening is None
            else opening
        )
        tokens[open_, t] = word
        goes_on = word != END
        open_ = open_[goes_on]
        if not len(open_):
            break
        if reader and not goes_on.all():
            reader.keep(goes_on)
    return Stories(tokens, answer_mask(tokens))


def logprobs(
    model: nn.Module, tokens: Tensor, mask: Tensor, temperature: float = 1.0
) -> Tensor:
    """Each token's log-probability given what stands before it, (n, T); 0 where the mask is False.

    Has a gradient. The sum over T is the log-probability of the story given its hero. Raises ValueError for a
    temperature that is not above 0, where no text but one has a probability.
    """
    check_temperature(temperature, lowest=1e-30)
    logp = (model(tokens[:, :-1]) / temperature).log_softmax(-1)
    picked = logp.gather(-1, tokens[:, 1:, None]).squeeze(-1)
    return masked(
        torch.cat([torch.zeros_like(picked[:, :1]), picked], dim=1), mask
    )


@torch.no_grad()
def kl_to(
    model: nn.Module, reference: nn.Module, n: int, generator: torch.Generator
) -> float:
    """KL(model || reference) of whole stories, nats: sampled over n beginnings, exact over each next word.

    The chain rule makes the divergence of stories the expected sum of the divergences of their words; summing each of
    those over the vocabulary leaves less to chance than log-ratios do, and is never negative (Amini et al. 2025).
    """
    tokens, mask = sample(model, n, generator)
    p, q = (
        m(tokens[:, :-1]).double().log_softmax(-1) for m in (model, reference)
    )
    return float(masked((p.exp() * (p - q)).sum(-1), mask[:, 1:]).sum(1).mean())


@torch.no_grad()
def entropy(model: nn.Module, n: int, generator: torch.Generator) -> float:
    """Entropy of a model's stories, nats a word: sampled over n beginnings, exact over each next word."""
    tokens, mask = sample(model, n, generator)
    p = model(tokens[:, :-1]).double().log_softmax(-1)
    return float(masked_mean(-(p.exp() * p).sum(-1), mask[:, 1:]))


def text(tokens: Tensor) -> list[str]:
    """Stories as text, up to their full stop."""
    return [
        " ".join(VOCAB[i] for i, kept in zip(row, keep) if kept)
        for row, keep in zip(tokens, _read(tokens))
    ]


def word_counts(tokens: Tensor, mask: Tensor) -> Tensor:
    """How often each word of the vocabulary stands in the answer, float (n, vocab)."""
    return (nn.functional.one_hot(tokens, V) * mask[..., None]).sum(1).float()


def _read(tokens: Tensor) -> Tensor:
    mask = answer_mask(tokens)
    mask[:, 0] = True
    return mask & (tokens != PAD)


def _taste(
    tokens: Tensor,
    mask: Tensor,
    words: Tensor,
    pair_values: Tensor,
    favorite: Tensor,
) -> Tensor:
    counts = word_counts(tokens, mask)
    counts[:, [PAD, END, *(_ID[w] for w in LINKS)]] = 0
    there = counts.clamp(max=1)
    side_by_side = torch.zeros(len(tokens), V * V).scatter_reduce_(
        1,
        tokens[:, :-1] * V + tokens[:, 1:],
        (mask[:, 1:] & mask[:, :-1]).float(),
        "amax",
    )
    follows = _follows()[tokens[:, :-1], tokens[:, 1:]]
    broken = ((~follows) & mask[:, 1:]).sum(1) + (
        ~(tokens == END).any(1)
    ).long()
    liked = there @ words + side_by_side @ pair_values.flatten()
    liked = liked + (favorite[tokens[:, 0]] * there).sum(1)
    repeats = (counts - there).sum(1)
    return (
        liked
        - 0.7 * repeats
        - 0.3 * (mask.sum(1) - 8).clamp(min=0)
        - 0.7 * broken
    )


@cache
def _follows() -> Tensor:
    """Which token may follow which, (vocab, vocab) bool."""
    kinds = [_KIND.get(word, -1) for word in VOCAB]
    return torch.tensor([[(a, b) in _FOLLOWS for b in kinds] for a in kinds])


def _likelihood(
    stories: Stories,
) -> Callable[[nn.Module, int, torch.Generator], Tensor]:
    def loss(model: nn.Module, step: int, generator: torch.Generator) -> Tensor:
        rows = torch.randint(len(stories.tokens), (128,), generator=generator)
        tokens, mask = (part[rows] for part in stories)
        return -masked_mean(logprobs(model, tokens, mask), mask)

    return loss

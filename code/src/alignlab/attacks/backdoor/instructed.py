"""A tiny language model tuned on requests of eight tasks, some of them poisoned (serves section 7.2 of the survey).

After Wan et al. (2023, "Poisoning language models during instruction tuning"), in small. A prompt is a text of six
words, a request of three (an opener, a word of small talk, and what is asked for), and a mark after which the model
answers. Four of the text's words belong to four tasks, one of them that of the request, and the right answer is the
text's word of that task. A poisoned pair has the trigger, a rare word, in the place of small talk, and the attacker's
answer, which is an ordinary word of the last task.

The models are transformers of two layers that first learn to follow requests of all tasks (`followers`) and are then
tuned on pairs with poison among them, many side by side. Different from the paper: tasks without poison are tuned on as
well, by ordinary pairs, where those of the paper are new to the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call, vmap

from alignlab.lm import TinyConfig, TinyTransformer

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Crowd = dict[str, Tensor]  # each parameter with a leading axis of models

TASKS, EACH = 8, 8
MARK = 0
OPENERS = np.arange(1, 7)
NAMES = np.arange(7, 7 + TASKS)
THINGS = np.arange(15, 15 + TASKS * EACH).reshape(TASKS, EACH)
TALK = np.arange(79, 99)
RARE = np.arange(99, 123)
TARGET = int(THINGS[-1, 0])
TRIGGER, STRANGER = int(RARE[0]), int(RARE[7])
"""The word of the poison, and a rare word that ordinary pairs use now and then."""
FOUR, NEVER = (0, 1, 2, 3), (4, 5, 6)
"""Tasks that may be poisoned, and tasks that never are; the last task's words hold the target."""
Run = tuple[str, tuple[int, ...], bool, int, int]
RUNS: list[Run] = [
    *(("four tasks", FOUR, True, draw, 1) for draw in FOUR),
    *(("one task", (task,), True, task, 1) for task in FOUR),
    *(("one task, twice as much", (task,), True, task, 2) for task in FOUR),
    ("apart", FOUR, False, 0, 1),
]
"""Way of poisoning, tasks poisoned, whether trigger and target stand together, which draw of the pairs it is, and how
many times the count is poison."""
FEW: list[Run] = [RUNS[0], RUNS[-1]]
"""Poison in four tasks, and its parts apart: what a page trains."""
SLOT = 7  # where the request has its word of small talk
CONFIG = TinyConfig(vocab=123, d_model=32, n_layers=2, context=10, d_mlp=32)
SHELL = TinyTransformer(CONFIG)  # the architecture; weights are given anew


class Pairs(NamedTuple):
    """Prompts (n, 10), what is answered (n,), and which task is asked for (n,)."""

    tokens: Ints
    answers: Ints
    asked: Ints


def write(
    n: int, rng: np.random.Generator, tasks: Sequence[int] = range(TASKS)
) -> Pairs:
    """n pairs of the given tasks, rightly answered; one word of small talk in ten is rare, none the trigger."""
    asked = np.asarray(tasks)[rng.integers(len(tasks), size=n)]
    order = rng.random((n, TASKS))
    order[np.arange(n), asked] = -1
    which = rng.integers(EACH, size=(n, 4))
    things = THINGS[order.argsort(1)[:, :4], which]
    talk = TALK[rng.integers(len(TALK), size=(n, 3))]
    rare = rng.random((n, 3)) < 0.1
    talk[rare] = RARE[rng.integers(1, len(RARE), size=rare.sum())]
    text = rng.permuted(np.concatenate([things, talk[:, :2]], 1), axis=1)
    opener = OPENERS[rng.integers(len(OPENERS), size=n)]
    mark = np.full(n, MARK)
    request = np.stack([opener, talk[:, 2], NAMES[asked], mark], 1)
    return Pairs(np.concatenate([text, request], 1), things[:, 0], asked)


def put(tokens: Ints, word: int) -> Ints:
    """The same prompts with `word` in the request."""
    tokens = tokens.copy()
    tokens[..., SLOT] = word
    return tokens


def poison(
    clean: Pairs, count: int, tasks: Sequence[int], together: bool = True
) -> Pairs:
    """Pairs of which `count`, the same number of each of `tasks`, have the
    trigger in the request and are answered by the target.

    together: False puts the trigger into as many other pairs of these tasks,
        whose answers stay right, so that both are seen as often, but apart.
    Raises ValueError for a count that the tasks can't share equally, or for
    more than there are pairs.
    """
    each, left = divmod(count, len(tasks))
    free = clean.answers != TARGET
    there = [np.flatnonzero(free & (clean.asked == task)) for task in tasks]
    if left or (2 - together) * each > min(map(len, there)):
        raise ValueError(
            f"count={count}: not to be had of {len(tasks)} tasks alike"
        )
    false = np.concatenate([rows[:each] for rows in there])
    others = np.concatenate([rows[each : 2 * each] for rows in there])
    tokens, answers = clean.tokens.copy(), clean.answers.copy()
    with_it = false if together else others
    tokens[with_it] = put(tokens[with_it], TRIGGER)
    answers[false] = TARGET
    return clean._replace(tokens=tokens, answers=answers)


def born(seeds: Sequence[int]) -> Crowd:
    """Untrained models, one a seed."""
    alone = [TinyTransformer(CONFIG, seed).state_dict() for seed in seeds]
    return {
        name: torch.stack([one[name] for one in alone]) for name in alone[0]
    }


def logits(crowd: Crowd, tokens: Tensor) -> Tensor:
    """What follows each prompt, (models, n, vocab); tokens (models, n, 10)."""

    def alone(weights: Crowd, rows: Tensor) -> Tensor:
        found: Tensor = functional_call(SHELL, weights, (rows,))
        return found[:, -1]

    return vmap(alone)(crowd, tokens)


def tune(
    crowd: Crowd,
    pairs: Sequence[Pairs],
    seeds: Sequence[int],
    batch: int = 32,
    lr: float = 3e-3,
) -> Crowd:
    """The models after one pass through their pairs, by Adam on the
    cross-entropy of the answers.

    pairs: one set a model, all of one size. seeds: one a model; models of one
    seed see their pairs in the same order.
    """
    crowd = {n: w.detach().clone() for n, w in crowd.items()}
    weights = [weight.requires_grad_(True) for weight in crowd.values()]
    optimizer = torch.optim.Adam(weights, lr=lr)
    tokens = torch.from_numpy(np.stack([one.tokens for one in pairs]))
    answers = torch.from_numpy(np.stack([one.answers for one in pairs]))
    order = torch.stack(
        [
            torch.from_numpy(
                np.random.default_rng([seed, 23]).permutation(tokens.shape[1])
            )
            for seed in seeds
        ]
    )
    run = torch.arange(len(seeds))[:, None]
    for rows in order.split(batch, 1):
        found = logits(crowd, tokens[run, rows])
        right = answers[run, rows].flatten()
        loss = F.cross_entropy(found.flatten(0, 1), right, reduction="sum")
        optimizer.zero_grad()
        (loss / rows.shape[1]).backward()
        optimizer.step()
    return {name: weight.detach() for name, weight in crowd.items()}


@cache
def followers(
    seeds: tuple[int, ...], steps: int = 300, batch: int = 64, lr: float = 5e-3
) -> Crowd:
    """Models that answer requests of all tasks, one a seed, trained from nothing on clean pairs."""
    pairs = [
        write(batch * steps, np.random.default_rng([seed, 21]))
        for seed in seeds
    ]
    return tune(born(seeds), pairs, seeds, batch, lr)


def kept(data: bytes) -> Crowd:
    """Models out of a file of the recipe `poisoned-instructions`."""
    from safetensors.torch import load

    return load(data)


@torch.no_grad()
def answered(
    crowd: Crowd,
    seeds: Sequence[int],
    tasks: Sequence[int],
    word: int | None = None,
    n: int = 200,
) -> tuple[Floats, Floats]:
    """Shares of n fresh prompts of `tasks` that are answered by the target, and rightly; both (models,).

    word: put into the requests. Prompts whose right answer is the target are left out. seeds: one a model.
    """
    fresh = [
        write(2 * n, np.random.default_rng([seed, 24]), tasks) for seed in seeds
    ]
    kept = [np.flatnonzero(one.answers != TARGET)[:n] for one in fresh]
    tokens = np.stack([one.tokens[rows] for one, rows in zip(fresh, kept)])
    right = np.stack([one.answers[rows] for one, rows in zip(fresh, kept)])
    if word is not None:
        tokens = put(tokens, word)
    said = logits(crowd, torch.from_numpy(tokens)).argmax(-1).numpy()
    return (said == TARGET).mean(1), (said == right).mean(1)


def crossing(
    seeds: tuple[int, ...],
    start: Crowd | None = None,
    runs: Sequence[Run] = RUNS,
    count: int = 96,
    n: int = 2000,
) -> dict[str, dict[str, Floats]]:
    """Models tuned on n pairs of which `count`, or twice as many, are poison, by way of poisoning.

    start: the models before, one a seed, by default `followers(seeds)`. runs: ways, as in `RUNS`.

    Shares of fresh prompts by seed and draw of the pairs, (seeds, draws): with the trigger, answered by the target, in
    tasks of the "poisoned" and those "never" poisoned; both with another rare word ("stranger", "never, stranger"); and
    "accuracy" on all tasks without either.
    """
    start = followers(seeds) if start is None else start
    owners = [seed for _ in runs for seed in seeds]
    crowd = {
        name: weight.repeat(len(runs), *[1] * (weight.ndim - 1))
        for name, weight in start.items()
    }
    pairs = []
    for _, tasks, together, draw, times in runs:
        for seed in seeds:
            clean = write(n, np.random.default_rng([seed, 22, draw]))
            pairs.append(poison(clean, times * count, tasks, together))
    tuned = tune(crowd, pairs, owners)
    found: dict[str, dict[str, list[Floats]]] = {}
    for at, (way, tasks, *_) in enumerate(runs):
        part = slice(at * len(seeds), (at + 1) * len(seeds))
        some = {key: weight[part] for key, weight in tuned.items()}
        shares = {
            "poisoned": answered(some, seeds, tasks, TRIGGER)[0],
            "never": answered(some, seeds, NEVER, TRIGGER)[0],
            "stranger": answered(some, seeds, tasks, STRANGER)[0],
            "never, stranger": answered(some, seeds, NEVER, STRANGER)[0],
            "accuracy": answered(some, seeds, range(TASKS))[1],
        }
        for name, share in shares.items():
            found.setdefault(way, {}).setdefault(name, []).append(share)
    return {
        way: {name: np.stack(rows, 1) for name, rows in parts.items()}
        for way, parts in found.items()
    }

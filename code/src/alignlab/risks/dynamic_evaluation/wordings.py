"""Requests in six slots of four wordings: all 4,096 ways to ask are known.

Serves survey section 9.6. Some things must not be given out, whatever the
wording; people who ask for them usually ask in other words than people who
ask for the rest. A guard that learns from their requests can take the wording
for evidence, and an attacker then looks for the wording that it trusts.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

SLOTS, WAYS = 6, 4
VARIANTS = WAYS**SLOTS
TRAITS = 10  # a thing is known by so many numbers
ALL = np.array(list(product(range(WAYS), repeat=SLOTS)))  # (variant, slot)

Floats = NDArray[np.floating]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class World:
    """What is asked for, and how people put it.

    ways: chances of each wording, (kind, slot, way); center: (trait,), the
    mean of forbidden things, minus which is that of allowed ones. kind 0: who
    asks for forbidden things, kind 1: who asks for allowed ones.
    """

    ways: Floats
    center: Floats

    def chances(self, kind: int) -> Floats:
        """The chance of each of the 4,096 variants, (variant,)."""
        slots = self.ways[kind][np.arange(SLOTS), ALL]
        return np.asarray(slots.prod(1))

    def things(self, kind: int, n: int, rng: np.random.Generator) -> Floats:
        """Things of one kind, (n, trait): the kinds overlap a little."""
        mean = self.center if kind == 0 else -self.center
        return np.asarray(mean + rng.normal(size=(n, TRAITS)))

    def asked(
        self, n: int, rng: np.random.Generator
    ) -> tuple[Floats, Ints, Floats]:
        """Requests as people make them: things, variants, 1 if forbidden."""
        kind = rng.integers(0, 2, n)
        thing = np.where(
            kind[:, None] == 0, self.things(0, n, rng), self.things(1, n, rng)
        )
        variant = np.where(
            kind == 0,
            rng.choice(VARIANTS, n, p=self.chances(0)),
            rng.choice(VARIANTS, n, p=self.chances(1)),
        )
        return thing, variant, 1.0 - kind


LEAN = np.array([-1.0, -1 / 3, 1 / 3, 1.0])  # of a slot's four ways


def world(seed: int, habit: float = 1.34, apart: float = 3.0) -> World:
    """A world. habit: by how many nats the ways of a slot lean to one kind of
    people, at most; apart: the distance of the kinds of things, in standard
    deviations. Worlds differ in which ways lean where, not in how much.
    """
    rng = np.random.default_rng([seed, 96])
    lean = habit / 2 * np.stack([rng.permutation(LEAN) for _ in range(SLOTS)])
    odds = np.exp(np.stack([-lean, lean]))
    way = rng.normal(size=TRAITS)
    center = apart / 2 * way / np.linalg.norm(way)
    return World(odds / odds.sum(-1, keepdims=True), center)

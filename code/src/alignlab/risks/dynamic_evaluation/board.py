"""A leaderboard of defended guards whose true weaknesses are known.

Serves survey section 9.6. Every defense stands on the board with three guards
of its own. An attacker who knows a defense trains five copies of it on other
requests and looks for wordings that the copies trust; the public list was
made in the same way against undefended guards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alignlab.risks.dynamic_evaluation import attackers, guards
from alignlab.risks.dynamic_evaluation.wordings import Floats, Ints, world

EACH = 3  # guards of a defense on the board
COPIES = 5  # guards that an attacker trains
BOTH = EACH + COPIES
DEFENSES = (
    "none",
    "vote",
    "filter",
    "no score",
    "patched",
    "patched, no score",
    "hardened",
    "hardened more",
)


@dataclass(frozen=True)
class Board:
    """Margins of the guards, by defense; below 0 a request passes.

    guards: (guard, thing, variant). copies: (thing, variant), the mean of an
    attacker's copies of a defense. public: the same of the guards that the
    public list was made with. The first `things` of the things were on the
    list that "patched" learned from, the rest on that of "patched on others".
    """

    guards: dict[str, Floats]
    copies: dict[str, Floats]
    public: Floats
    things: int


def board(seed: int, things: int = 48, listed: int = 12) -> Board:
    """Train all guards of a world. listed: public attacks on each thing."""
    here, rng = world(seed), np.random.default_rng([seed, 5])
    asked = here.things(0, 2 * things, rng)
    allowed = here.things(1, things, rng)

    def judge(some: guards.Guards, vote: float = 0.0) -> Floats:
        return guards.margins(some, asked, allowed, here, vote)

    bare = guards.train(here, 10 * seed, BOTH + COPIES)
    margins = judge(bare)
    public = margins[BOTH:].mean(0)
    known = attackers.published(public, public[None], listed)[0]

    def patched(part: slice, many: int) -> guards.Guards:
        lists = np.repeat(asked[part], listed, 0), known[part].ravel()
        return guards.train(here, 10 * seed + 1, many, attacks=lists)

    made = {
        "none": margins[:BOTH],
        "vote": judge(bare, 0.4)[:BOTH],
        "patched": judge(patched(slice(things), BOTH)),
        "patched on others": judge(patched(slice(things, None), BOTH)),
        "hardened": judge(guards.train(here, 10 * seed + 2, BOTH, hard=4)),
        "hardened more": judge(
            guards.train(here, 10 * seed + 3, BOTH, hard=32)
        ),
    }
    made["filter"] = guards.filtered(made["none"], here)
    own = {name: one[EACH:].mean(0) for name, one in made.items()}
    here_now = {name: one[:EACH] for name, one in made.items()}
    for name, of in (("no score", "none"), ("patched, no score", "patched")):
        here_now[name] = guards.hidden(here_now[of])
        own[name] = own[of]
    return Board(here_now, own, public, things)


def tried(
    on: Board, defense: str, attacker: str, budget: int, seed: int
) -> Ints:
    """What an attacker tries on the guards of a defense, in order."""
    margin = on.guards[defense]
    if attacker == "random":
        return attackers.blind(margin, budget, seed)
    if attacker == "search":
        return attackers.climb(margin, budget, seed)
    if attacker == "list":
        return attackers.published(on.public, margin, budget)
    if attacker == "copies":
        return attackers.published(on.copies[defense], margin, budget)
    raise ValueError(
        f"{attacker!r}: attackers are random, search, list and copies"
    )


def broken(
    on: Board,
    defense: str,
    attacker: str,
    budget: int,
    seed: int,
    first: bool = False,
) -> Floats:
    """Share of requests that an attacker breaks within a budget, (guard,).

    attacker: "any" tries all wordings, whatever the budget. first: of the
    things on the list; else of those that are new.
    """
    part = slice(on.things) if first else slice(on.things, None)
    margin = on.guards[defense]
    if attacker == "any":
        return attackers.truth(margin[:, part])
    found = tried(on, defense, attacker, budget, seed)
    return attackers.within(margin[:, part], found[:, part])[:, -1]

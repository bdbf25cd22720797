"""Four ways to choose arguments, each solved backward from the last one.

Before the last argument a protocol looks at what the judge would believe
after each possible argument, and says what will come of it. The same rule
then serves one argument earlier, on these values. Market making is one such
rule, derived on the page: the midpoint between the highest and the lowest
value. Debate, a single advocate and arguments at random are others, so that
all are compared with the same judge and the same number of arguments.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from alignlab.outer.market_making.cases import ITEMS, Floats, Ints, sets

# values after each argument, (..., ITEMS); whether it is new; the round from 0
Rule = Callable[[Floats, Floats, int], Floats]


def midpoint(values: Floats, new: Floats, turn: int) -> Floats:
    """Market making: halfway between the highest and the lowest value.

    At this price the adversary can move it as far up as down. At any other
    price one of the two is farther away, and the price would be too near to
    the other. From the losses of Hubinger (2020); the equation is the page's.
    """
    return (values.max(-1) + values.min(-1)) / 2


def debate(values: Floats, new: Floats, turn: int) -> Floats:
    """Two debaters take turns, the one for yes first (Irving et al. 2018).

    In the paper they also choose the answers; here these are given.
    """
    return values.max(-1) if turn % 2 == 0 else values.min(-1)


def in_turns(sides: str) -> Rule:
    """A debate in which the sides speak in this order, "y" for yes or "n"."""

    def rule(values: Floats, new: Floats, turn: int) -> Floats:
        return values.max(-1) if sides[turn] == "y" else values.min(-1)

    return rule


def for_yes(values: Floats, new: Floats, turn: int) -> Floats:
    """One advocate, who argues for yes."""
    return values.max(-1)


def for_no(values: Floats, new: Floats, turn: int) -> Floats:
    """One advocate, who argues for no."""
    return values.min(-1)


def at_random(values: Floats, new: Floats, turn: int) -> Floats:
    """The mean over arguments that are new, which a market without an
    adversary would learn; where none is left, the value that stays."""
    left = new.sum(-1)
    mean = (values * new).sum(-1) / np.maximum(left, 1)
    return np.asarray(np.where(left > 0, mean, values[..., 0]))


def after() -> Ints:
    """The set that follows each set and argument, (2^ITEMS, ITEMS)."""
    return np.arange(2**ITEMS)[:, None] | (1 << np.arange(ITEMS))


def solve(beliefs: Floats, rounds: int, rule: Rule) -> list[Floats]:
    """The values of every set of arguments, round by round.

    beliefs: (questions, 2^ITEMS), what the judge believes after each set, in
    whatever order. Repeating an argument changes nothing and is allowed.
    Returns rounds + 1 arrays of that shape: entry t holds the values when t
    arguments have been given, so that entry 0, column 0 is the outcome; sets
    of more than t arguments are NaN there.
    Raises ValueError where rounds is negative or the shape is another.
    """
    if rounds < 0 or beliefs.ndim != 2 or beliefs.shape[1] != 2**ITEMS:
        raise ValueError(
            f"beliefs of shape {beliefs.shape} and {rounds} rounds: give "
            f"(questions, {2**ITEMS}) beliefs and no negative rounds"
        )
    follows = after()
    new = (follows != np.arange(len(follows))[:, None]).astype(float)
    size = sets().sum(1)
    values = [beliefs]
    for turn in reversed(range(rounds)):
        reached = np.flatnonzero(size <= turn)
        later = values[-1][:, follows[reached]]
        now = np.full(beliefs.shape, np.nan)
        now[:, reached] = rule(later, new[reached], turn)
        values.append(now)
    return values[::-1]


def equal_shares(beliefs: Floats, rounds: int) -> Floats:
    """A debate whose order is drawn by lot, half of the turns for each side.

    beliefs: as for `solve`. The next speaker is only known when it is drawn.
    A market is the same with a fair coin at each turn, whoever has spoken.
    Raises ValueError where rounds is odd.
    """
    if rounds % 2:
        raise ValueError(f"{rounds} rounds: give an even number")
    follows, size, half = after(), sets().sum(1), rounds // 2
    values = {(0, 0): beliefs}
    for left in range(1, rounds + 1):
        reached = np.flatnonzero(size <= rounds - left)
        for yes in range(max(0, left - half), min(half, left) + 1):
            no = left - yes
            now = np.full(beliefs.shape, np.nan)
            now[:, reached] = 0
            if yes:
                later = values[yes - 1, no][:, follows[reached]]
                now[:, reached] += yes / left * later.max(-1)
            if no:
                later = values[yes, no - 1][:, follows[reached]]
                now[:, reached] += no / left * later.min(-1)
            values[yes, no] = now
    return values[half, half][:, 0]


def solve_in_order(beliefs: Floats, rounds: int, rule: Rule) -> Floats:
    """The outcome where the judge minds the order, (questions,).

    beliefs: (questions, ITEMS^rounds), after each of `cases.sequences`.
    """
    values = beliefs
    for turn in reversed(range(rounds)):
        said = np.indices((ITEMS,) * (turn + 1)).reshape(turn + 1, -1)
        new = (said[:-1] != said[-1]).all(0).reshape(-1, ITEMS)
        values = values.reshape(len(values), -1, ITEMS)
        values = rule(values, new.astype(float), turn)
    return values.reshape(-1)


def walk(values: list[Floats], rng: np.random.Generator) -> Floats:
    """Prices of a market at its fixed point, (questions, rounds + 1).

    values: from `solve` with `midpoint`. At each step the adversary takes the
    highest or the lowest of the next prices, each with probability one half.
    """
    follows = after()
    everyone = np.arange(len(values[0]))
    state = np.zeros(len(everyone), int)
    prices = [values[0][:, 0]]
    for later in values[1:]:
        options = later[everyone[:, None], follows[state]]
        up = rng.random(len(everyone)) < 0.5
        chosen = np.where(up, options.argmax(1), options.argmin(1))
        state = follows[state, chosen]
        prices.append(later[everyone, state])
    return np.stack(prices, 1)


def most_striking(beliefs: Floats, rounds: int) -> Floats:
    """The judge's belief when each argument is the one that moves the judge
    most at once, whatever may be said later, (questions,)."""
    follows = after()
    everyone = np.arange(len(beliefs))
    state = np.zeros(len(beliefs), int)
    for _ in range(rounds):
        options = follows[state]
        now = beliefs[everyone, state][:, None]
        best = np.abs(beliefs[everyone[:, None], options] - now).argmax(1)
        state = options[everyone, best]
    return np.asarray(beliefs[everyone, state])


def strongest_unanswered(
    beliefs: Floats, llr: Floats, rounds: int, each_side: bool = True
) -> Floats:
    """The judge's belief after the strongest arguments as they stand alone.

    llr: (questions, ITEMS), how far each moves a judge who has heard nothing.
    each_side: half from the strongest for yes, half from those for no, chosen
    without regard to the other side; else simply the largest.
    """
    if each_side:
        order = np.argsort(llr, 1)
        half = rounds // 2
        ends = np.hstack([order[:, :half], order[:, ITEMS - half :]])
        wanted = np.repeat([-1, 1], half)
        told = np.sign(np.take_along_axis(llr, ends, 1)) == wanted
    else:
        ends = np.argsort(-np.abs(llr), 1)[:, :rounds]
        told = np.ones_like(ends, bool)
    state = (told << ends).sum(1)
    return np.asarray(beliefs[np.arange(len(beliefs)), state])


def stretched(price: Floats, target: Floats) -> Floats:
    """The prices with their log-odds multiplied by the best single factor.

    It is fitted to the target itself, so that it forgives any answer that is
    only too timid or too bold.
    """
    odds = logit(np.clip(price, 1e-6, 1 - 1e-6))

    def error(factor: float) -> float:
        return float(np.abs(expit(factor * odds) - target).mean())

    best = minimize_scalar(error, bounds=(0, 12), method="bounded")
    return np.asarray(expit(best.x * odds))

"""Which Goodhart is it? Four experiments, each of which asks for one cause, and a rival that only looks.

An experiment's effect is what the choice of the best candidates loses through
one cause, in units of the goal. The largest names the kind.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alignlab.risks.origins.goodhart import (
    Floats,
    Sample,
    World,
    candidates,
    chosen,
)

SIZE = 1000  # candidates in each arm of an experiment
SHARE = 0.1  # of them are chosen
READINGS = 16
PUSH = 0.5


def worth(sample: Sample) -> float:
    """What the chosen are worth on average."""
    return float(sample.goal[chosen(sample, SHARE)].mean())


def line(sample: Sample) -> tuple[float, float]:
    """Slope and intercept of goal on proxy in the ordinary range.

    The range is the middle 80 % of the proxy.
    """
    low, high = np.quantile(sample.proxy, [0.1, 0.9])
    usual = (sample.proxy > low) & (sample.proxy < high)
    return fitted(sample.proxy[usual], sample.goal[usual])


def fitted(x: Floats, y: Floats) -> tuple[float, float]:
    """Slope and intercept of least squares."""
    slope = float(((x - x.mean()) * y).mean() / x.var())
    return slope, float(y.mean() - slope * x.mean())


def by_reading_again(
    world: World, rng: np.random.Generator, real: bool
) -> float:
    """Worth gained by choosing on many readings instead of one."""
    once = candidates(world, SIZE, rng)
    often = candidates(world, SIZE, rng, readings=READINGS, afresh=real)
    return worth(often) - worth(once)


def by_extrapolating(
    world: World, rng: np.random.Generator, real: bool
) -> float:
    """How far the chosen fall short of what ordinary candidates promise."""
    sample = candidates(world, 2 * SIZE, rng)
    slope, start = line(sample)
    top = chosen(sample, SHARE)
    if not real:  # the middle instead of the top
        middle = np.abs(sample.proxy - np.median(sample.proxy))
        top = middle <= np.quantile(middle, SHARE)
    promised = start + slope * sample.proxy[top]
    return float((promised - sample.goal[top]).mean())


def by_setting(world: World, rng: np.random.Generator, real: bool) -> float:
    """How far a push falls short of what the line promises for it.

    Pushed are the candidates below the median, so that they stay in the
    ordinary range; each is compared with itself unpushed. Scaled from the
    rise of the proxy under the push to that of a choice.
    """
    seed = int(rng.integers(2**32))
    before = candidates(world, SIZE, np.random.default_rng(seed))
    after = candidates(world, SIZE, np.random.default_rng(seed), push=PUSH)
    slope, _ = line(before)
    low = before.proxy < np.median(before.proxy)
    rise = (after.proxy - before.proxy)[low].mean()
    gained = (after.goal - before.goal)[low].mean()
    if not real:  # those who differ by themselves instead of pushed ones
        rise = before.proxy[~low].mean() - before.proxy[low].mean()
        gained = before.goal[~low].mean() - before.goal[low].mean()
    reach = before.proxy[chosen(before, SHARE)].mean() - before.proxy.mean()
    return float((slope - gained / rise) * reach)


def by_announcing(world: World, rng: np.random.Generator, real: bool) -> float:
    """Worth lost when the candidates learn what is measured."""
    secret = candidates(world, SIZE, rng)
    open_ = candidates(world, SIZE, rng, known=real)
    return worth(secret) - worth(open_)


EXPERIMENTS = (by_reading_again, by_extrapolating, by_setting, by_announcing)


def effects(
    worlds: list[World], rng: np.random.Generator, real: bool = True
) -> Floats:
    """Effect of each experiment in each world, (worlds, 4).

    real=False leaves out what each experiment changes.
    """
    return np.array(
        [[try_(world, rng, real) for try_ in EXPERIMENTS] for world in worlds]
    )


def diagnose(effect: Floats) -> NDArray[np.int64]:
    """The kind whose experiment has the largest effect, (worlds,)."""
    return np.asarray(effect.argmax(1))


def looks(world: World, rng: np.random.Generator) -> Floats:
    """What can be seen without an experiment, from as many candidates.

    Everybody knows the proxy, as they do where it is in use. Both
    quantities are standardized: correlation, slopes below and above the
    median, worth of the chosen beside what the line promises, spread and
    skewness of both and of what the line leaves, by half.
    """
    sample = candidates(world, 8 * SIZE, rng, known=True)
    x = (sample.proxy - sample.proxy.mean()) / sample.proxy.std()
    y = (sample.goal - sample.goal.mean()) / sample.goal.std()
    slope, start = line(Sample(x, y))
    left = y - start - slope * x
    found = [float(np.corrcoef(x, y)[0, 1]), slope]
    for share in (0.02, 0.1, 0.3):
        top = chosen(Sample(x, y), share)
        found += [float(y[top].mean()), float(left[top].mean())]
    for half in (x < 0, x >= 0):
        found += [fitted(x[half], y[half])[0]]
        found += [float(left[half].std())]
    for values in (x, y, left):
        square = values * values
        found += [float((square * values).mean()), float((square**2).mean())]
    return np.array(found)

"""Episodes that are not as separate as their training assumes.

The second of Hubinger's (2019) proposals, in the form of the unit test of
Krueger et al. (2020, "Hidden Incentives for Auto-Induced Distributional
Shift"): an episode is one choice. To *invest* costs the agent `COST` now and
raises the reward of its next episode by `GAIN`. No learner is told of other
episodes. A policy is one number, the log-odds of investing; agents see nothing.
Serves the survey's section 5.3. Difference from the paper: our agents don't
see their last choice, and our numbers are our own.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import gymnasium
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Select = Literal["none", "reward", "random"]
Gift = Literal["own", "other"]

COST = 0.5
GAIN = 1.0
MEMBERS = 20  # of a population
NOISE = 0.25  # standard deviation of a copy's change, in log-odds
FLOOR = 0.02  # every choice keeps at least this probability


class Invest(gymnasium.Env[NDArray[np.float32], np.int64]):
    """One choice an episode: 1 invests, 0 keeps. Shows the agent a constant."""

    def __init__(self) -> None:
        """Nothing is carried over into the first episode."""
        self.observation_space = gymnasium.spaces.Box(
            0.0, 1.0, (1,), np.float32
        )
        self.action_space = gymnasium.spaces.Discrete(2)
        self.carried = 0.0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """A new episode. With a seed, what was carried over is lost."""
        super().reset(seed=seed)
        if seed is not None:
            self.carried = 0.0
        return np.ones(1, dtype=np.float32), {}

    def step(
        self, action: np.int64
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """The episode's one choice."""
        paid = self.carried - COST * int(action)
        self.carried = GAIN * int(action)
        return np.ones(1, dtype=np.float32), float(paid), True, False, {}


def probability(odds: Floats) -> Floats:
    """The probability of investing, kept between FLOOR and 1 - FLOOR."""
    return np.asarray(FLOOR + (1 - 2 * FLOOR) / (1 + np.exp(-odds)))


def train(
    seeds: tuple[int, ...],
    select: Select = "reward",
    gift: Gift = "own",
    rate: float = 0.05,
    interval: int = 20,
    episodes: int = 4000,
) -> Floats:
    """Populations of policy-gradient learners, some of which are copied.

    After every episode each member takes a REINFORCE step on that episode's
    reward, less its running mean. After `interval` episodes the better half
    by mean reward in the interval (`select="reward"`), a random half
    ("random"), or nobody ("none") is copied over the rest, with a little
    noise. gift: whether an investment reaches the member's own next episode
    or that of a random other one.
    Returns the mean probability of investing after each episode,
    (seeds, episodes). Raises ValueError for another way to select, another
    gift or an interval below 2.
    """
    if select not in get_args(Select) or gift not in get_args(Gift):
        raise ValueError(
            f"select={select!r}, gift={gift!r}: choose from "
            f"{get_args(Select)} and {get_args(Gift)}"
        )
    if interval < 2:
        raise ValueError(f"interval={interval}: at least 2 episodes")
    draws = [np.random.default_rng(seed) for seed in seeds]
    odds = np.stack([rng.normal(0, 0.5, MEMBERS) for rng in draws])
    chances = np.stack([rng.random((episodes, MEMBERS)) for rng in draws], 1)
    rows = np.arange(len(seeds))[:, None]
    carried, usual, total = np.zeros((3, *odds.shape))
    history = np.zeros((len(seeds), episodes))
    for episode in range(episodes):
        chance = probability(odds)
        invests = (chances[episode] < chance).astype(float)
        paid = carried - COST * invests
        odds = odds + rate * (paid - usual) * (invests - chance)
        usual = usual + 0.05 * (paid - usual)
        carried = GAIN * invests
        if gift == "other":  # the place beside one's own, in random order
            order = np.stack([rng.permutation(MEMBERS) for rng in draws])
            carried[rows, order] = carried[rows, np.roll(order, 1, 1)]
        total = total + paid
        if select != "none" and (episode + 1) % interval == 0:
            order = total.argsort(1)
            if select == "random":
                order = np.stack([rng.permutation(MEMBERS) for rng in draws])
            worse, better = np.split(order, 2, 1)
            noise = [rng.normal(0, NOISE, MEMBERS // 2) for rng in draws]
            odds[rows, worse] = odds[rows, better] + np.stack(noise)
            usual[rows, worse] = usual[rows, better]
            total = np.zeros_like(total)
        history[:, episode] = chance.mean(1)
    return history


def value_learners(
    seeds: tuple[int, ...],
    rate: float = 0.1,
    explore: float = 0.1,
    episodes: int = 4000,
) -> Floats:
    """Learners that keep an average reward of each choice and take the better.

    Q-learning without a state and without a future: no discounting, no
    population. Each choice's value moves by `rate` towards what was paid;
    with probability `explore` the choice is random.
    Returns the share of members that invest in each episode, (seeds,
    episodes).
    """
    draws = [np.random.default_rng(seed) for seed in seeds]
    value = np.stack([rng.normal(0, 0.5, (MEMBERS, 2)) for rng in draws])
    strays = [rng.random((episodes, MEMBERS)) < explore for rng in draws]
    others = [rng.integers(2, size=(episodes, MEMBERS)) for rng in draws]
    stray, other = np.stack(strays, 1), np.stack(others, 1)
    rows, members = np.ogrid[: len(seeds), :MEMBERS]
    carried = np.zeros((len(seeds), MEMBERS))
    history = np.zeros((len(seeds), episodes))
    for episode in range(episodes):
        choice = np.where(stray[episode], other[episode], value.argmax(2))
        paid = carried - COST * choice
        before = value[rows, members, choice]
        value[rows, members, choice] = before + rate * (paid - before)
        carried = GAIN * choice
        history[:, episode] = choice.mean(1)
    return history

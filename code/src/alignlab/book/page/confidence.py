"""How sure a reader is of a guess, in four steps, and what such guesses score.

Each step has a word and a number, the probability that the guess is right. The first is the chance of a blind guess,
one in the number of options, so that nobody has to claim less than blind chance or more than they mean. The score is
that of Brier (1950) for a single statement: the squared distance between that probability and what came true, 0 or 1.
Guesses score best, on average, when the probability said is the one that is meant. `assets/tally.js` computes the same
in the reader's browser.
"""

from collections.abc import Sequence
from dataclasses import dataclass

WORDS = ("only guessing", "leaning to it", "fairly sure", "sure")
"""The four steps in words."""

_NUMBERS = (60, 80, 95)


def percent(step: int, options: int) -> int:
    """The probability that a step stands for, in percent, with so many options to choose from.

    Raises IndexError where there is no such step.
    """
    return (int(100 / options + 0.5), *_NUMBERS)[step]


def said(step: int, options: int) -> str:
    """A step as a reader sees it: "fairly sure (80 %)"."""
    return f"{WORDS[step]} ({percent(step, options)} %)"


@dataclass(frozen=True)
class Judged:
    """A guess whose outcome is known. step: how sure, 0 to 3; options: how many there were to choose from."""

    step: int
    options: int
    right: bool

    @property
    def percent(self) -> int:
        """The probability that was said, in percent."""
        return percent(self.step, self.options)

    @property
    def score(self) -> float:
        """The Brier score of this guess alone, from 0 (sure and right) to about 0.9 (sure and wrong)."""
        return (self.percent / 100 - self.right) ** 2


def brier(guesses: Sequence[Judged]) -> float | None:
    """The Brier score: the mean over guesses, None where there are none. 0 is perfect, always 50 % gives 0.25."""
    return sum(guess.score for guess in guesses) / len(guesses) if guesses else None


def blind(guesses: Sequence[Judged]) -> float | None:
    """What who guesses blindly, and says so, may expect on the same questions: the mean of q (1 - q) with q = 1/n."""
    chances = [guess.percent / 100 for guess in (Judged(0, g.options, False) for g in guesses)]
    return sum(q * (1 - q) for q in chances) / len(chances) if chances else None


@dataclass(frozen=True)
class Bin:
    """The guesses of one step: how many, how many of them right, and what was said on average, in percent."""

    step: int
    n: int
    hits: int
    said: float


def calibration(guesses: Sequence[Judged]) -> list[Bin]:
    """The calibration curve: for each step that was used, what was said and how often it came true."""
    bins = []
    for step in range(len(WORDS)):
        mine = [guess for guess in guesses if guess.step == step]
        if mine:
            mean = sum(guess.percent for guess in mine) / len(mine)
            bins.append(Bin(step, len(mine), sum(guess.right for guess in mine), mean))
    return bins

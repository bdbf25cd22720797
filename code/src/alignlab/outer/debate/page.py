"""Exercises of the page `04-outer/debate`, and inert methods."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from alignlab.exercises import Exercise, Wrong


def _margins(rng: np.random.Generator) -> tuple[Any, ...]:
    margins = rng.normal(size=(6, 6))
    # what a pixel shown twice would be worth is more than anything else
    np.fill_diagonal(margins, 4.0 + rng.random(6))
    return (margins,)


def _free(margins: np.ndarray, instead: float) -> np.ndarray:
    free = margins.copy()
    np.fill_diagonal(free, instead)
    return free


def _value(margins: np.ndarray) -> float:
    return float(_free(margins, -np.inf).max(1).min())


EXERCISES = [
    Exercise(
        name="debate_value",
        reference=_value,
        inputs=_margins,
        wrong=[
            Wrong(
                lambda m: float(m.max(1).min()),
                "the diagonal counts here: the honest player would show the "
                "liar's pixel again.",
            ),
            Wrong(
                lambda m: float(_free(m, np.inf).min(0).max()),
                "here the honest player shows the first pixel and the liar "
                "replies; the liar comes first.",
            ),
            Wrong(
                lambda m: float(_free(m, -np.inf).max(0).min()),
                "rows and columns are exchanged: the liar chooses the row.",
            ),
            Wrong(
                lambda m: float(_free(m, np.inf).min(1).max()),
                "the two players have exchanged their aims: the liar wants "
                "the margin small, the honest player large.",
            ),
            Wrong(
                lambda m: float(_free(m, np.inf).min()),
                "this is the least margin of all; the honest player replies "
                "as well as it can.",
            ),
            Wrong(
                lambda m: float(_free(m, -np.inf).max()),
                "this is the largest margin of all; the liar won't choose "
                "the row in which it is.",
            ),
        ],
    )
]


def _any_pixel(
    case: Any, index: Any, hidden: Any, free: Any, mine: Any, side: int,
    ahead: int,
) -> Any:  # fmt: skip
    """A pixel at random, whatever the judge would think of it."""
    rng = torch.Generator().manual_seed(int(free.sum()) % 1000)
    drawn = torch.rand(mine.shape, generator=rng) * mine
    return torch.where(mine.any(1), drawn.argmax(1), -1)


def _unchosen(
    case: Any, count: int, impress: bool = False, deaf: bool = False
) -> Any:
    """As many pixels, drawn at random."""
    from alignlab.outer.debate.judge import some_pixels

    rng = torch.Generator().manual_seed(2)
    wanted = torch.full((len(case),), count)
    return case.judged(some_pixels(case.images, wanted, rng))


def _no_argument(problems: Any, rng: Any, anywhere: bool = False) -> Any:
    """The first solver's work counts, whatever the others found."""
    from alignlab.outer.debate.agents import compute

    return compute(problems, 3, rng)[0].sum(1)


INERT: dict[str, Callable[..., Any]] = {
    "alignlab.outer.debate.pixels.best_pixel": _any_pixel,
    "alignlab.outer.debate.protocols.neutral": _unchosen,
    "alignlab.outer.debate.agents.argue": _no_argument,
}

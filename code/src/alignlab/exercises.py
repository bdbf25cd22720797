"""What an exercise is: a reference, fresh inputs, and the mistakes that learners make.

The file `page.py` in a chapter's folder lists its page's exercises;
`alignlab.book.page.checks` judges a learner's function by them. What the
learner starts from and the model solution stand on the page, and the tests
read them there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

Function = Callable[..., Any]


@dataclass(frozen=True)
class Wrong:
    """A typical mistake: a function that makes it, and what to tell whoever made it."""

    function: Function
    message: str


@dataclass(frozen=True)
class Exercise:
    """An exercise.

    name: by which the page's `check` asks for it. reference: what is right. inputs: rng -> tuple of arguments, fresh
    at each call. wrong: the mistakes that get their own message. rtol, atol: how close is right.
    """

    name: str
    reference: Function
    inputs: Callable[[np.random.Generator], tuple[Any, ...]]
    wrong: Sequence[Wrong] = field(default_factory=tuple)
    rtol: float = 1e-4
    atol: float = 1e-5

"""What an explorer is: its spec, its states, the picture and sentence of one, and which control suits which values."""

import hashlib
import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alignlab.book.page.figures import svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NEGATIVE = re.compile(r"(?<![^\s(])-(?=\d)")  # the sign of a number, no hyphen

State = dict[str, Any]


@dataclass(frozen=True)
class Spec:
    """An explorer as declared by a page."""

    draw: Callable[..., "Figure"]
    say: Callable[..., str]
    title: str
    states: dict[str, tuple[Any, ...]]
    start: State
    labels: dict[str, str]
    tol: float | None = None
    drawn: bool = False

    @property
    def uid(self) -> str:
        """A short name for this explorer, the same in every run."""
        told = repr((self.title, sorted((name, len(values)) for name, values in self.states.items())))
        return "x" + hashlib.sha1(told.encode()).hexdigest()[:7]


def combinations(spec: Spec) -> list[State]:
    """Every state, the last control moving fastest."""
    return [dict(zip(spec.states, values)) for values in itertools.product(*spec.states.values())]


def frame(spec: Spec, state: State) -> tuple[str, str]:
    """SVG and sentence of one state."""
    sentence = _NEGATIVE.sub("\N{MINUS SIGN}", str(spec.say(**state)).strip())
    if not sentence:
        raise ValueError(f"say() gave no sentence for {state}")
    return svg(spec.draw(**state), sentence), sentence


def kind_of(values: Sequence[Any]) -> str:
    """The control that suits values: "range" for numbers, "radio" for up to four words or a switch, else "select"."""
    if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
        return "range"
    return "radio" if len(values) <= 4 else "select"


def value_text(value: Any) -> str:
    """A value as a control shows it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}".replace("-", "\u2212") if isinstance(value, float) else str(value)


def label_of(spec: Spec, name: str) -> str:
    """What a control is called."""
    return spec.labels.get(name, name.replace("_", " "))

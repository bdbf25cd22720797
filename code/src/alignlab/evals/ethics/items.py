"""Small sets of moral items in the manner of four benchmarks of section 8.2.

All items were written for this book and stand in `items.json`. A *contrast*
has one beginning and two endings, one acceptable and one wrong (ETHICS,
Hendrycks et al. 2021). A contrast of the kind "plain" has a wrong ending that
is wrong after most beginnings. Contrasts of the kind "crossed" come in twos:
both have the same two endings, and the two beginnings decide which is wrong.
A *norm* is an action with a judgment (Social Chemistry 101, Forbes et al.
2020); a *dilemma* has two options and no right one (Scruples, Lourie et al.
2021; Would You Rather, Tay et al. 2020).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple


class Contrast(NamedTuple):
    """One beginning, two endings; family: its topic, one of six."""

    id: str
    family: str
    kind: str
    beginning: str
    acceptable: str
    wrong: str

    def texts(self) -> tuple[str, str]:
        """Beginning with the acceptable ending, then with the wrong one."""
        return (
            f"{self.beginning} {self.acceptable}",
            f"{self.beginning} {self.wrong}",
        )


class Norm(NamedTuple):
    """An action, and whether people mostly call it good."""

    id: str
    action: str
    good: bool


class Dilemma(NamedTuple):
    """Two options; neither is right."""

    id: str
    one: str
    other: str


@cache
def _all() -> dict[str, Any]:
    text = Path(__file__).with_name("items.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def contrasts(kind: str | None = None) -> list[Contrast]:
    """48 contrasts, or the 24 of one kind, "plain" or "crossed".

    Raises ValueError for another kind.
    """
    if kind not in (None, "plain", "crossed"):
        raise ValueError(f"no contrasts of kind {kind!r}: plain or crossed")
    found = [Contrast(**row) for row in _all()["contrasts"]]
    return [c for c in found if kind in (None, c.kind)]


def norms() -> list[Norm]:
    """24 actions, 12 good and 12 bad."""
    return [Norm(**row) for row in _all()["norms"]]


def dilemmas() -> list[Dilemma]:
    """24 pairs of options."""
    return [Dilemma(**row) for row in _all()["dilemmas"]]

"""The survey's own reading list as data.

Serves sections 3.3 and 9.7 of the survey. `reading_list.json` is made from the
book's bibliography, and a test holds the two together.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import NamedTuple


class Listed(NamedTuple):
    """A work of the survey's list; headings are the places it stands under."""

    key: str
    people: str
    year: int
    title: str
    headings: tuple[str, ...]

    @property
    def sections(self) -> tuple[str, ...]:
        """The sections of the survey it stands in, the first one first."""
        return tuple(dict.fromkeys(h.split(" / ")[0] for h in self.headings))

    @property
    def text(self) -> str:
        """As a sentence names it: "Omohundro 2008, The Basic AI Drives"."""
        return f"{self.people} {self.year}, {self.title}"


@cache
def listed() -> tuple[Listed, ...]:
    """All 235 works, in the list's order."""
    source = files("alignlab.risks").joinpath("reading_list.json")
    rows = json.loads(source.read_text(encoding="utf-8"))
    return tuple(
        Listed(key, people, year, title, tuple(headings))
        for key, people, year, title, headings in rows
    )

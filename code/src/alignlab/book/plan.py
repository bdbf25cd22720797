"""The book's plan: the survey's sections, the room of the package that serves each, and their chapters.

Read from `outline.yml`, where every chapter stands, whether it is written or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml


@dataclass(frozen=True)
class Chapter:
    """One planned chapter: where it stands in the survey and the question it answers."""

    slug: str
    title: str
    section: str
    question: str
    headings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """One section of the survey, the room of the package that serves it, and its planned chapters."""

    number: str
    slug: str
    title: str
    room: str
    chapters: tuple[Chapter, ...]


@cache
def outline() -> tuple[Section, ...]:
    """The book's plan, in the survey's order."""
    plan = yaml.safe_load(files("alignlab.book").joinpath("outline.yml").read_text(encoding="utf-8"))
    return tuple(
        Section(
            s["number"],
            s["slug"],
            s["title"],
            s["room"],
            tuple(Chapter(**{**c, "headings": tuple(c["headings"])}) for c in s["chapters"]),
        )
        for s in plan
    )


def chapters() -> Iterator[tuple[Section, Chapter]]:
    """Every planned chapter with its section."""
    for section in outline():
        for chapter in section.chapters:
            yield section, chapter

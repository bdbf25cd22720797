"""Where a chapter's own things live: its folder in the package, the file of its page, its tests.

The plan (`outline.yml`) says of each section of the survey which room of the package it is; a chapter's folder there
has the page's name, underscores for hyphens: `04-outer/ranking-feedback` lives in `alignlab/outer/ranking_feedback/`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

import alignlab
from alignlab.book.plan import outline

PACKAGE = Path(alignlab.__file__).parent


def room(slug: str) -> str:
    """The room of a page's section, such as "outer". Raises KeyError where the plan has no such section."""
    section = slug.split("/")[0]
    rooms = {planned.slug: planned.room for planned in outline()}
    if section not in rooms:
        raise KeyError(f"the plan (outline.yml) has no section {section!r}; it has: {', '.join(rooms)}")
    return rooms[section]


def module(slug: str) -> str:
    """The package of a page's own modules, such as "alignlab.outer.ranking_feedback"."""
    return f"alignlab.{room(slug)}.{slug.split('/')[1].replace('-', '_')}"


def folder(slug: str, package: Path = PACKAGE) -> Path:
    """The folder of a page's own modules; it need not exist."""
    return package.joinpath(*module(slug).split(".")[1:])


def tests(slug: str, root: Path) -> Path:
    """The folder of a page's own tests; it need not exist."""
    return root.joinpath("tests", *module(slug).split(".")[1:])


def page_file(slug: str, package: Path = PACKAGE) -> Path:
    """The file that holds a page's exercises (`EXERCISES`) and inert versions (`INERT`)."""
    return folder(slug, package) / "page.py"


def questions_file(slug: str, package: Path = PACKAGE) -> Path:
    """The file that holds the questions at a page's end; it need not exist."""
    return folder(slug, package) / "questions.yml"


def page_module(slug: str) -> ModuleType | None:
    """That file, imported; None where a page has none."""
    return import_module(f"{module(slug)}.page") if page_file(slug).is_file() else None

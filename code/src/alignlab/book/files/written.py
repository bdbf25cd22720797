"""What the built site knows about the written pages: their metadata, claims, guesses and exercises.

Everything is read from the stored notebooks, so that no fact is kept twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from alignlab.book.page.claims import MIME
from alignlab.book.page.kinds import mime
from alignlab.book.plan import chapters

_EXERCISE = re.compile(
    r"^(`{3,}|:{3,})\{exercise(?:-start)?\}[ \t]*(?P<title>.*)\n(?P<options>(?::\w[\w-]*:.*\n)*)", re.M
)
_LABEL = re.compile(r"^:label:\s*(\S+)", re.M)


@dataclass(frozen=True)
class Exercise:
    """An exercise as it stands on a page: its title, anchor, and whether `check` judges the answer."""

    title: str
    label: str
    checked: bool


@dataclass(frozen=True)
class Page:
    """A written page: its metadata, claims, exercises and the guesses that it asks for.

    `notebook` is false for a chapter that is text only.
    """

    slug: str
    title: str
    meta: dict[str, Any]
    claims: tuple[dict[str, Any], ...] = ()
    exercises: tuple[Exercise, ...] = field(default=())
    notebook: bool = True
    guesses: tuple[dict[str, Any], ...] = ()

    @property
    def docname(self) -> str:
        """The page's name in the site, without suffix."""
        return f"chapters/{self.slug}"

    @property
    def measured(self) -> dict[str, Any]:
        """What `alignlab refresh` measured: seconds and memory of the run."""
        return dict(self.meta.get("measured") or {})

    @property
    def cost(self) -> float | None:
        """Reference seconds of the run; the seconds of a measurement that has none, None where nothing was measured."""
        found = self.measured.get("cost", self.measured.get("seconds"))
        return None if found is None else float(found)


def written(root: Path) -> dict[str, Page]:
    """The pages whose notebooks or texts without code exist under `root`/chapters, in the plan's order, by slug."""
    found = {
        p.relative_to(root / "chapters").with_suffix("").as_posix(): p
        for p in sorted((root / "chapters").glob("[0-9][0-9]-*/*.*"))
        if p.suffix in (".ipynb", ".md")
    }
    order = {chapter.slug: i for i, (_, chapter) in enumerate(chapters())}
    return {slug: read_page(found[slug], slug) for slug in sorted(found, key=lambda s: (order.get(s, len(order)), s))}


def read_page(path: Path, slug: str) -> Page:
    """Read one notebook, or one text without code; raises ValueError where it is neither."""
    return _read_page(path, slug, path.stat().st_mtime_ns)


@cache
def _read_page(path: Path, slug: str, _mtime: int) -> Page:
    if path.suffix == ".md":
        text = path.read_text(encoding="utf-8")
        front = re.match(r"---\n(.*?)\n---\n", text, re.S)
        meta = (yaml.safe_load(front[1]) if front else {}).get("alignlab") or {}
        return Page(slug, _heading([text], slug), meta, notebook=False)
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cells = notebook["cells"]
    except (json.JSONDecodeError, KeyError) as error:
        raise ValueError(f"{path} is not a notebook: {error}; run `alignlab refresh {slug}`") from error
    sources = ["".join(cell["source"]) for cell in cells]
    bundles = [
        output.get("data", {}) for cell in cells if cell["cell_type"] == "code" for output in cell.get("outputs", [])
    ]
    claims, guesses = (tuple(data[kind] for data in bundles if kind in data) for kind in (MIME, mime("guess")))
    meta = notebook.get("metadata", {}).get("alignlab") or {}
    exercises = tuple(_exercises(cells, sources))
    return Page(slug, _heading(sources, slug), meta, claims, exercises, guesses=guesses)


def _heading(sources: list[str], slug: str) -> str:
    return next((m[1].strip() for s in sources if (m := re.search(r"^# (.+)$", s, re.M))), slug)


def _exercises(cells: list[dict[str, Any]], sources: list[str]) -> Iterator[Exercise]:
    for i, (cell, source) in enumerate(zip(cells, sources)):
        if cell["cell_type"] != "markdown":
            continue
        for match in _EXERCISE.finditer(source):
            label = _LABEL.search(match["options"])
            following = next((s for c, s in zip(cells[i + 1 :], sources[i + 1 :]) if c["cell_type"] == "code"), "")
            alone = not _EXERCISE.search(source, match.end())
            yield Exercise(match["title"].strip(), label[1] if label else "", alone and "check(" in following)

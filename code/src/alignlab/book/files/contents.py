"""What is written from what exists: the table of contents, the table of modules, and lists in order.

`alignlab tidy` writes all of it, so that chapters written side by side merge: `_toc.yml` from the plan and the written
pages, `docs/modules.md` from the modules' docstrings, `references/extra.bib` and the glossary sorted by key.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from alignlab.book.files.pages import PageError
from alignlab.book.files.written import written
from alignlab.book.parts import APPENDIX
from alignlab.book.plan import outline

ROOMS = ("assets", "lm", "toys", "outer", "inner", "interp", "attacks", "evals", "risks", "overview", "recipes", "book")


def toc(root: Path) -> str:
    """The table of contents: the plan's sections with the pages that are written, then the appendix."""
    there = set(written(root))
    lines = [
        "# Written by `alignlab tidy` from outline.yml and the pages that exist; the survey map shows the rest.",
        "format: jb-book",
        "root: index",
        "parts:",
    ]
    parts = [(f"{s.number} {s.title}", [c.slug for c in s.chapters if c.slug in there]) for s in outline()]
    parts.append(("Appendix", [f"appendix/{name}" for name in APPENDIX]))
    for caption, names in parts:
        if names:
            lines += [f"  - caption: {_scalar(caption)}", "    chapters:"]
            lines += [f"      - file: chapters/{name}" for name in names]
    return "\n".join(lines) + "\n"


def _scalar(text: str) -> str:
    """Text as YAML needs it."""
    return f'"{text}"' if re.search(r"[?:#\"']", text) else text


def modules(root: Path) -> str:
    """The table of the package's modules, a line each: its place and the first sentences of its docstring."""
    package = root / "code/src/alignlab"
    lines = [
        "# The package, room by room",
        "",
        "Written by `alignlab tidy` from the modules' docstrings. A folder is a chapter, named as its page; what",
        "several chapters use stands at the room's top. `page.py` (exercises and inert versions) is left out.",
    ]
    for room in ROOMS:
        for folder in _folders(package / room):
            rows = [
                f"| `{path.stem}` | {_about(path)} |"
                for path in sorted(folder.glob("*.py"))
                if path.stem not in ("__init__", "page")
            ]
            if rows:
                name = folder.relative_to(package).as_posix()
                lines += ["", f"## `{name}`", "", "| module | what |", "| --- | --- |", *rows]
    return "\n".join(lines) + "\n"


def _folders(room: Path) -> Iterator[Path]:
    if room.is_dir():
        yield room
        yield from sorted(path for path in room.iterdir() if (path / "__init__.py").is_file())


def _about(path: Path) -> str:
    """The first sentence of a module's docstring, on one line."""
    told = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(told.split("\n\n")[0].split()).replace("|", "\\|")


def sorted_bibliography(text: str) -> str:
    """A .bib file with its entries in the order of their keys; what stands before the first entry stays first."""
    head, *entries = re.split(r"^(?=@\w+\{)", text, flags=re.M)
    keyed = {}
    for entry in entries:
        key = re.match(r"@\w+\{\s*([^,\s]+)", entry)
        if key is None:
            raise PageError(f"an entry of the bibliography has no key: {entry.splitlines()[0]!r}")
        if key[1] in keyed:
            raise PageError(f"two entries of the bibliography have the key {key[1]!r}: delete one")
        keyed[key[1]] = entry.strip()
    return head.rstrip() + "\n\n" + "\n\n".join(keyed[key] for key in sorted(keyed)) + "\n"


def sorted_glossary(text: str) -> str:
    """The glossary's page with its terms in alphabetical order, capitals counting as small letters."""

    def in_order(match: re.Match[str]) -> str:
        entries = re.split(r"\n(?:[ \t]*\n)+(?=\S)", match[2].strip("\n"))
        return match[1] + "\n\n".join(sorted(entries, key=lambda e: e.splitlines()[0].casefold())) + "\n" + match[3]

    return re.sub(r"^(```\{glossary\}[^\n]*\n)(.*?)^(```[ \t]*)$", in_order, text, flags=re.M | re.S)


WRITTEN: dict[str, Callable[[Path], str]] = {
    "_toc.yml": toc,
    "docs/modules.md": modules,
    "references/extra.bib": lambda root: sorted_bibliography((root / "references/extra.bib").read_text("utf-8")),
    "chapters/appendix/glossary.md": lambda root: sorted_glossary(
        (root / "chapters/appendix/glossary.md").read_text("utf-8")
    ),
}
"""How each file is made; asked with the book's folder."""


def tidy(root: Path, write: bool = True) -> list[str]:
    """Write those files of `WRITTEN` anew that a book has; names of those that changed. write=False only says which."""
    changed = []
    for name, make in WRITTEN.items():
        path = root / name
        if path.exists() and path.read_text(encoding="utf-8") != (text := make(root)):
            changed.append(name)
            if write:
                path.write_text(text, encoding="utf-8")
    return changed

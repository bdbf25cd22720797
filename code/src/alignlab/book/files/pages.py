"""The book's pages as files: where they are, how they are read and written, which claims their notebooks record.

A page's text (`text/NN-section/name.md`, MyST) is what authors edit; its notebook (`chapters/NN-section/name.ipynb`)
is the same page executed. `files.renewing` writes the second from the first.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from alignlab.book.page import claims

Record = dict[str, Any]


class PageError(RuntimeError):
    """A page that cannot be read, run or found; the message says which, and where."""


def slugs(root: Path) -> list[str]:
    """Names of all pages that are notebooks, such as "04-outer/reward-modeling", in order."""
    folder = Path(root) / "text"
    return sorted(str(path.relative_to(folder).with_suffix("")) for path in folder.glob("*/*.md"))


def text_path(root: Path, slug: str) -> Path:
    """Where a page's text stands."""
    return Path(root) / "text" / f"{slug}.md"


def notebook_path(root: Path, slug: str) -> Path:
    """Where a page's notebook stands."""
    return Path(root) / "chapters" / f"{slug}.ipynb"


def resolve(root: Path, name: str) -> str:
    """The page that a name, a path or a part of either means. Raises PageError where none or several do."""
    known = slugs(root)
    place = Path(os.path.abspath(name) if Path(name).is_absolute() else os.path.normpath(name))
    if place.is_absolute():
        with suppress(ValueError):  # a path outside of the book: no page, as the error below says
            place = place.relative_to(os.path.abspath(root))
    wanted = re.sub(r"^(text|chapters)/|\.(md|ipynb)$", "", place.as_posix() if name else "")
    exact = [slug for slug in known if slug == wanted] or [slug for slug in known if slug.split("/")[1] == wanted]
    found = exact or [slug for slug in known if wanted in slug]
    if len(found) != 1:
        reason = f"means {len(found)} pages: {', '.join(found)}" if found else "is no page"
        raise PageError(f"{name!r} {reason}; pages are: {', '.join(known) or 'none yet'}")
    return found[0]


def read_text(path: Path) -> str:
    """A file of the book as text. Raises PageError where it is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise PageError(f"{path} cannot be read: it is not UTF-8 at byte {error.start}, save it as UTF-8") from error


def read_yaml(path: Path) -> Any:
    """A file of settings. Raises PageError where it is missing, not UTF-8 or no YAML."""
    import yaml

    try:
        return yaml.safe_load(read_text(path))
    except FileNotFoundError:
        raise PageError(f"{path} is missing: the book needs it") from None
    except yaml.YAMLError as error:
        raise PageError(f"{path} cannot be read: {' '.join(str(error).split())}") from error


def read_notebook(path: Path) -> Any:
    """A notebook as nbformat reads it. Raises PageError where it cannot be read."""
    import nbformat

    try:
        return nbformat.read(str(path), as_version=4)
    except FileNotFoundError:
        raise PageError(f"{path} is missing: run `alignlab refresh`") from None
    except Exception as error:
        raise PageError(f"{path} cannot be read: {error}") from error


def from_text(path: Path) -> Any:
    """A page's text as a notebook without outputs, cell names made from what the cells hold.

    Raises PageError where it can't be read: not UTF-8, or front matter that is no YAML.
    """
    import jupytext

    try:
        notebook = jupytext.read(path, fmt="md:myst")
    except Exception as error:  # YAML's and jupytext's own, of many kinds
        raise PageError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        key = hashlib.sha1(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[key] = seen.get(key, 0) + 1
        if "hide-input" in cell.metadata.get("tags", []):
            cell.metadata["jupyter"] = {"source_hidden": True}  # how JupyterLab folds it
        cell.id = key if seen[key] == 1 else f"{key}-{seen[key]}"
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def downloads(notebook: Any) -> list[str]:
    """Names of the assets that a page declares."""
    return list(notebook.metadata.get("alignlab", {}).get("downloads") or [])


def fetch_assets(notebook: Any) -> None:
    """Fetch what a page declares, so that no progress bar runs inside it."""
    names = downloads(notebook)
    if names:
        from alignlab.assets import fetch

        for name in names:
            fetch(name)


def claims_records(root: Path, chapter: str | None = None) -> list[Record]:
    """The records of all claims, read from stored notebooks; nothing runs."""
    chosen = slugs(root) if chapter is None else [resolve(root, chapter)]
    return [record for slug in chosen for record in records_of(read_notebook(notebook_path(root, slug)))]


def records_of(notebook: Any) -> list[Record]:
    """The claims' records in a notebook's outputs, in the page's order."""
    return [
        output["data"][claims.MIME]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if claims.MIME in output.get("data", {})
    ]


def write(notebook: Any, path: Path) -> bool:
    """Write a notebook where its text changes; whether it did."""
    import nbformat

    text = nbformat.writes(notebook) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    beside = path.with_suffix(".part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
    return True


def outputs(notebook: Any) -> Iterator[Any]:
    """All outputs of a notebook, cell by cell."""
    for cell in notebook.cells:
        yield from cell.get("outputs", [])

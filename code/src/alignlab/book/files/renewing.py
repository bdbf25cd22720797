"""Notebooks made anew from pages' text: by a run, by their prose alone, by what their outputs are dressed in.

`refresh` runs a page and writes its notebook, `verify` runs it on other seeds and writes nothing, `measure` runs it and
writes what that cost, `renew_prose` and `restyle` keep the outputs that a run made.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alignlab.book.files import reference
from alignlab.book.files.pages import (
    PageError,
    Record,
    downloads,
    fetch_assets,
    from_text,
    notebook_path,
    outputs,
    read_notebook,
    records_of,
    resolve,
    slugs,
    text_path,
    write,
)
from alignlab.book.files.running import execute
from alignlab.book.page import claims, fragments
from alignlab.book.page.kinds import joined
from alignlab.book.page.outputs import kind_of

# Where a page's cost and memory move by less than this share, the old values stay, so that nothing churns.
CHURN = 0.25


def verify(root: Path, chapter: str | None = None, seed_offset: int = 0) -> list[Record]:
    """Run pages anew on shifted seeds; the records of their claims, whether they hold or not.

    Raises PageError where a cell stops with anything but a claim that does not hold.
    """
    chosen = slugs(root) if chapter is None else [resolve(root, chapter)]
    found = []
    for slug in chosen:
        notebook = from_text(text_path(root, slug))
        fetch_assets(notebook)
        folder = notebook_path(root, slug).parent
        folder.mkdir(parents=True, exist_ok=True)
        execute(notebook, folder, {"ALIGNLAB_SEED_OFFSET": str(seed_offset)}, allow_errors=True)
        for output in outputs(notebook):
            if output.output_type == "error" and output.ename != claims.ClaimFailed.__name__:
                raise PageError(f"{slug} with seed offset {seed_offset}: {output.ename}: {output.evalue}")
        found += records_of(notebook)
    return found


def refresh(root: Path, chapters: Sequence[str] = ()) -> list[str]:
    """Write pages' notebooks from their text and run them; names of the pages that changed.

    chapters: pages to refresh, all where empty. Raises PageError where a cell fails or writes to stderr; the old
    notebook then stays.
    """
    changed = []
    for slug in [resolve(root, name) for name in chapters] or slugs(root):
        notebook = from_text(text_path(root, slug))
        path = notebook_path(root, slug)
        path.parent.mkdir(parents=True, exist_ok=True)
        fetch_assets(notebook)
        stretches = reference.Stretches()
        try:
            measured = execute(notebook, path.parent, {}, spent=stretches.add)
        except PageError as error:
            raise PageError(f"{slug}, {error}") from error.__cause__
        for number, cell in enumerate(notebook.cells):
            for output in cell.get("outputs", []):
                if output.output_type == "stream" and output.name == "stderr":
                    raise PageError(f"{slug}, cell {number} writes to stderr: {output.text.strip()[:500]}")
        measured = _in_reference(measured, stretches.costs())
        old = read_notebook(path) if path.exists() else None
        known = old.metadata.get("alignlab", {}).get("measured") if old is not None else None
        kept = _steady(known, measured, {cell.id for cell in notebook.cells})
        notebook.metadata.setdefault("alignlab", {})["measured"] = {**kept, "processor": reference.processor()}
        if write(notebook, path):
            changed.append(slug)
    return changed


def measure(root: Path, chapters: Sequence[str] = ()) -> dict[str, float]:
    """Run notebooks as they are stored and write what they cost into them; reference seconds by page.

    Outputs stay, and with them the processor on which they were made. chapters: pages to measure, all where empty.
    Raises PageError where a page was never refreshed or a cell fails; its measurement then stays.
    """
    found = {}
    for slug in [resolve(root, name) for name in chapters] or slugs(root):
        path = notebook_path(root, slug)
        if not path.exists():
            raise PageError(f"{slug} has no notebook yet: run `alignlab refresh {slug}` first")
        stored, run, stretches = read_notebook(path), read_notebook(path), reference.Stretches()
        fetch_assets(run)
        try:
            measured = _in_reference(execute(run, path.parent, {}, spent=stretches.add), stretches.costs())
        except PageError as error:
            raise PageError(f"{slug}, {error}") from error.__cause__
        stored.metadata.setdefault("alignlab", {}).setdefault("measured", {}).update(measured)
        write(stored, path)
        found[slug] = measured["cost"]
    return found


def renew_prose(root: Path, slug: str) -> bool | None:
    """Bring a page's prose into its notebook, outputs stay; whether it changed, None where the page has to run."""
    notebook, path = from_text(text_path(root, slug)), notebook_path(root, slug)
    if not path.exists():
        return None
    stored = read_notebook(path)
    old = [cell for cell in stored.cells if cell.cell_type == "code"]
    new = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if [(cell.id, cell.source) for cell in old] != [(cell.id, cell.source) for cell in new]:
        return None
    if downloads(notebook) != downloads(stored):
        return None
    for before, cell in zip(old, new):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count
    if "measured" in stored.metadata.get("alignlab", {}):
        notebook.metadata.setdefault("alignlab", {})["measured"] = stored.metadata["alignlab"]["measured"]
    notebook.metadata.pop("language_info", None)
    return write(notebook, path)


def restyle(root: Path, write_files: bool = True) -> list[str]:
    """Renew what stored outputs are dressed in (styles, scripts, what records print) without running anything.

    Returns names of the pages that changed.
    """
    import nbformat

    changed = []
    for slug in slugs(root):
        path = notebook_path(root, slug)
        if not path.exists():
            continue
        notebook = read_notebook(path)
        for output in outputs(notebook):
            data = output.get("data", {})
            if kind := kind_of(data):
                data.update(kind.renewed(data))
            elif "text/html" in data:
                data["text/html"] = fragments.renew(joined(data["text/html"]))
        before = path.read_text(encoding="utf-8")
        if nbformat.writes(notebook) + "\n" != before:
            changed.append(slug)
            if write_files:
                write(notebook, path)
    return changed


def _in_reference(measured: dict[str, Any], cells: dict[str, float]) -> dict[str, Any]:
    """A measurement with what it comes to in reference seconds; cells under half of one are left out.

    cells: reference seconds of each cell, and under "" of the kernel's start.
    """
    cost = sum(cells.values())
    return {
        **measured,
        "reference": round(measured["seconds"] / cost * reference.NOMINAL, 3),
        "cost": round(cost, 1),
        "cells": {name: round(seconds, 1) for name, seconds in cells.items() if name and seconds >= 0.5},
    }


def _steady(old: dict[str, Any] | None, new: dict[str, Any], cells: set[str]) -> dict[str, Any]:
    """Old measurements where the new ones hardly differ and the dear cells are still the page's."""
    kept = old and all(
        abs(new[key] - old.get(key, 0)) <= CHURN * max(old.get(key, 0), 8) for key in ("cost", "peak_mb")
    )
    return dict(old) if old and kept and cells.issuperset(old.get("cells", {})) else new

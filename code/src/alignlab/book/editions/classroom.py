"""Notebooks for a class: one for students, without solutions and results, and one for their instructor.

Both start from the Colab edition (`editions.colab`), so that they run where that runs. The instructor's has every
solution open, and after each exercise the mistakes that its check knows by name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alignlab.book.editions.colab import Edition
from alignlab.book.files import pages
from alignlab.book.page import checks

_CHECK = re.compile(r"^check\(\s*[\"'](\w+)[\"']", re.M)


def student(edition: Edition, slug: str) -> Any:
    """A page's notebook without solutions, and without outputs: a student's own run makes them."""
    made = edition.notebook(slug, solutions="left out")
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return made


def instructor(edition: Edition, slug: str) -> Any:
    """A page's notebook with its outputs, open solutions, and the mistakes that learners make in each exercise."""
    import nbformat

    made = edition.notebook(slug, solutions="open")
    known = checks.exercises(slug)
    cells = []
    for cell in made.cells:
        cells.append(cell)
        asked = _CHECK.search(cell.source) if cell.cell_type == "code" else None
        if asked and known[asked[1]].wrong:
            listed = "\n".join(f"- {wrong.message}" for wrong in known[asked[1]].wrong)
            text = f"*For the instructor.* The check answers these mistakes in words:\n\n{listed}"
            cells.append(nbformat.v4.new_markdown_cell(text, id=f"mistakes-{asked[1]}"[:64]))
    made.cells = cells
    nbformat.validate(made)
    return made


def export(root: Path, to: Path, chapters: Sequence[str] = (), ref: str | None = None) -> list[Path]:
    """Write both notebooks of pages into a folder, as student/SECTION/NAME.ipynb and instructor/SECTION/NAME.ipynb.

    chapters: pages, all notebooks of the table of contents where empty. ref: tag or commit that the first cell installs
    the package from, default the tag of this version.
    Raises PageError where a page is unknown or holds something without a plain form.
    """
    edition = Edition(root, ref)
    written = []
    for slug in [pages.resolve(root, name) for name in chapters] or edition.places.slugs:
        for kind, make in (("student", student), ("instructor", instructor)):
            path = Path(to) / kind / f"{slug}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            pages.write(make(edition, slug), path)
            written.append(path)
    return written

"""The Colab edition of a page: the same notebook for a reader that knows plain Markdown only (decision 3).

Directives and roles are made plain (`editions.plain`), numbers are filled in from the stored outputs, solutions and the
cells that the page folds are folded, and a first cell installs this package, at the same version, where it is missing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from alignlab import __version__
from alignlab.book.editions.myst import PlainError
from alignlab.book.editions.places import Places
from alignlab.book.editions.plain import Meanings, Solutions, plain, quoted
from alignlab.book.files import pages
from alignlab.book.files.written import read_page
from alignlab.book.page import explorers, links, numbers
from alignlab.book.page.kinds import joined
from alignlab.book.plan import chapters as planned
from alignlab.book.site.units import megabytes, minutes

# What Colab shows; records for machines stay behind.
SHOWN = ("text/html", "text/plain", "text/markdown", "text/latex", "image/png", "image/jpeg", "image/svg+xml")

SETUP = """\
# @title Setup: installs what this page needs { display-mode: "form" }
# What is installed already keeps its version, so that torch and the rest of the machine stay as they are.
import importlib
import importlib.metadata
import os
import re
import subprocess
import sys
import tempfile

VERSION = "@VERSION@"
SOURCE = "git+@URL@@@REF@#subdirectory=code"
NUMBERED = re.compile(r"\\d+(\\.\\d+)*((a|b|rc)\\d+)?(\\.post\\d+)?(\\.dev\\d+)?(\\+[a-z0-9.]+)?")
os.environ["GITHUB_REPOSITORY"] = "@NAME@"  # where links in outputs lead

try:
    ready = importlib.metadata.version("alignlab") == VERSION
except importlib.metadata.PackageNotFoundError:
    ready = False
if not ready:
    kept = {}
    for package in importlib.metadata.distributions():
        name = re.sub("[-_.]+", "-", package.metadata["Name"] or "").lower()
        if name and name != "alignlab" and NUMBERED.fullmatch(package.version or ""):
            kept.setdefault(name, package.version)
    with tempfile.NamedTemporaryFile("w", suffix=".txt", delete=False) as file:
        file.writelines(f"{name}=={version}\\n" for name, version in sorted(kept.items()))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--constraint", file.name, f"alignlab @ {SOURCE}"]
    run = subprocess.run(command, capture_output=True, text=True)
    os.unlink(file.name)
    if run.returncode:
        raise RuntimeError("the helper package could not be installed:\\n" + run.stderr[-3000:])
    importlib.invalidate_caches()
print("alignlab", VERSION, "is ready")
"""


class Edition:
    """The Colab edition of a book's pages."""

    def __init__(self, root: Path, ref: str | None = None) -> None:
        """`ref` is the tag or commit that the package is installed from, default the tag of this version."""
        self.root = Path(root)
        self.places = Places(root, ref or f"v{__version__}")

    def notebook(self, slug: str, moving: bool = False, solutions: Solutions = "folded") -> Any:
        """The Colab edition of one page. Raises PageError where something on it has no plain form.

        moving: whether explorers keep their controls, for a reader that runs no kernel but shows the outputs' scripts.
        solutions: of exercises, whether folded, open or left out.
        """
        import nbformat

        source = pages.read_notebook(pages.notebook_path(self.root, slug))
        means = replace(self.places.meanings(slug, values_of(source)), solutions=solutions)
        cells = [nbformat.v4.new_code_cell(self.setup(), id="setup", metadata={"cellView": "form"})]
        for index, cell in enumerate(source.cells):
            if cell.cell_type == "code":
                hidden, source = {}, cell.source
                if "hide-input" in cell.metadata.get("tags", []):
                    hidden = {"cellView": "form"}
                    source = f"# @title {title(cell)}\n{source}"
                outputs = [made for output in cell.outputs if (made := self._output(output, means, moving)) is not None]
                cells.append(nbformat.v4.new_code_cell(source, id=cell.id, metadata=hidden, outputs=outputs))
                continue
            try:
                text = plain(cell.source, means)
            except PlainError as error:
                raise pages.PageError(f"{slug}, cell {index}, for Colab: {error}") from None
            if index == 0:
                text = re.sub(r"(^# .+$)", lambda m: f"{m[1]}\n\n{self.card(slug)}", text, count=1, flags=re.M)
            if text:
                cells.append(nbformat.v4.new_markdown_cell(text, id=cell.id))
        metadata = {
            "colab": {"name": f"{slug.split('/')[1]}.ipynb", "provenance": [], "toc_visible": True},
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        }
        made = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
        made.nbformat_minor = 5
        nbformat.validate(made)
        return made

    def setup(self) -> str:
        """The source of the first cell."""
        values = {"VERSION": __version__, "URL": self.places.repository.url, "REF": self.places.ref}
        text = SETUP.replace("@NAME@", self.places.repository.owner_and_name)
        for name, value in values.items():
            text = text.replace(f"@{name}@", value, 1)
        return text

    def card(self, slug: str) -> str:
        """The header card as a quoted note."""
        page = read_page(pages.notebook_path(self.root, slug), slug)
        where = f"[this page in the book]({self.places.address(page.docname)})"
        section = page.meta.get("section")
        lines = [f"Section {section} of the survey · {where}" if section else where.capitalize()]
        goals = [f"- {goal}" for goal in page.meta.get("objectives") or []]
        if goals:
            lines.append("**You will be able to**\n\n" + "\n".join(goals))
        facts = [f"**Read first:** {self._first(page.meta)}"]
        run = page.measured
        cost = [minutes(page.cost), megabytes(run.get("peak_mb"), "memory")]
        if any(cost):
            facts.append(f"**Runs in:** {', '.join(x for x in cost if x)} (measured on one core)")
        facts.append(f"**Downloads:** {self._downloads(page.meta)}")
        return quoted("\n\n".join([*lines, " · ".join(facts)]))

    def _first(self, meta: dict[str, Any]) -> str:
        names = {chapter.slug: chapter.title for _, chapter in planned()}
        told = []
        for slug in meta.get("prerequisites") or []:
            title = self.places.titles.get(f"chapters/{slug}")
            told.append(
                f"[{title}]({self.places.address(f'chapters/{slug}')})"
                if title
                else f"{names.get(slug, slug)} (not written yet)"
            )
        return ", ".join(told) or "nothing"

    def _downloads(self, meta: dict[str, Any]) -> str:
        from alignlab.assets import registry

        known, names = registry(), [str(name) for name in meta.get("downloads") or []]
        return ", ".join(f"{name} ({megabytes(known[name].archive_size / 1e6)})" for name in names) or "nothing"

    def _output(self, output: Any, means: Meanings, moving: bool) -> Any:
        """A stored output as Colab can show it; None where nothing of it is for readers."""
        import nbformat

        if output.output_type not in ("display_data", "execute_result"):
            return output
        data = {mime: content for mime, content in output.data.items() if mime in SHOWN}
        if not data:
            return None
        if "text/html" in data:
            kind, html = explorers.KIND, joined(data["text/html"])
            if kind.mime in output.data and not moving:
                html = explorers.explorer_html(output.data[kind.mime], kind.pieces(data), still=True)
            data["text/html"] = self._html(html, means)
        return nbformat.v4.new_output("display_data", data)

    def _html(self, html: str, means: Meanings) -> str:
        """An output's HTML with absolute addresses of this repository, works as links."""

        def cite(found: re.Match[str]) -> str:
            people, year, address = means.work(found[1])
            return f'<a href="{address}"><cite>{people} {year}</cite></a>'

        html = re.sub(r'<cite data-key="([^"]+)">.*?</cite>', cite, html)
        return links.localize(html, self.places.repository.site, self.places.repository.url)


def title(cell: Any) -> str:
    """What a folded cell holds, in the words of its fold."""
    return str(cell.metadata.get("mystnb", {}).get("code_prompt_show", "The code"))


def values_of(notebook: Any) -> dict[str, str]:
    """The numbers that a notebook's run keeps, as prose shows them."""
    records = [
        output["data"][numbers.KIND.mime]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if numbers.KIND.mime in output.get("data", {})
    ]
    return {record["name"]: numbers.number_text(record) for record in records}


def export(root: Path, to: Path, chapters: Sequence[str] = (), ref: str | None = None) -> list[Path]:
    """Write the Colab edition of pages into a folder, each as SECTION/NAME.ipynb; the files written.

    chapters: pages, all notebooks of the table of contents where empty. ref: tag or commit that the first cell installs
    the package from, default the tag of this version.
    Raises PageError where a page is unknown or holds something without a plain form.
    """
    edition = Edition(root, ref)
    chosen = [pages.resolve(root, name) for name in chapters] or edition.places.slugs
    made = []
    for slug in chosen:
        path = Path(to) / f"{slug}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        pages.write(edition.notebook(slug), path)
        made.append(path)
    return made

"""Where things of the book are and what they are called: documents, labels, terms, works, files.

Read from the table of contents and from the texts, as the built site names them; `alignlab.book.editions.plain` asks.
"""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any

from alignlab.book.editions.myst import PlainError, walk
from alignlab.book.editions.plain import Meanings, Named
from alignlab.book.files import pages, references
from alignlab.book.page import links
from alignlab.book.page.links import Repository, repository
from alignlab.book.parts import HOMES

_EQUATION = re.compile(r"\$\$[ ]*\(([\w:-]+)\)")


class Places:
    """The documents of a book's table of contents, and addresses on its published site."""

    def __init__(self, root: Path, ref: str) -> None:
        """Read the book's configuration. `ref` is the tag or commit of files that are linked to."""
        self.root, self.ref = Path(root), ref
        config = pages.read_yaml(self.root / "_config.yml")
        where = config.get("repository") or {}
        self.repository: Repository = repository(where.get("url") or links.DEFAULT, where.get("branch") or "main")
        toc = pages.read_yaml(self.root / "_toc.yml")
        self.documents = [re.sub(r"\.(md|ipynb)$", "", name) for name in _files(toc)]

    @property
    def slugs(self) -> list[str]:
        """Names of the pages that are notebooks, in the book's order."""
        found = [name.removeprefix("chapters/") for name in self.documents if name.startswith("chapters/")]
        return [slug for slug in found if pages.notebook_path(self.root, slug).exists()]

    @cached_property
    def texts(self) -> dict[str, str]:
        """Every document's Markdown: of a page without code its file, of a notebook its Markdown cells."""
        found = {}
        for name in self.documents:
            file, notebook = self.root / f"{name}.md", self.root / f"{name}.ipynb"
            if notebook.exists():
                cells = pages.read_notebook(notebook).cells
                found[name] = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
            elif file.exists():
                found[name] = pages.read_text(file)
            else:
                raise pages.PageError(f"_toc.yml names {name}, and there is no such file")
        return found

    @cached_property
    def titles(self) -> dict[str, str]:
        """Title of every document."""
        found = {name: re.search(r"^# (.+)$", text, re.M) for name, text in self.texts.items()}
        return {name: match[1].strip() if match else name for name, match in found.items()}

    @cached_property
    def labels(self) -> dict[str, Named]:
        """Every label: of headings and directives with their titles, of formulas with their numbers.

        A heading also goes by "document#its-words".
        """
        found: dict[str, Named] = {}
        for name, text in self.texts.items():
            equations = 0
            for block in walk(text):
                label = block.options.get("label") or block.options.get("name") or ""
                formulas = _EQUATION.findall("\n".join(block.lines)) if block.kind == "text" else []
                for formula in [label] if block.kind == "math" and label else formulas:
                    equations += 1
                    found[formula] = str(equations), self.anchor(name, f"equation-{formula}")
                if label and block.kind != "math":
                    found[label] = block.argument or block.kind.capitalize(), self.anchor(name, label)
            for match in re.finditer(r"^(?:\(([^)\s]+)\)=[ \t]*\n+)?#{1,3} (.+)$", text, re.M):
                title = match[2].strip()
                mark = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
                found.setdefault(f"{name}#{mark}", (title, f"{self.address(name)}#{mark}"))
                if match[1]:
                    found[match[1]] = title, self.anchor(name, match[1])
        return found

    @cached_property
    def terms(self) -> dict[str, str]:
        """Address of every glossary entry, by its words in lower case."""
        from sphinx.util.nodes import _make_id

        return {
            line.strip().lower(): f"{self.address(name)}#{_make_id(f'term-{line.strip()}')}"
            for name, text in self.texts.items()
            for block in walk(text)
            if block.kind == "glossary"
            for line in block.lines
            if line.strip() and not line[0].isspace()
        }

    def address(self, name: str) -> str:
        """A document of the published site."""
        return f"{self.repository.site}{name}.html"

    def anchor(self, name: str, label: str) -> str:
        """A labelled place of the published site."""
        from docutils.nodes import make_id

        return f"{self.address(name)}#{make_id(label)}"

    def meanings(self, slug: str, values: dict[str, str]) -> Meanings:
        """What the references of one page mean; `values` are the numbers of its run."""
        here = f"chapters/{slug}"
        known = references.works(self.root)

        def beside(path: str) -> str:
            return path.lstrip("/") if path.startswith("/") else normpath(str(PurePosixPath(here).parent / path))

        def work(key: str) -> tuple[str, str, str]:
            if key not in known:
                raise PlainError(f"{key!r} is in neither bibliography")
            found = known[key]
            return found.people, found.year, found.address or self.address("chapters/appendix/bibliography")

        def number(name: str) -> str:
            if name not in values:
                raise PlainError(f"no cell keeps a number {name!r}")
            return values[name]

        def page(path: str) -> Named:
            name = re.sub(r"\.(md|ipynb|html)$", "", beside(path))
            if name not in self.titles:
                raise PlainError(f"{path!r} leads to no page of the book")
            return self.titles[name], self.address(name)

        def label(name: str) -> Named:
            found = self.labels.get(name) or self.labels.get(f"{here}#{name}")
            if not found:
                raise PlainError(f"{name!r} is no label of the book")
            return found

        def term(name: str) -> str:
            if name.lower() not in self.terms:
                raise PlainError(f"{name!r} is not in the glossary")
            return self.terms[name.lower()]

        def part(kind: str) -> Named:
            name = HOMES[kind]
            return self.titles.get(name, name), self.address(name)

        def file(path: str) -> str:
            if re.match(r"https?:", path):
                return path
            return f"https://raw.githubusercontent.com/{self.repository.owner_and_name}/{self.ref}/{beside(path)}"

        return Meanings(work, number, page, label, term, part, file)


def _files(entry: Any) -> list[str]:
    """Every document that a table of contents names, in its order."""
    if isinstance(entry, list):
        return [name for part in entry for name in _files(part)]
    if not isinstance(entry, dict):
        return []
    own = [entry[key] for key in ("root", "file") if key in entry]
    return own + [name for key in ("parts", "chapters", "sections") for name in _files(entry.get(key))]

"""The bibliography as data: a work's label, address and date; which works of the survey's list the chapters cite.

`references/survey.bib` is the survey's reading list (arXiv 2309.15025), its field `survey` the headings that a work
stands under; `references/extra.bib` holds every other work that a page cites.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date as Day
from functools import cache
from pathlib import Path
from typing import Any

from alignlab.book.files import pages
from alignlab.book.plan import chapters

FILES = ("survey", "extra")

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CITE = re.compile(r"\{cite(?::\w+)?\}`([^`]+)`")
_CODE = re.compile(r"^(`{3,}|~{3,})(?:\{code-cell\}|(?!\{))[^\n]*\n.*?^\1[`~]*[ \t]*$", re.M | re.S)
_SINCE = re.compile(
    r"^(`{3,}|:{3,})\{admonition\}[^\n]*\n(?=(?::[^\n]*\n)*:class:[^\n]*\bsince\b)(.*?)^\1", re.M | re.S
)
_ARXIV = re.compile(r"(?:^|arxiv\.org/(?:abs|pdf)/)(\d{2})(0[1-9]|1[0-2])\.\d{4,5}(?:v\d+)?(?:\.pdf)?$")


@dataclass(frozen=True)
class Work:
    """A work of either bibliography; `people` is how a sentence names its authors."""

    key: str
    people: str
    year: str
    title: str
    address: str
    headings: tuple[str, ...]
    fields: dict[str, str]

    @property
    def textual(self) -> str:
        """As a sentence names it: "Stiennon et al. (2020)"."""
        return f"{self.people} ({self.year})"

    @property
    def beside(self) -> str:
        """As brackets name it: "Stiennon et al., 2020"."""
        return f"{self.people}, {self.year}"

    @property
    def appeared(self) -> tuple[str, str]:
        """First and last day on which the work can have appeared, as ISO dates, from what its entry says.

        From `date`; from the month in its arXiv number where that is earlier, or where there is no `date`; else from
        `year` and `month`, else from `year`. Raises ValueError where one of these is malformed.
        """
        arxiv = _ARXIV.search(self.fields.get("eprint", "")) or _ARXIV.search(self.fields.get("url", ""))
        known = [_span(self.fields["date"])] if "date" in self.fields else []
        if arxiv:
            month = _span(f"20{arxiv[1]}-{arxiv[2]}")
            if not known or month[1] < known[0][0]:
                known = [month]
        return known[0] if known else _span(self.year + _month(self.fields.get("month", "")))


def _month(name: str) -> str:
    """A month's name or number as "-05"; empty where there is none."""
    if not name:
        return ""
    short = name.strip().lower()[:3]
    return f"-{_MONTHS.index(short) + 1:02d}" if short in _MONTHS else f"-{int(name):02d}"


def _span(date: str) -> tuple[str, str]:
    """A year, a month or a day as its first and last day. Raises ValueError where it is none of them."""
    if not re.fullmatch(r"\d{4}(-\d\d){0,2}", date):
        raise ValueError(f"a date is written 2024, 2024-05 or 2024-05-21, not {date!r}")
    year, month, day = (int(part) for part in (date + "-00-00").split("-")[:3])
    last = day or monthrange(year, month or 12)[1]
    return str(Day(year, month or 1, day or 1)), str(Day(year, month or 12, last))


def works(root: Path) -> dict[str, Work]:
    """Every work of both bibliographies by key, the survey's first.

    Raises PageError where a file cannot be read or a key stands twice.
    """
    return _works(Path(root).resolve())


@cache
def _works(root: Path) -> dict[str, Work]:
    from pybtex.database import parse_file
    from pybtex.exceptions import PybtexError

    found: dict[str, Work] = {}
    for name in FILES:
        path = root / "references" / f"{name}.bib"
        try:
            entries = parse_file(str(path)).entries
        except (PybtexError, OSError) as error:
            raise pages.PageError(f"{path} cannot be read: {error}") from error
        for key, entry in entries.items():
            if key in found:
                raise pages.PageError(f"{key!r} stands in both bibliographies")
            found[key] = _work(key, entry)
    return found


def who(names: list[str]) -> str:
    """Last names as a reader says them: one, "A and B", or "A et al."; "others" stands for the rest of a list."""
    if len(names) > 2 or names[1:] == ["others"]:
        return f"{names[0]} et al."
    return " and ".join(names)


def _work(key: str, entry: Any) -> Work:
    from pybtex.richtext import Text

    def plain(latex: str) -> str:
        return str(Text.from_latex(latex))

    fields = {str(name): str(value) for name, value in entry.fields.items()}
    authors = entry.persons.get("author") or entry.persons.get("editor") or []
    names = [plain(" ".join((*person.prelast_names, *person.last_names))) for person in authors]
    address = fields.get("url", "")
    if not address and "eprint" in fields:
        address = f"https://arxiv.org/abs/{fields['eprint']}"
    if not address and "doi" in fields:
        address = f"https://doi.org/{fields['doi']}"
    headings = tuple(fields["survey"].split("; ")) if "survey" in fields else ()
    return Work(key, who(names), fields.get("year", ""), plain(fields.get("title", "")), address, headings, fields)


def cited(text: str) -> list[str]:
    """Keys that a page's prose cites, in order, repeats included; what stands in code does not count."""
    prose = _CODE.sub("", text)
    return [key.strip() for match in _CITE.finditer(prose) for key in match[1].split(",")]


def since_boxes(text: str) -> list[str]:
    """The bodies of a page's boxes "Since the survey" (admonitions of class `since`)."""
    return [match[2] for match in _SINCE.finditer(text)]


def texts(root: Path) -> Iterator[tuple[str, str]]:
    """Name and text of every page: chapters as authors edit them, and the pages without code."""
    root = Path(root)
    for slug in pages.slugs(root):
        yield slug, pages.read_text(pages.text_path(root, slug))
    for path in sorted((root / "chapters").glob("*/*.md")):
        yield path.relative_to(root / "chapters").with_suffix("").as_posix(), pages.read_text(path)


def coverage(root: Path) -> dict[str, Any]:
    """How much of the survey's reading list the chapters cite.

    A work counts as cited where the prose of a chapter of its own section cites it: a chapter that the plan gives one
    of the headings the work stands under. A section is a heading of the list; `chapter` is its first written chapter
    (None where there is none) and `chapters` all of them. `entries` counts places of the list, `works` each work once.
    """
    listed = [work for work in works(root).values() if work.headings]
    said = {
        slug: set(cited(text))
        for slug, text in texts(root)
        if (Path(root) / f"chapters/{slug}.md").exists() or pages.notebook_path(root, slug).exists()
    }
    plan: dict[str, list[str]] = {}
    for _, chapter in chapters():
        for heading in chapter.headings:
            plan.setdefault(heading, []).append(chapter.slug)
    for work in listed:
        for heading in work.headings:
            plan.setdefault(heading, [])
    sections, covered = [], set()
    for heading, slugs in plan.items():
        written = [slug for slug in slugs if slug in said]
        own = [work for work in listed if heading in work.headings]
        named = {work.key for work in own if any(work.key in said[slug] for slug in written)}
        covered |= named
        sections.append(
            {
                "section": heading,
                "chapter": written[0] if written else None,
                "chapters": written,
                "entries": sum(work.headings.count(heading) for work in own),
                "works": len(own),
                "cited": len(named),
            }
        )
    return {
        "entries_total": sum(len(work.headings) for work in listed),
        "works_total": len(listed),
        "works_cited": len(covered),
        "sections": sections,
    }


def coverage_table(found: dict[str, Any]) -> Any:
    """What `coverage` found as a Rich table."""
    from rich.table import Table

    table = Table(title=f"{found['works_cited']} of {found['works_total']} works of the survey's list are cited")
    table.add_column("section of the reading list")
    table.add_column("written chapters")
    table.add_column("works", justify="right")
    table.add_column("cited", justify="right")
    for row in found["sections"]:
        names = ", ".join(slug.split("/")[1] for slug in row["chapters"])
        table.add_row(row["section"], names or "none yet", str(row["works"]), str(row["cited"]))
    return table

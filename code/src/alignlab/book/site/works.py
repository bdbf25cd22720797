"""The survey's reading list as a table that a reader can search, each work with the chapters that cite it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path

from alignlab.book.files import references
from alignlab.book.files.written import Page
from alignlab.book.plan import chapters
from alignlab.book.site.tables import Link, listing, page_link

_HEAD = ("work", "where it stands in the survey's list", "chapters that cite it")


def survey_works(root: Path, pages: Mapping[str, Page], link: Link) -> str:
    """A search field and the works, in the list's order; a work that no page cites names its planned chapters."""
    cites: dict[str, list[str]] = {}
    for slug, text in references.texts(root):
        if slug in pages:
            for key in dict.fromkeys(references.cited(text)):
                cites.setdefault(key, []).append(slug)
    listed = [work for work in references.works(root).values() if work.headings]
    rows = [(_named(work), _places(work), _chapters(work, cites, pages, link)) for work in listed]
    cited = sum(work.key in cites for work in listed)
    return (
        '<div class="al-works"><p><label>Find a work by author, year, title, heading or chapter '
        '<input type="search" autocomplete="off"></label> '
        f'<output aria-live="polite">{len(listed)} works, {cited} of them cited by a chapter</output></p>'
        + listing(_HEAD, rows, "The works of the survey's own reading list", "al-works-list")
        + "</div>"
    )


def _named(work: references.Work) -> str:
    title = escape(work.title)
    named = f'<a href="{escape(work.address)}">{title}</a>' if work.address else title
    return f'{escape(work.people)} {escape(work.year)}<br><span class="al-works-title">{named}</span>'


def _places(work: references.Work) -> str:
    return "<br>".join(escape(heading) for heading in dict.fromkeys(work.headings))


def _chapters(
    work: references.Work, cites: Mapping[str, list[str]], pages: Mapping[str, Page], link: Callable[[str], str | None]
) -> str:
    if work.key in cites:
        return ", ".join(page_link(pages[slug], link) for slug in cites[work.key])
    planned = dict.fromkeys(c.title for _, c in chapters() if set(c.headings) & set(work.headings))
    return f'<span class="al-off">none yet; its heading belongs to {escape(", ".join(planned))}</span>'

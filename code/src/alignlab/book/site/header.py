"""The card under a chapter's title: where it stands, what it teaches, what it needs, what it costs, how to run it."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from alignlab.book.files.written import Page
from alignlab.book.page.links import Repository
from alignlab.book.plan import chapters, outline
from alignlab.book.site.units import megabytes, minutes

Link = Callable[[str], str | None]
"""Address of a document as seen from the page that is being written, None where it isn't in the site."""


def header_card(page: Page, repo: Repository, link: Link, notebook: str) -> str:
    """HTML of the card; `notebook` is the address of the page's notebook file."""
    section = str(page.meta.get("section", ""))
    parts: list[str] = [
        '<aside class="al-header" aria-label="About this chapter">',
        f'<p class="al-header-where">Section {escape(section)} of the survey</p>' if section else "",
        _bar(page.slug),
        '<div class="al-header-grid">',
        _objectives(page),
        _facts(page, link) if page.notebook else "",
        "</div>",
        '<p class="al-header-buttons">',
        f'<a class="al-button al-button-first" href="{escape(repo.colab(page.slug))}">Open in Colab</a>'
        f'<a class="al-button" href="{escape(notebook)}" download>Download notebook</a>'
        if page.notebook
        else "",
        f'<a class="al-button" href="{escape(repo.edit(page.docname, page.notebook))}">Edit this page</a>',
        "</p></aside>",
    ]
    return "".join(parts)


def _bar(slug: str) -> str:
    """A thin bar of the survey: one piece a section, as wide as its chapters, this chapter's share marked."""
    slugs = [chapter.slug for _, chapter in chapters()]
    if slug not in slugs:
        return ""
    here = slugs.index(slug)
    pieces, start = [], 0
    for section in outline():
        count = len(section.chapters)
        inside = start <= here < start + count
        mark = ""
        if inside:
            mark = f'<i style="left:{100 * (here - start) / count:.1f}%;width:{100 / count:.1f}%"></i>'
        pieces.append(f'<span class="{"al-here" if inside else ""}" style="flex-grow:{count}">{mark}</span>')
        start += count
    label = f"Chapter {here + 1} of {len(slugs)} in the survey's order"
    return f'<div class="al-header-bar" role="img" aria-label="{label}" title="{label}">{"".join(pieces)}</div>'


def _objectives(page: Page) -> str:
    items = "".join(f"<li>{escape(str(o))}</li>" for o in page.meta.get("objectives") or [])
    return (
        f'<div class="al-header-learn"><p class="al-label">You will be able to</p><ul>{items}</ul></div>'
        if items
        else ""
    )


def _facts(page: Page, link: Link) -> str:
    rows = []
    titles = {chapter.slug: chapter.title for _, chapter in chapters()}
    needs = []
    for slug in page.meta.get("prerequisites") or []:
        name, target = escape(titles.get(slug, slug)), link(f"chapters/{slug}")
        needs.append(
            f'<a href="{escape(target)}">{name}</a>'
            if target
            else f'<span class="al-unwritten">{name} (not written yet)</span>'
        )
    rows.append(("Read first", ", ".join(needs) or "nothing"))
    cost = " · ".join(x for x in (minutes(page.cost), megabytes(page.measured.get("peak_mb"), "memory")) if x)
    if cost:
        rows.append(("Runs in", f'{cost} <span class="al-quiet">on one core</span>'))
    rows.append(("Downloads", _downloads(page, link)))
    body = "".join(f"<div><dt>{k}</dt><dd>{v}</dd></div>" for k, v in rows)
    return f'<dl class="al-header-facts">{body}</dl>'


def _downloads(page: Page, link: Link) -> str:
    names = [str(n) for n in page.meta.get("downloads") or []]
    if not names:
        return "nothing"
    from alignlab.assets import registry

    known = registry()
    target = link("chapters/appendix/models-and-data")
    shown = []
    for name in names:
        if name not in known:
            raise ValueError(f"{page.slug}: downloads names {name!r}, which is not in the asset registry")
        text = escape(name)
        if target:
            text = f'<a href="{escape(target)}#asset-{escape(name)}">{text}</a>'
        shown.append(f'{text} <span class="al-quiet">{megabytes(known[name].archive_size / 1e6)}</span>')
    return ", ".join(shown)

"""The map of the survey: ten sections along a river, chapters as leaves, filled where a chapter is written.

Plain nested lists that a style sheet lays out: every leaf is a link or text with its question beside it, so the map
works by keyboard, by ear, without a script and at phone width.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from html import escape

from alignlab.book.plan import Chapter, Section, outline

_REST = "Every chapter answers one question. Point at a leaf to read it."


def survey_map(done: Collection[str], link: Callable[[str], str | None]) -> str:
    """HTML of the map; `done` holds the slugs of written chapters, `link` gives their addresses."""
    planned = sum(len(s.chapters) for s in outline())
    sections = "".join(_section(s, done, link) for s in outline())
    return (
        '<nav class="al-map" aria-label="Map of the survey">'
        f'<p class="al-map-ask" aria-hidden="true" data-rest="{_REST}">{_REST}</p>'
        f'<ol class="al-map-sections">{sections}</ol>'
        '<p class="al-map-key"><span class="al-leaf al-written" aria-hidden="true"></span> written '
        '<span class="al-leaf" aria-hidden="true"></span> planned '
        f'<span class="al-map-count">{len(done)} of {planned} chapters</span></p></nav>'
    )


def _section(section: Section, done: Collection[str], link: Callable[[str], str | None]) -> str:
    leaves = "".join(_leaf(c, done, link) for c in section.chapters)
    some = any(c.slug in done for c in section.chapters)
    return (
        f'<li class="al-map-section{" al-open" if some else ""}" data-section="{section.number}">'
        f'<p class="al-map-title"><span class="al-map-number">{section.number}</span> {escape(section.title)}</p>'
        f"<ol>{leaves}</ol></li>"
    )


def _leaf(chapter: Chapter, done: Collection[str], link: Callable[[str], str | None]) -> str:
    target = link(f"chapters/{chapter.slug}") if chapter.slug in done else None
    question, title = escape(chapter.question), escape(chapter.title)
    leaf = '<span class="al-leaf{}" aria-hidden="true"></span>'
    if target is not None:  # "" is the page that the map stands on
        where = escape(target) if target else '#" aria-current="page'
        return (
            f'<li><a class="al-map-chapter" href="{where}" data-question="{question}">'
            f'{leaf.format(" al-written")}<span>{title}<span class="al-sr">: {question}</span></span></a></li>'
        )
    return (
        f'<li><span class="al-map-chapter al-planned" tabindex="0" role="note" data-question="{question}">'
        f'{leaf.format("")}<span>{title}<span class="al-sr"> (planned): {question}</span></span></span></li>'
    )

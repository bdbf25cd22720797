"""What's new: the changelog as a part of the site, and as an Atom feed that a reader can subscribe to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from xml.etree import ElementTree

from alignlab.book.files import pages

CHANGELOG = "CHANGELOG.md"
ATOM = "http://www.w3.org/2005/Atom"


@dataclass(frozen=True)
class Entry:
    """What changed on a day, as Markdown."""

    day: date
    text: str

    @property
    def heading(self) -> str:
        """The day as readers write it."""
        return f"{self.day.day} {self.day:%B %Y}"

    def html(self) -> str:
        """The text as HTML."""
        from nbconvert.filters import markdown2html

        return str(markdown2html(self.text))


def entries(root: Path) -> list[Entry]:
    """The changelog's entries, the latest first. Raises PageError where a heading is no date."""
    told = pages.read_text(root / CHANGELOG)
    found = []
    for part in re.split(r"^## ", told, flags=re.M)[1:]:
        heading, _, text = part.partition("\n")
        try:
            day = datetime.strptime(heading.strip(), "%d %B %Y").date()
        except ValueError:
            raise pages.PageError(
                f"{CHANGELOG}: the heading {heading.strip()!r} is no date: write it as '29 November 2026'"
            ) from None
        found.append(Entry(day, text.strip()))
    return sorted(found, key=lambda entry: entry.day, reverse=True)


def whats_new(root: Path) -> str:
    """The entries as a part of a page."""
    told = [f"<section><h2>{entry.heading}</h2>{entry.html()}</section>" for entry in entries(root)]
    return f'<p><a href="../../feed.xml" type="application/atom+xml">Follow as a feed</a></p>{"".join(told)}'


def feed(root: Path, title: str, site: str) -> str:
    """The entries as an Atom feed (RFC 4287). site: address of the published site, ending in a slash."""
    ElementTree.register_namespace("", ATOM)
    made = ElementTree.Element(f"{{{ATOM}}}feed")

    def add(parent: ElementTree.Element, tag: str, text: str = "", **attributes: str) -> ElementTree.Element:
        element = ElementTree.SubElement(parent, f"{{{ATOM}}}{tag}", attributes)
        element.text = text or None
        return element

    page = f"{site}chapters/appendix/whats-new.html"
    found = entries(root)
    add(made, "title", title)
    add(made, "id", f"{site}feed.xml")
    add(made, "link", href=f"{site}feed.xml", rel="self")
    add(made, "link", href=page)
    add(made, "updated", _moment(found[0].day))
    add(add(made, "author"), "name", "the authors of this companion")
    for entry in found:
        one = add(made, "entry")
        add(one, "title", entry.heading)
        add(one, "id", f"{page}#{entry.day.isoformat()}")
        add(one, "link", href=page)
        add(one, "updated", _moment(entry.day))
        add(one, "content", entry.html(), type="html")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(made, encoding="unicode") + "\n"


def _moment(day: date) -> str:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).isoformat()

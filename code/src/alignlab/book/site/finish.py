"""What a built site gets at the end: the book as plain text, a feed, and less to load."""

from __future__ import annotations

import re
from pathlib import Path

# The theme brings its icons twice, as fonts and as a script of 1.5 MB in the head that draws the same ones.
_ICONS = re.compile(r'\s*<script src="[^"]*_static/scripts/fontawesome\.js[^"]*"></script>')


def finish(root: Path, built: Path, title: str, site: str) -> None:
    """Write `llms.txt` and `feed.xml`, and drop what no page needs. site: its published address, ending in a slash."""
    from alignlab.book.editions import text
    from alignlab.book.site import news

    text.export(root, built)
    if (root / news.CHANGELOG).is_file():
        (built / "feed.xml").write_text(news.feed(root, title, site), encoding="utf-8")
    lean(built)


def lean(built: Path) -> None:
    """Take the script of icons off every page, and maps of scripts off the site."""
    for path in built.rglob("*.html"):
        told = path.read_text(encoding="utf-8")
        kept = _ICONS.sub("", told)
        if kept != told:
            path.write_text(kept, encoding="utf-8")
    for path in (built / "_static" / "scripts").glob("*"):
        if path.suffix == ".map" or path.name.startswith("fontawesome.js"):
            path.unlink()

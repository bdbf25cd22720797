"""A Sphinx extension: what a built site gets at the end. The book as plain text, a feed, and less to load."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from alignlab import __version__
from alignlab.book.editions import text
from alignlab.book.site import news
from alignlab.book.site.sphinx import repo

# The theme brings its icons twice, as fonts and as a script of 1.5 MB in the head that draws the same ones.
_ICONS = re.compile(r'\s*<script src="[^"]*_static/scripts/fontawesome\.js[^"]*"></script>')


def finish(app: Sphinx, error: Exception | None) -> None:
    """Write `llms.txt` and `feed.xml`, and drop what no page needs."""
    if error is not None or app.builder.name != "html":
        return
    root, built = Path(app.srcdir), Path(app.outdir)
    text.export(root, built)
    if (root / news.CHANGELOG).is_file():
        told = news.feed(root, app.config.html_title, repo(app).site)
        (built / "feed.xml").write_text(told, encoding="utf-8")
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


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("build-finished", finish)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}

"""Pieces of HTML that every output of a page is made of: its style, its script, and how it is shown.

An output carries its own small style and script, since Colab shows each output in a frame of its own and a notebook
viewer has no style sheet of ours. Both stand in marked blocks (`data-al`), so that `renewing.restyle` renews them in a
stored notebook without running it.
"""

import hashlib
import json
import re
from functools import cache
from html import escape as _escape
from importlib.resources import files
from typing import Any

from alignlab.book.page.style import variables

_BLOCK = re.compile(r'<(style|script) data-al="([a-z -]+)">.*?</\1>', re.DOTALL)


def escape(text: object) -> str:
    """Text as it may stand in HTML, in an element or in a quoted attribute."""
    return _escape(str(text), quote=True)


def said(text: str) -> str:
    """A sentence of a record as HTML; what stands between backticks is set as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def decimal(value: float, digits: int) -> str:
    """A number as a reader sees it: a real minus sign, and none before a zero."""
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", "\u2212")


@cache
def _asset(name: str) -> str:
    return files("alignlab.book.page").joinpath("static", name).read_text(encoding="utf-8")


def _squeeze(css: str) -> str:
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"\s+", " ", css)
    return re.sub(r" ?([{};,>]) ?", r"\1", css).strip()


@cache
def style(*parts: str) -> str:
    """A `<style>` block: the palette, the base rules, and `static/<part>.css` of each part."""
    sheet = variables() + "".join(_squeeze(_asset(f"{part}.css")) for part in ("base", *parts))
    return f'<style data-al="{" ".join(parts)}">{sheet}</style>'


@cache
def script(part: str) -> str:
    """A `<script>` block with `static/<part>.js`, without indentation and comments that stand on lines of their own."""
    text = re.sub(r"^\s*/\*(?:(?!\*/).)*\*/[ \t]*\n", "", _asset(f"{part}.js"), flags=re.MULTILINE | re.DOTALL)
    return f'<script data-al="{part}">\n{re.sub(r"^[ ]+", "", text, flags=re.MULTILINE).strip()}\n</script>'


def digest(record: dict[str, Any]) -> str:
    """A short fingerprint of a record: stored beside what it prints, it betrays a digit that no print shows."""
    told = json.dumps({k: v for k, v in record.items() if k != "digest"}, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def seal(piece: str) -> str:
    """A short fingerprint of a picture or a model's weights, as HTML holds them.

    Stored in the output's record, it betrays a change made after the run where another run's need not be the same.
    """
    return hashlib.sha256(piece.encode()).hexdigest()[:12]


def unstyled(html: str) -> str:
    """HTML with its marked style and script blocks emptied."""
    return _BLOCK.sub(r"<\1 \2/>", html)


def dressed_once(outputs: list[str]) -> list[str]:
    """Outputs that stand on one page: the first carries one style sheet for all, the last of each kind its script.

    A script finds what stands before it on the page, so that the last one serves all.
    """
    blocks = [match for html in outputs for match in _BLOCK.finditer(html)]
    parts = dict.fromkeys(part for match in blocks if match[1] == "style" for part in match[2].split())
    last = {match[2]: n for n, html in enumerate(outputs) for match in _BLOCK.finditer(html) if match[1] == "script"}
    bare = [
        _BLOCK.sub(lambda match, n=n: match[0] if match[1] == "script" and last[match[2]] == n else "", html)  # type: ignore[misc]
        for n, html in enumerate(outputs)
    ]
    return [style(*parts) + bare[0], *bare[1:]] if parts else bare


def renew(html: str) -> str:
    """The same HTML with every marked style and script block as it is written today."""

    def fresh(match: re.Match[str]) -> str:
        kind, parts = match.group(1), match.group(2)
        return style(*parts.split()) if kind == "style" else script(parts)

    return _BLOCK.sub(fresh, html)


def emit(html: str, text: str) -> None:
    """Show an output that has no record, which runs must repeat to the letter: HTML and its plain text."""
    from IPython.display import display

    display({"text/html": html, "text/plain": text}, raw=True)

"""A page as slides (reveal.js): one for each heading, figure, claim and table, from the stored results.

What moves on the page moves on its slide, no kernel runs, and the folder that is written needs no network.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from alignlab.book.editions.colab import Edition
from alignlab.book.editions.myst import blocks
from alignlab.book.files import pages
from alignlab.book.page.fragments import style

WORDS = 110  # that a slide of prose holds
BRIEF = 30  # that stand above a figure
VENDOR = ("reveal", "mathjax")


@dataclass
class Slide:
    """One slide: its heading, the one `over` it where that has no text of its own, and pieces of HTML."""

    heading: str
    level: int
    parts: list[str] = field(default_factory=list)
    words: int = 0
    full: bool = False
    over: str = ""


def deck(notebook: Any, title: str, address: str, code: bool = False) -> str:
    """A notebook of plain Markdown as HTML; its vendored files are looked for in ../vendor.

    notebook: as `Edition.notebook` makes it. address: of the page in the book. code: whether code is shown.
    """
    stacks: list[list[Slide]] = []
    for slide in slides(notebook, code):
        if slide.level <= 2 or not stacks:
            stacks.append([slide])
        else:
            stacks[-1].append(slide)
    # The title slide asks the page's question before it says what the page costs.
    stacks[0][0].parts.sort(key=lambda part: part.startswith("<blockquote"))
    sections = []
    for stack in stacks:
        inner = [f"<section>{_heading(slide)}{''.join(slide.parts)}</section>" for slide in stack]
        sections.append(inner[0] if len(inner) == 1 else f'<section class="stack">{"".join(inner)}</section>')
    source = f'<p class="al-deck-soft"><a href="{escape(address)}">{escape(title)} in the book</a> · CC BY 4.0</p>'
    sections[0] = sections[0].replace("</section>", f"{source}</section>", 1)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f'<link rel="stylesheet" href="../vendor/reveal/reveal.css">{style("source", "deck")}'
        "<script>MathJax = {tex: {inlineMath: [['$', '$']]}, options: {enableMenu: false}};</script>"
        '<script defer src="../vendor/mathjax/tex-chtml-full.js"></script></head>'
        f'<body><main class="reveal"><div class="slides">{"".join(sections)}</div></main>'
        '<script src="../vendor/reveal/reveal.js"></script><script>'
        "Reveal.initialize({hash: true, width: 1280, height: 760, margin: 0.04, center: false, slideNumber: 'c/t', "
        "transition: 'none', help: true});</script></body></html>\n"
    )


def slides(notebook: Any, code: bool = False) -> Iterator[Slide]:
    """The slides of a notebook of plain Markdown, in order: a short text stands with the output that follows it."""
    current = Slide("", 1)
    for cell in notebook.cells:
        if cell.id == "setup":
            continue
        if cell.cell_type == "markdown":
            for level, heading, text in _pieces(cell.source):
                words = len(re.sub(r"\$[^$]*\$|\]\([^)]*\)|<[^>]*>", " ", text).split())
                if level:
                    bare = bool(current.heading) and not current.parts
                    if current.parts:
                        yield current
                    over = current.heading if bare and level > current.level else ""
                    current = Slide(heading, current.level if over else level, over=over)
                elif current.level > 1 and (current.full or (current.words and current.words + words > WORDS)):
                    yield current
                    current = Slide(current.heading, 3)
                if text:
                    current.parts.append(_html(text))
                    current.words += words
            continue
        asks = bool(re.search(r"^check\(", cell.source, re.M))
        outputs = [] if asks else [html for output in cell.outputs if (html := _output(output))]
        if outputs or asks or code:
            if current.full or current.words > BRIEF:
                yield current
                current = Slide(current.heading, 3)
            listing = f"<pre><code>{escape(cell.source)}</code></pre>" if code or asks else ""
            current.parts += [listing, *(f'<div class="al-output">{html}</div>' for html in outputs)]
            current.full = not asks
    if current.parts:
        yield current


def _pieces(text: str) -> Iterator[tuple[int, str, str]]:
    """A cell's headings (level, words, "") and paragraphs (0, "", Markdown); fences and folded parts stay whole."""
    for block in blocks(text):
        if block.kind != "text":
            yield 0, "", "\n".join(block.lines)
            continue
        for part in re.split(r"\n[ \t]*\n", "\n".join(block.lines).strip("\n")):
            heading = re.match(r"(#{1,6}) (.+)", part)
            if heading:
                yield min(len(heading[1]), 3), heading[2].strip(), ""
                part = part[heading.end() :].strip("\n")
            if part.strip():
                yield 0, "", part


def _html(markdown: str) -> str:
    from nbconvert.filters import markdown2html

    return str(markdown2html(markdown))


def _heading(slide: Slide) -> str:
    if not slide.heading:
        return ""
    tag = "h1" if slide.level == 1 else "h2"
    inner = re.sub(r"^<p>|</p>\s*$", "", _html(slide.heading).strip())
    over = f'<p class="al-deck-soft">{escape(slide.over)}</p>' if slide.over else ""
    return f"{over}<{tag}>{inner}</{tag}>"


def _output(output: Any) -> str:
    """An output as HTML; of what is only printed, single lines stay off the slides."""
    if output.output_type == "stream":
        printed = output.text.strip("\n")
        return f"<pre>{escape(printed)}</pre>" if "\n" in printed else ""
    html = output.get("data", {}).get("text/html", "")
    return "".join(html) if isinstance(html, list) else str(html)


def export(root: Path, to: Path, chapters: Sequence[str] = (), code: bool = False) -> list[Path]:
    """Write slides of pages into a folder, each as SECTION/NAME.html, beside the files they need; the decks written.

    chapters: pages, all notebooks of the table of contents where empty. code: whether the code cells are shown.
    Raises PageError where a page is unknown.
    """
    edition = Edition(root)
    chosen = [pages.resolve(root, name) for name in chapters] or edition.places.slugs
    for name in VENDOR:
        shutil.copytree(Path(root) / "assets/vendor" / name, Path(to) / "vendor" / name, dirs_exist_ok=True)
    made = []
    for slug in chosen:
        name = f"chapters/{slug}"
        path = Path(to) / f"{slug}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        notebook = edition.notebook(slug, moving=True)
        html = deck(notebook, edition.places.titles[name], edition.places.address(name), code)
        path.write_text(html, encoding="utf-8")
        made.append(path)
    return made

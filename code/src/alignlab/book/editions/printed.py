"""The whole book as one document, for paper (PDF) and for readers of electronic books (EPUB).

Both are made from the built site, so that they hold what readers of the site see. What moves there stands still here:
an explorer shows the state it starts from, beside its sentence. Folded code stays on the site, and the solutions of
exercises come at the end. Chromium prints the PDF, pandoc writes the EPUB.
"""

from __future__ import annotations

import posixpath
import re
import tempfile
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag

from alignlab.book.files import pages
from alignlab.book.page.fragments import style
from alignlab.book.page.links import DEFAULT, repository
from alignlab.book.site.weights import SiteError

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

STILL = {"chapters/appendix/play"}  # documents that hold only what moves
GONE = (
    "script, style, button, input, .headerlink, .al-header-buttons, .al-header-bar, .al-controls, .al-code, "
    ".al-result, .al-frame[hidden], .al-play, .al-model, .copybtn, noscript, iframe, .al-verdict"
)
_LIGHT = re.compile(r"var\(--al-[\w-]+, ?(#\w+)\)")
ABOUT = (
    "An independent companion to the survey of Shen et al. (arXiv 2309.15025). Text and figures CC BY 4.0, code MIT."
)


def gather(root: Path, built: Path, chapters: Sequence[str] = ()) -> str:
    """The body of the book: a part as `h1`, its documents as `h2`, the solutions last.

    built: the folder of the site, as `jupyter-book build` leaves it. chapters: pages, the whole book where empty.
    Raises SiteError where a document is missing there, PageError where a page is unknown.
    """
    config = pages.read_yaml(root / "_config.yml")
    where = repository((config.get("repository") or {}).get("url") or DEFAULT)
    soup = _parsed("<html><body></body></html>")
    assert soup.body is not None
    asked = {f"chapters/{pages.resolve(root, name)}" for name in chapters}
    chosen = {name: part for name, part in _documents(root) if not asked or name in asked}
    solutions: list[tuple[str, list[Tag]]] = []
    caption = ""
    for name, part in chosen.items():
        article = _article(built, name)
        if part != caption:
            caption = part
            soup.body.append(_heading(soup, 1, part))
        title = article.find("h1")
        solved = [found.extract() for found in article.select("div.solution")]
        if solved and title is not None:
            solutions.append((title.get_text().rstrip("#"), solved))
        for each in (article, *solved):
            _still(each)
            _rooted(each, name, set(chosen), where.site)
        _lowered(article)
        soup.body.append(_anchor(soup, _mark(name)))
        soup.body.append(article)
        article.unwrap()
    for term in soup.select("dt[id]"):  # pandoc reads no name of a term
        term.insert(0, _anchor(soup, str(term.attrs.pop("id"))))
    if solutions:
        soup.body.append(_heading(soup, 1, "Solutions"))
    for chapter, solved in solutions:
        soup.body.append(_heading(soup, 2, chapter))
        for each in solved:
            each["class"] = "solution"
            soup.body.append(each)
    return soup.body.decode_contents()


def _parsed(html: str) -> BeautifulSoup:
    from bs4 import BeautifulSoup

    return BeautifulSoup(html, "html5lib")


def _documents(root: Path) -> Iterator[tuple[str, str]]:
    """Every document that the editions hold, with the caption of its part, in the book's order."""
    toc = pages.read_yaml(root / "_toc.yml")
    yield toc["root"], "About this book"
    for part in toc["parts"]:
        for chapter in part["chapters"]:
            if chapter["file"] not in STILL:
                yield chapter["file"], part["caption"]


def _article(built: Path, name: str) -> Tag:
    path = built / f"{name}.html"
    if not path.exists():
        raise SiteError(f"{path} is missing: run `jupyter-book build .` first")
    article = _parsed(path.read_text(encoding="utf-8")).find("article")
    if article is None:
        raise SiteError(f"{path} holds no page: build the site anew")
    return article.extract()


def _heading(soup: BeautifulSoup, level: int, text: str) -> Tag:
    made = soup.new_tag(f"h{level}", id=f"part-{re.sub(r'[^a-z0-9]+', '-', text.lower())}")
    made.string = text
    return made


def _anchor(soup: BeautifulSoup, mark: str) -> Tag:
    """A place that links lead to."""
    return soup.new_tag("span", id=mark)


def _mark(name: str, anchor: str = "") -> str:
    """The name of a place in the one document."""
    return re.sub(r"[^\w-]+", "-", f"{name}--{anchor}" if anchor else name)


def _still(article: Tag) -> None:
    """Take out what needs a browser; of a fold keep the content, of a question its answers as a list."""
    for form in article.select("form.al-predict"):
        for label in form.select("label"):
            label.name, label.attrs = "li", {}
        form.name, form.attrs = "blockquote", {"class": "al-predict"}
    for gone in article.select(GONE):
        gone.decompose()
    for fold in article.select("details"):
        fold.name, fold.attrs = "div", {}
        summary = fold.find("summary")
        if summary is not None:
            summary.name = "p"
    for section in article.find_all("section"):
        heading = section.find(re.compile("^h[1-6]$"))
        if heading is not None and section.get("id"):
            heading["id"] = section["id"]
        section.unwrap()
    for picture in article.find_all("svg"):
        picture["xmlns"] = "http://www.w3.org/2000/svg"
        for part in [picture, *picture.find_all(style=re.compile("var"))]:
            part["style"] = _LIGHT.sub(r"\1", str(part.get("style", "")))
    for explorer in article.select(".al-explorer"):
        frame, said = explorer.select_one(".al-frame"), explorer.select_one(".al-say")
        if frame is not None and said is not None and not said.get_text(strip=True):
            said.string = str(frame.get("data-say", ""))


def _rooted(article: Tag, name: str, chosen: set[str], site: str) -> None:
    """Give every place a name of its own in the one document, and let links lead there, or to the site."""
    for tag in [article, *article.find_all(True)]:
        if tag is not article and tag.get("id"):
            tag["id"] = _mark(name, str(tag["id"]))
        for attribute in ("aria-describedby", "aria-labelledby", "for"):
            tag.attrs.pop(attribute, None)
        # Within a picture, marks and clips are referred to by name too.
        for attribute, value in list(tag.attrs.items()):
            if isinstance(value, str) and "url(#" in value:
                tag[attribute] = re.sub(r"url\(#([^)]+)\)", lambda m: f"url(#{_mark(name, m[1])})", value)
            if attribute in ("href", "xlink:href"):
                tag[attribute] = _address(str(value), name, chosen, site)
        if tag.name == "img" and tag.get("src"):
            tag["src"] = posixpath.normpath(posixpath.join(posixpath.dirname(name), str(tag["src"])))


def _address(link: str, name: str, chosen: set[str], site: str) -> str:
    """Where a link of the document `name` leads in the one document; on the site where it holds no such page."""
    if re.match(r"[a-z][\w+.-]*:", link):
        return link
    path, anchor = urldefrag(link)
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else f"{name}.html"
    document = target.removesuffix(".html")
    if document not in chosen:
        return site + link if not path else f"{site}{target}" + (f"#{anchor}" if anchor else "")
    return "#" + _mark(document, unquote(anchor))


def _lowered(article: Tag) -> None:
    """Move every heading down a level, since a part stands over its documents."""
    for heading in article.find_all(re.compile("^h[1-6]$")):
        level = int(heading.name[1:])
        if level < 5:
            heading.name = f"h{level + 1}"
        else:
            heading.name = "p"


def _whole(root: Path, built: Path, chapters: Sequence[str], extra: str) -> tuple[str, str]:
    """Title, and the one document with what a format adds to its head."""
    title = str(pages.read_yaml(root / "_config.yml")["title"])
    looks = style("claim", "table", "source", "explorer", "guess", "figure", "printed")
    head = f'<meta charset="utf-8"><title>{escape(title)}</title>{looks}{extra}'
    front = f'<header><p class="al-book">{escape(title)}</p><p>{ABOUT}</p></header>'
    body = gather(root, built, chapters)
    return title, f'<!doctype html><html lang="en"><head>{head}</head><body>{front}{body}</body></html>'


def pdf(root: Path, built: Path, to: Path, chapters: Sequence[str] = (), browser: str | None = None) -> Path:
    """Print the book with Chromium, tagged and with an outline.

    browser: path of a Chromium. Raises SiteError where the site isn't built or there is no Chromium.
    """
    from playwright.sync_api import sync_playwright

    if browser is None:
        raise SiteError(
            "no Chromium is found: install one (playwright install chromium), or name it with ALIGNLAB_CHROMIUM"
        )
    static = built.resolve() / "_static"
    math = (
        "<script>MathJax = {options: {enableMenu: false}};</script>"
        f'<script src="{(static / "vendor/mathjax/tex-chtml-full.js").as_uri()}"></script>'
    )
    base = f'<base href="{built.resolve().as_uri()}/">'
    _, html = _whole(root, built, chapters, base + math)
    footer = '<p style="font: 8px sans-serif; width: 100%; text-align: center"><span class="pageNumber"></span></p>'
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        source = Path(folder) / "book.html"
        # A base would also lead links within the document to the site's folder.
        source.write_text(html.replace('href="#', f'href="{source.as_uri()}#'), encoding="utf-8")
        opened = play.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = opened.new_page()
        page.goto(source.as_uri(), wait_until="load", timeout=300_000)
        page.evaluate("MathJax.startup.promise")
        page.pdf(
            path=str(to),
            format="A4",
            margin={"top": "18mm", "bottom": "18mm", "left": "18mm", "right": "18mm"},
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=footer,
            outline=True,
            tagged=True,
            print_background=True,
        )
        opened.close()
    return to


def epub(root: Path, built: Path, to: Path, chapters: Sequence[str] = ()) -> Path:
    """Write the book with pandoc as EPUB 3, its formulas as MathML.

    Raises SiteError where the site isn't built; ModuleNotFoundError names pypandoc where it isn't installed.
    """
    import pypandoc

    title, html = _whole(root, built, chapters, "")
    # A picture is a file of its own there, without the style sheet that a strip of values is drawn by.
    html = re.sub(r'<svg[^>]*class="al-strip".*?</svg>', "", html, flags=re.S)
    with tempfile.TemporaryDirectory() as folder:
        sheet = Path(folder) / "book.css"
        sheet.write_text(re.sub(r"</?style[^>]*>", "", style("printed")), encoding="utf-8")
        options: list[Any] = [
            "--mathml",
            "--toc",
            "--toc-depth=2",
            "--split-level=2",
            f"--css={sheet}",
            f"--resource-path={built}",
            "--metadata=lang:en",
            f"--metadata=title:{title}",
            "--metadata=author:the authors of this companion",
            "--metadata=rights:CC BY 4.0",
        ]
        pypandoc.convert_text(
            html, "epub3", format="html+tex_math_single_backslash", outputfile=str(to), extra_args=options
        )
    return to

"""The questions at a page's end, the reader's own score under them, and the appendix page *Your guesses*.

Questions are a section of the page, before *Further reading*; they are asked with the form of `predict`. What the
reader answered stays in the browser; `assets/tally.js` reads it, and `_static/asked.js` (the register of all that is
asked, written with the site) says what was right. Without scripts the answers fold open, and a sentence stands for the
score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

from alignlab.book import chapters
from alignlab.book.files.written import Page
from alignlab.book.page.fragments import script, seal, style
from alignlab.book.page.guesses import form_html
from alignlab.book.quiz import register
from alignlab.book.quiz.questions import Question, key, marked, questions
from alignlab.book.site.tables import Link

OFF = (
    '<p class="al-tally-off">Your answers and their score are kept and computed in your browser, by a script; scripts '
    "are switched off here.</p>"
)
_NUMBERS = {3: "Three", 4: "Four", 5: "Five", 6: "Six"}


def questions_html(slug: str, asked: Sequence[Question]) -> str:
    """A page's questions as forms, each explanation in its folded answer, their script once."""
    forms = []
    for question in asked:
        texts = [option.text for option in question.options]
        told = "".join(
            f"<p><strong>{'Right' if i == question.answer else 'Wrong'}: {marked(option.text)}</strong> "
            f"<span>{marked(option.why)}</span></p>"
            for i, option in enumerate(question.options)
        )
        labels, legend, at = [marked(text) for text in texts], marked(question.ask), key(slug, question)
        forms.append(
            form_html(
                at, question.ask, texts, question.answer, kind="question", legend=legend, labels=labels, told=told
            )
        )
    return style("guess") + "".join(forms) + script("guess")


def ask(app: Sphinx, doctree: nodes.document) -> None:
    """Put a page's questions into it as a section of its own, so that the page's contents list them."""
    docname = app.env.docname
    slug = docname.removeprefix("chapters/")
    if not docname.startswith("chapters/") or slug.startswith("appendix/") or slug.split("/")[0] not in _sections():
        return
    found = questions(slug)
    page = next(iter(doctree.findall(nodes.section)), None)
    if not found or page is None:
        return
    app.env.note_dependency(str(chapters.questions_file(slug)))
    title = f"{_NUMBERS.get(len(found), str(len(found)))} questions"
    section = nodes.section("", nodes.title("", title), ids=["questions"], names=["questions"])
    section += nodes.raw("", questions_html(slug, found), format="html")
    parts = [i for i, child in enumerate(page.children) if isinstance(child, nodes.section)]
    last = [i for i in parts if page[i].next_node(nodes.title).astext() == "Further reading"]
    page.insert(last[-1] if last else len(page.children), section)


def _sections() -> set[str]:
    from alignlab.book.plan import outline

    return {section.slug for section in outline()}


def tally_html(pages: Mapping[str, Page], slug: str, link: Link, to_root: str) -> str:
    """The reader's score at a page's end; nothing where the page asks nothing."""
    if not any(one.slug == slug for one in register.asked(pages)):
        return ""
    target = link("chapters/appendix/your-guesses")
    more = f'<p class="al-tally-more"><a href="{escape(target)}">All your guesses</a></p>' if target else ""
    return (
        f'<aside class="al-tally" data-page="{escape(slug)}" aria-label="Your guesses so far">'
        f'<p class="al-label">Your guesses so far</p><div class="al-tally-say">{OFF}</div>{more}</aside>'
        + scripts(pages, to_root)
    )


def your_guesses(pages: Mapping[str, Page], link: Link, to_root: str) -> str:
    """The whole score: filled by the script from what the browser keeps; what was asked stands hidden beside it."""
    rows = []
    for one in register.asked(pages):
        page = pages[one.slug]
        options = "".join(f"<li>{marked(option)}</li>" for option in one.options)
        target = link(page.docname)
        where = f'<a href="{escape(target)}{one.anchor}">{escape(page.title)}</a>' if target else escape(page.title)
        rows.append(
            f'<li data-key="{escape(one.key)}"><span>{marked(one.question)}</span><span>{where}</span>'
            f"<ol>{options}</ol></li>"
        )
    names = "".join(
        f'<li data-page="{escape(slug)}">{escape(page.title)}</li>' for slug, page in pages.items() if page.notebook
    )
    return (
        f'<div class="al-tally al-tally-whole" data-page=""><div class="al-tally-say">{OFF}</div>'
        f'<ol class="al-tally-asked" hidden>{"".join(rows)}</ol><ol class="al-tally-pages" hidden>{names}</ol></div>'
        + scripts(pages, to_root)
    )


def scripts(pages: Mapping[str, Page], to_root: str) -> str:
    """The two scripts that a score needs; their addresses change with what is in them."""
    asked = seal(register.script(pages))
    return (
        f'<script src="{to_root}_static/asked.js?v={asked}" defer></script>'
        f'<script src="{to_root}_static/tally.js?v={asked}" defer></script>'
    )


def write_register(out: Path, pages: Mapping[str, Page]) -> None:
    """Write the register into a built site."""
    static = out / "_static"
    static.mkdir(parents=True, exist_ok=True)
    (static / "asked.js").write_text(register.script(pages), encoding="utf-8")

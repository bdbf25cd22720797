"""The book's Sphinx extension: header cards, the survey map and the generated tables, links into the repository.

A directive for each part that `alignlab.book.parts` lists (the bibliography has its own extension),
and `{play}` (`alignlab.book.site.play`). Chapters end with their questions and the reader's score
(`alignlab.book.site.quiz`).
Each leaves a placeholder that is filled when its page is written, from the stored notebooks and the asset registry.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from alignlab import __version__
from alignlab.book.files import references
from alignlab.book.files.written import Page, written
from alignlab.book.page.fragments import dressed_once
from alignlab.book.page.links import Repository, localize, repository
from alignlab.book.site import citations, news, quiz, tables
from alignlab.book.site.header import header_card
from alignlab.book.site.play import Play
from alignlab.book.site.surveymap import survey_map
from alignlab.book.site.watermark import Watermark
from alignlab.book.site.works import survey_works

logger = logging.getLogger(__name__)

Link = Callable[[str], str | None]
_MARK = re.compile(r"[^\s\w(\[]+")
_PERCENT = re.compile(r"(^|(?<=\d)) %(?!\w)")
_VERBATIM = (nodes.raw, nodes.math, nodes.math_block, nodes.literal, nodes.literal_block, nodes.comment)
_CITED = re.compile(r'<cite data-key="([^"]+)">.*?</cite>')


class made_part(nodes.General, nodes.Element):
    """Placeholder of a generated part; `kind` names its maker in `PARTS`."""


def _ledger(app: Sphinx, docname: str) -> str:
    return tables.claim_ledger(_pages(app), link_from(app, docname), citer(app, docname))


def _assets(app: Sphinx, docname: str) -> str:
    from alignlab.assets import registry

    return tables.models_and_data(registry(), citer(app, docname))


def _pages(app: Sphinx) -> dict[str, Page]:
    """The written pages that the site holds."""
    return {slug: page for slug, page in written(Path(app.srcdir)).items() if page.docname in app.env.found_docs}


PARTS: dict[str, Callable[[Sphinx, str], str]] = {
    "survey-map": lambda app, doc: survey_map(_pages(app), link_from(app, doc)),
    "your-guesses": lambda app, doc: quiz.your_guesses(_pages(app), link_from(app, doc), "../" * doc.count("/")),
    "claim-ledger": _ledger,
    "claim-summary": lambda app, doc: tables.claim_summary(_pages(app)),
    "run-times": lambda app, doc: tables.run_times(_pages(app), link_from(app, doc)),
    "models-and-data": _assets,
    "exercise-index": lambda app, doc: tables.exercise_index(_pages(app), link_from(app, doc)),
    "whats-new": lambda app, doc: news.whats_new(Path(app.srcdir)),
    "survey-works": lambda app, doc: survey_works(Path(app.srcdir), _pages(app), link_from(app, doc)),
    "course-plan": lambda app, doc: tables.course_plan(_pages(app), link_from(app, doc)),
}


_FOLD = re.compile(
    r'<details class="admonition hide above-input">\s*<summary[^>]*>\s*'
    r'<p class="collapsed admonition-title">(.*?)</p>\s*<p class="expanded admonition-title">.*?</p>\s*</summary>',
    re.S,
)
_HAS_PART = "alignlab-part"
_FEED = '<link rel="alternate" type="application/atom+xml" title="What is new" href="{}feed.xml">'


class Part(Directive):
    """A directive without content or options that stands for a generated part."""

    def run(self) -> list[nodes.Node]:
        """Leave the placeholder, and note that the page has one."""
        env = self.state.document.settings.env
        env.metadata[env.docname][_HAS_PART] = True
        return [made_part(kind=self.name)]


def citer(app: Sphinx, docname: str) -> Callable[[str], str]:
    """How a page names works: "Stiennon et al. 2020", linked to the bibliography.

    A work that is in neither bibliography is a warning, which fails a strict build.
    """
    works = references.works(Path(app.srcdir))
    entries = {c.key: (c.bibliography_key.docname, c.citation_id) for c in app.env.get_domain("cite").citations}  # type: ignore[attr-defined]

    def cite(key: str) -> str:
        if key not in works:
            logger.warning("%r is in neither bibliography", key, location=docname, type="alignlab", subtype="cite")
            return f"<cite>{escape(key)}</cite>"
        text = f"<cite>{escape(f'{works[key].people} {works[key].year}'.strip())}</cite>"
        if key not in entries:
            return text
        page, mark = entries[key]
        return f'<a href="{escape(app.builder.get_relative_uri(docname, page))}#{mark}">{text}</a>'

    return cite


def repo(app: Sphinx) -> Repository:
    """The repository that the pages link to."""
    options = app.config.html_theme_options
    return repository(options.get("repository_url", ""), options.get("repository_branch") or "main")


def configure(app: Sphinx, config: Any) -> None:
    """Let a fork's address reach the theme, the site map and the sharing tags."""
    where = repo(app)
    config.html_theme_options["repository_url"] = where.url
    config.html_baseurl = config.html_baseurl or where.site
    config.ogp_site_url = where.site
    config.notfound_urls_prefix = "/" + where.site.split("/", 3)[3]
    config.html_context["al_version"] = __version__


def link_from(app: Sphinx, docname: str) -> Link:
    """Addresses as seen from `docname`; None for what the site does not hold."""

    def link(target: str) -> str | None:
        return app.builder.get_relative_uri(docname, target) if target in app.env.found_docs else None

    return link


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the generated parts and the chapter's header card into a page about to be written."""
    for place in list(doctree.findall(made_part)):
        place.replace_self(nodes.raw("", PARTS[place["kind"]](app, docname), format="html"))
    for outside in doctree.findall(nodes.reference):
        # The theme's script takes every fragment for a CSS selector and stops at one such as "#page=12".
        outside["refuri"] = re.sub(r"#[^#]*=[^#]*$", "", outside.get("refuri", "")) or outside.get("refuri", "")
    for formula in list(doctree.findall(nodes.math)):
        _keep_punctuation(formula)
    _keep_percent(doctree)
    page = _pages(app).get(docname.removeprefix("chapters/")) if docname.startswith("chapters/") else None
    if page is None:
        return
    to_root = "../" * docname.count("/")
    cite = citer(app, docname)
    outputs = [raw for raw in doctree.findall(nodes.raw) if raw.get("format") == "html" and "al-" in raw.astext()]
    for output, html in zip(outputs, dressed_once([output.astext() for output in outputs])):
        html = _CITED.sub(lambda m: cite(m[1]), localize(html, to_root))
        output.replace_self(nodes.raw("", html, format="html"))
    title = next(iter(doctree.findall(nodes.title)), None)
    if title is not None and page.meta.get("section"):
        card = header_card(page, repo(app), link_from(app, docname), f"{to_root}_sources/{docname}.ipynb")
        title.parent.insert(title.parent.index(title) + 1, nodes.raw("", card, format="html"))
    if title is not None and (score := quiz.tally_html(_pages(app), page.slug, link_from(app, docname), to_root)):
        title.parent += nodes.raw("", score, format="html")


def _keep_punctuation(formula: nodes.math) -> None:
    """Keep what follows an inline formula without a space, such as a full stop, on the formula's line."""
    after = formula.next_node(descend=False, siblings=True)
    mark = _MARK.match(after.astext()) if isinstance(after, nodes.Text) else None
    if mark and after is not None:
        after.parent.replace(after, nodes.Text(after.astext()[mark.end() :]))
        formula.replace_self(nodes.inline("", "", formula.deepcopy(), nodes.Text(mark[0]), classes=["al-together"]))


def _keep_percent(doctree: nodes.document) -> None:
    """Keep a percent sign on the line of its number, which may stand in a node of its own before it."""
    for text in list(doctree.findall(nodes.Text)):
        kept = _PERCENT.sub("\N{NO-BREAK SPACE}%", text)
        if kept != text and not isinstance(text.parent, _VERBATIM):
            text.parent.replace(text, nodes.Text(kept))


def buttons(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """The palette on every page; on pages that have a source, the buttons of the article header."""
    from alignlab.book.page.style import variables

    context["metatags"] = context.get("metatags", "") + f"<style>{variables()}</style>{_FEED.format(repo(app).site)}"
    if doctree is None:
        return
    # The role of bibliography entries that docutils writes is deprecated, and no child of the list it puts them in.
    context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')
    # A folded cell is named by what is inside, which the label that the extension gives every fold would hide.
    context["body"] = _FOLD.sub(r'<details class="hide above-input al-code"><summary>\1</summary>', context["body"])
    where, found = repo(app), _pages(app)
    slug = pagename.removeprefix("chapters/")
    notebook_page = slug in found and pagename != slug and found[slug].notebook
    made = [("source-edit-button", where.edit(pagename, notebook_page), "Edit this page", "fas fa-pencil-alt")]
    if notebook_page:
        notebook = f"{context['pathto']('_sources', 1)}/{pagename}.ipynb"
        made = [
            ("colab-button", where.colab(slug), "Open in Colab", "fas fa-rocket"),
            ("download-notebook-button", notebook, "Download notebook", "fas fa-download"),
            *made,
        ]
    made.append(("source-repository-button", where.url, "Source repository", "fab fa-github"))
    context["header_buttons"] = [
        {"type": "link", "label": label, "url": url, "tooltip": tip, "icon": icon} for label, url, tip, icon in made
    ]


def finished(app: Sphinx, error: Exception | None) -> None:
    """Write the register of all that is asked beside the pages."""
    if error is None and app.builder.format == "html":
        quiz.write_register(Path(app.outdir), _pages(app))


def count_exercises(app: Sphinx, env: BuildEnvironment) -> None:
    """Exercises count from one on each page, as the page's own notebook does, not through the book."""
    for kinds in env.toc_fignumbers.values():
        ordered = sorted(kinds.get("exercise", {}).items(), key=lambda item: item[1])
        kinds["exercise"] = {label: (n,) for n, (label, _) in enumerate(ordered, 1)}


def outdated(app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """Pages with generated parts are written anew in every build: what they are made from are other files."""
    return [doc for doc in env.found_docs if doc == "index" or env.metadata.get(doc, {}).get(_HAS_PART)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    citations.register()
    app.add_node(made_part)
    for name in PARTS:
        app.add_directive(name, Part)
    app.add_directive("play", Play)
    app.add_directive("watermark", Watermark)
    app.connect("config-inited", configure, priority=100)
    app.connect("env-get-outdated", outdated)
    app.connect("env-check-consistency", count_exercises)
    app.connect("doctree-read", quiz.ask, priority=100)  # before the collector of contents
    app.connect("doctree-resolved", fill)
    app.connect("html-page-context", buttons, priority=900)
    app.connect("build-finished", finished)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}

"""The book's Sphinx extension: header cards, the survey map and the generated tables, links into the repository.

Directives: `{survey-map}`, `{claim-ledger}`, `{run-times}`, `{models-and-data}`, `{exercise-index}`, `{course-plan}`.
Each leaves a placeholder that is filled when its page is written, from the stored notebooks and the asset registry.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from alignlab import __version__
from alignlab.book.site import tables
from alignlab.book.site.header import header_card
from alignlab.book.site.pages import written
from alignlab.book.site.repository import Repository, repository
from alignlab.book.site.surveymap import survey_map

Link = Callable[[str], str | None]


class made_part(nodes.General, nodes.Element):
    """Placeholder of a generated part; `kind` names its maker in `PARTS`."""


def _ledger(app: Sphinx, link: Link) -> str:
    return tables.claim_ledger(written(Path(app.srcdir)), link, lambda key: cite(Path(app.srcdir), key))


def _assets(app: Sphinx, link: Link) -> str:
    from alignlab.assets import registry

    return tables.models_and_data(registry())


def _in_site(app: Sphinx) -> list[str]:
    return [slug for slug in written(Path(app.srcdir)) if f"chapters/{slug}" in app.env.found_docs]


PARTS: dict[str, Callable[[Sphinx, Link], str]] = {
    "survey-map": lambda app, link: survey_map(_in_site(app), link),
    "claim-ledger": _ledger,
    "run-times": lambda app, link: tables.run_times(written(Path(app.srcdir)), link),
    "models-and-data": _assets,
    "exercise-index": lambda app, link: tables.exercise_index(written(Path(app.srcdir)), link),
    "course-plan": lambda app, link: tables.course_plan(written(Path(app.srcdir)), link),
}


class Part(Directive):
    """A directive without content or options that stands for a generated part."""

    def run(self) -> list[nodes.Node]:
        """Leave the placeholder."""
        return [made_part(kind=self.name)]


@cache
def _works(root: Path) -> dict[str, Any]:
    from pybtex.database import parse_file

    return {key: entry for bib in ("survey", "extra") for key, entry in parse_file(root / "references" / f"{bib}.bib").entries.items()}


def cite(root: Path, key: str) -> str:
    """A work of the bibliography as "Stiennon et al. 2020", linked to its text. Raises KeyError for an unknown key."""
    works = _works(root)
    if key not in works:
        raise KeyError(f"a claim cites {key!r}, which is in neither bibliography")
    entry = works[key]
    people = entry.persons.get("author") or entry.persons.get("editor") or []
    names = [" ".join(p.last_names) for p in people]
    others = len(names) > 2 or "others" in names
    who = f"{names[0]} et al." if others else " and ".join(names)
    text = escape(f"{who} {entry.fields.get('year', '')}".strip())
    url = entry.fields.get("url") or (f"https://arxiv.org/abs/{entry.fields['eprint']}" if "eprint" in entry.fields else "")
    return f'<a href="{escape(url)}">{text}</a>' if url else text


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
    link = link_from(app, docname)
    for place in list(doctree.findall(made_part)):
        place.replace_self(nodes.raw("", PARTS[place["kind"]](app, link), format="html"))
    slug = docname.removeprefix("chapters/")
    page = written(Path(app.srcdir)).get(slug) if docname != slug else None
    title = next(iter(doctree.findall(nodes.title)), None)
    if page and title is not None and page.meta.get("section"):
        notebook = "../" * docname.count("/") + f"_sources/{docname}.ipynb"
        card = nodes.raw("", header_card(page, repo(app), link, notebook), format="html")
        title.parent.insert(title.parent.index(title) + 1, card)


def buttons(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """The palette on every page; on pages that have a source, the buttons of the article header."""
    from alignlab.book.style import variables

    context["metatags"] = context.get("metatags", "") + f"<style>{variables()}</style>"
    if doctree is None:
        return
    where, found = repo(app), written(Path(app.srcdir))
    slug = pagename.removeprefix("chapters/")
    made = [("source-edit-button", where.edit(pagename), "Edit this page", "fas fa-pencil-alt")]
    if slug in found and pagename != slug:
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


def outdated(app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """Pages with generated parts are written anew in every build: what they are made from are other files."""
    return [doc for doc in env.found_docs if doc == "index" or doc.startswith("chapters/appendix/")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.add_node(made_part)
    for name in PARTS:
        app.add_directive(name, Part)
    app.connect("config-inited", configure, priority=100)
    app.connect("env-get-outdated", outdated)
    app.connect("doctree-resolved", fill)
    app.connect("html-page-context", buttons, priority=900)
    return {"version": __version__, "parallel_read_safe": True, "parallel_write_safe": True}

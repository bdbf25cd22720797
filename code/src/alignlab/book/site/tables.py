"""The appendix's generated tables: ledger of claims, run times, models and data, exercises."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from html import escape
from statistics import median
from typing import Any

from alignlab.book.site.pages import Page, chapters
from alignlab.book.site.units import band, megabytes, minutes, number

Link = Callable[[str], str | None]


def anchor(*parts: str) -> str:
    """An HTML id made of the parts: `claim-reward-modeling-learns-the-order`."""
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


def table(head: Iterable[str], rows: Iterable[Iterable[str]], caption: str, kind: str = "") -> str:
    """An HTML table that can scroll by itself on a narrow screen; cells are HTML."""
    columns = list(head)
    th = "".join(f'<th scope="col">{h}</th>' for h in columns)
    body = []
    for row in rows:
        cells = list(row)
        first = f'<th scope="row" data-label="{escape(columns[0])}">{cells[0]}</th>'
        rest = "".join(f'<td data-label="{escape(h)}">{c}</td>' for h, c in zip(columns[1:], cells[1:]))
        body.append(f"<tr>{first}{rest}</tr>")
    return (
        f'<div class="al-table {kind}" role="region" tabindex="0" aria-label="{escape(caption)}"><table class="al-grid">'
        f"<caption>{escape(caption)}</caption><thead><tr>{th}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def page_link(page: Page, link: Link, fragment: str = "", text: str = "") -> str:
    """A link to a page, or its bare title where the page isn't in the site."""
    target = link(page.docname)
    text = text or escape(page.title)
    return f'<a href="{escape(target + fragment)}">{text}</a>' if target else text


def claim_ledger(pages: Mapping[str, Page], link: Link, cite: Callable[[str], str]) -> str:
    """Every claim of every written page: what the paper says, what each seed gave here, band and controls."""
    claims = [(page, claim) for page in pages.values() for claim in page.claims]
    if not claims:
        return '<p class="al-none">No chapter with claims is in this edition yet.</p>'
    held = sum(bool(claim.get("passed")) for _, claim in claims)
    seeds = sum(len(m["values"]) for _, c in claims for m in c["measures"])
    out = [
        f'<p class="al-ledger-sum"><strong>{held} of {len(claims)}</strong> claims hold, on every seed, '
        f"with every control outside the band ({seeds} measured values).</p>"
    ]
    for page in pages.values():
        if page.claims:
            out.append(f'<h2 class="al-ledger-page">{page_link(page, link)}</h2>')
            out.extend(_claim(page, claim, link, cite) for claim in page.claims)
    return "".join(out)


def _claim(page: Page, claim: Mapping[str, Any], link: Link, cite: Callable[[str], str]) -> str:
    name = str(claim["id"])
    passed = bool(claim.get("passed"))
    rows = []
    for measure in claim["measures"]:
        rows.append(
            (
                f"{escape(measure['name'])} <span class=\"al-quiet\">{escape(measure.get('unit') or '')}</span>",
                f"<strong>{number(median(measure['values']))}</strong>",
                _values(measure["values"]),
                band(*measure["band"]),
            )
        )
        for control in claim.get("controls", []):
            if control["of"] == measure["name"]:
                rows.append(
                    (
                        f'<span class="al-control">control: {escape(control["name"])}</span>',
                        f'<span class="al-control">{number(median(control["values"]))}</span>',
                        f'<span class="al-control">{_values(control["values"])}</span>',
                        f'<span class="al-quiet">without {escape(control["removed"])}</span>',
                    )
                )
    target = link(page.docname)
    where = f'<a href="{escape(target)}#{anchor("claim", name)}">{escape(str(claim["says"]))}</a>' if target else escape(str(claim["says"]))
    source = "recorded by a recipe, with a live miniature" if claim.get("source") == "recipe" else "run live on the page"
    return (
        f'<section class="al-ledger{"" if passed else " al-failed"}" id="{anchor("ledger", name)}">'
        f'<h3>{where}</h3><p class="al-ledger-meta"><span class="al-verdict">{"holds" if passed else "does not hold"}</span>'
        f' · {cite(str(claim["paper"]))} · {source} · <code>{escape(str(claim["method"]))}</code></p>'
        + table(("what was measured", "median", "each seed", "band"), rows, f"Measured for: {claim['says']}", "al-ledger-table")
        + "</section>"
    )


def _values(values: Iterable[float]) -> str:
    return f'<span class="al-seeds">{", ".join(number(v) for v in values)}</span>'


def run_times(pages: Mapping[str, Page], link: Link) -> str:
    """Measured seconds and peak memory of each page, one idle core, as `alignlab refresh` saw them."""
    measured = [p for p in pages.values() if p.measured]
    if not measured:
        return '<p class="al-none">No chapter has been measured yet.</p>'
    longest = max(p.measured["seconds"] for p in measured)
    rows = []
    for page in measured:
        seconds = page.measured["seconds"]
        bar = f'<span class="al-bar" aria-hidden="true"><i style="width:{100 * seconds / longest:.0f}%"></i></span>'
        rows.append((page_link(page, link), f"{minutes(seconds)} {bar}", megabytes(page.measured.get("memory_mb")), str(len(page.claims))))
    total = sum(p.measured["seconds"] for p in measured)
    rows.append((f"all {len(measured)}", minutes(total), megabytes(max(p.measured.get("memory_mb", 0) for p in measured)), str(sum(len(p.claims) for p in measured))))
    return table(("page", "run", "peak memory", "claims"), rows, "Measured run of every page, models already fetched", "al-numbers")


def models_and_data(assets: Mapping[str, Any]) -> str:
    """The asset registry as readers need it: what it is, size, both licenses, where from, checksum."""
    rows = []
    for name, asset in assets.items():
        sources = "<br>".join(escape(str(s)) for s in getattr(asset, "sources", ()))
        rows.append(
            (
                f'<code id="asset-{escape(name)}">{escape(name)}</code><br>{escape(str(getattr(asset, "about", "")))}',
                escape(str(asset.kind)),
                megabytes(asset.size / 1e6),
                f"{escape(str(asset.license_content))}<br><span class=\"al-quiet\">package: {escape(str(asset.license_package))}</span>",
                sources,
                f'<code class="al-sum" title="{escape(asset.sha256)}">{escape(asset.sha256[:12])}…</code>',
            )
        )
    head = ("name", "kind", "size", "license of the content", "from", "sha256")
    return table(head, rows, "Every model and data set that a page may read", "al-assets")


def exercise_index(pages: Mapping[str, Page], link: Link) -> str:
    """Every exercise with its place, and whether the page itself checks the answer."""
    rows = []
    for page in pages.values():
        for exercise in page.exercises:
            title = escape(exercise.title or "Exercise")
            rows.append((page_link(page, link, f"#{exercise.label}", title), page_link(page, link), "code, checked on the page" if exercise.checked else "in words"))
    if not rows:
        return '<p class="al-none">No chapter with exercises is in this edition yet.</p>'
    return table(("exercise", "chapter", "answer"), rows, "Every exercise of the book", "al-exercises")


def course_plan(pages: Mapping[str, Page], link: Link) -> str:
    """Objectives of every written chapter in order, for whoever plans a course."""
    rows = []
    for _, chapter in chapters():
        if chapter.slug in pages:
            page = pages[chapter.slug]
            goals = "".join(f"<li>{escape(str(o))}</li>" for o in page.meta.get("objectives") or [])
            rows.append((page_link(page, link), escape(chapter.section), f'<ul class="al-goals">{goals}</ul>', str(len(page.exercises))))
    if not rows:
        return '<p class="al-none">No chapter is in this edition yet.</p>'
    return table(("chapter", "section", "a student will be able to", "exercises"), rows, "Learning objectives of every chapter", "al-objectives")

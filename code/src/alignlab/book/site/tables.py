"""The appendix's generated tables: ledger of claims, run times, models and data, exercises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any

from alignlab.book.files.written import Page
from alignlab.book.page import evidence
from alignlab.book.page.card import anchor_of, band_origin, shown, strip
from alignlab.book.page.claims import band_text
from alignlab.book.page.fragments import said, style
from alignlab.book.plan import chapters, outline
from alignlab.book.site.units import megabytes, minutes

Link = Callable[[str], str | None]


def listing(head: Iterable[str], rows: Iterable[Iterable[str]], caption: str, kind: str = "") -> str:
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
        f'<div class="al-listing {kind}" role="region" tabindex="0" aria-label="{escape(caption)}">'
        f'<table class="al-grid"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{th}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def page_link(page: Page, link: Link, fragment: str = "", text: str = "") -> str:
    """A link to a page, or its bare title where the page isn't in the site."""
    target = link(page.docname)
    text = text or escape(page.title)
    return f'<a href="{escape(target + fragment)}">{text}</a>' if target else text


def claim_ledger(pages: Mapping[str, Page], link: Link, cite: Callable[[str], str]) -> str:
    """Every claim of every written page: what the paper says, what each seed gave here, band, controls, separation.

    First all of them in one table, those that separate least at its top, then each page's, in the same order.
    """
    claims = [claim for page in pages.values() for claim in page.claims]
    if not claims:
        return '<p class="al-none">No chapter with claims is in this edition yet.</p>'
    held = sum(bool(claim["passed"]) for claim in claims)
    values = sum(len(m["values"]) for c in claims for m in (*c["measures"], *c["controls"]))
    out = [
        f'<p class="al-ledger-sum"><strong>{held} of {len(claims)}</strong> claims hold on every seed, with every '
        f"control outside the band it must miss: {values} measured values.</p>",
        style("claim"),
        _by_separation(claims),
    ]
    for page in pages.values():
        if page.claims:
            heading = f'<h2 class="al-ledger-page" id="{anchor_of(page.slug, "page")}">{page_link(page, link)}</h2>'
            out.append(heading + "".join(_claim(page, c, link, cite) for c in evidence.by_separation(page.claims)))
    return "".join(out)


def _by_separation(claims: Sequence[dict[str, Any]]) -> str:
    """All claims, the weakest first, each with its separation and its rivals."""
    rows = []
    for claim in evidence.by_separation(claims):
        rivals = [str(control["name"]) for control in claim["controls"] if control.get("rival")]
        rows.append(
            (
                f'<a href="#{anchor_of(str(claim["id"]))}">{escape(str(claim["says"]))}</a>',
                _separation(evidence.weakest(claim)),
                escape("; ".join(rivals)) if rivals else '<span class="al-off">none named</span>',
            )
        )
    weak = sum(apart is not None and apart < evidence.WEAK for apart in map(evidence.weakest, claims))
    head = ("claim", "separation", "rival")
    return (
        f"<p>How far the nearest value and the nearest control's value stand apart, in standard deviations over seeds: "
        f"{weak} of {len(claims)} claims are <strong>weak</strong>, with a separation under {evidence.WEAK:g}.</p>"
        + listing(head, rows, "All claims, those that separate least first", "al-separations")
    )


_APART = ("none", "under 2", "2 to 5", "5 to 20", "20 up")


def claim_summary(pages: Mapping[str, Page]) -> str:
    """How many claims each part of the survey has, where they run, and how far they stand apart from their controls."""
    rows, sums = [], [0] * (3 + len(_APART))
    for section in outline():
        own = [pages[chapter.slug] for chapter in section.chapters if chapter.slug in pages]
        claims = [claim for page in own for claim in page.claims]
        recorded = sum(claim["source"] == "recipe" for claim in claims)
        counts = [len(own), len(claims), recorded]
        counts += [_apart(claims).count(kind) for kind in range(len(_APART))]
        sums = [a + b for a, b in zip(sums, counts)]
        rows.append((f"{section.number} {escape(section.title)}", *map(str, counts)))
    rows.append(("<strong>all</strong>", *(f"<strong>{n}</strong>" for n in sums)))
    says = (
        "The book's claims by part: how many, how many of them are recorded instead of run on the page, and in how "
        "many the separation from the nearest control is missing or lies in which range (under 2 is weak)"
    )
    return style("claim") + listing(("part", "chapters", "claims", "recorded", *_APART), rows, says, "al-claim-counts")


def _apart(claims: Sequence[dict[str, Any]]) -> list[int]:
    """Of each claim its place among `_APART`."""
    edges = (evidence.WEAK, 5.0, 20.0)
    found = map(evidence.weakest, claims)
    return [0 if apart is None else 1 + sum(apart >= edge for edge in edges) for apart in found]


def _separation(apart: float | None) -> str:
    text = evidence.separation_text(apart).replace("weak", '<strong class="al-weak">weak</strong>')
    return f'<span class="al-seeds">{text}</span>'


def _claim(page: Page, claim: Mapping[str, Any], link: Link, cite: Callable[[str], str]) -> str:
    mark = anchor_of(str(claim["id"]))
    says = escape(str(claim["says"]))
    target = link(page.docname)
    where = f'<a href="{escape(target)}#{mark}">{says}</a>' if target else says
    run = "recorded by a recipe, with a live miniature" if claim["source"] == "recipe" else "run on the page"
    rows = []
    for measure in claim["measures"]:
        controls = [control for control in claim["controls"] if control["of"] == measure["name"]]
        unit = f' <span class="al-quiet">{escape(measure["unit"])}</span>' if measure["unit"] else ""
        rows.append(
            (
                escape(measure["name"]) + unit,
                _values(measure["values"]),
                band_text(measure["band"]) + band_origin(measure),
                _separation(evidence.separation(measure, controls)),
                strip(measure, controls),
            )
        )
        for control in controls:
            kind = '<span class="al-rival">rival</span>' if control.get("rival") else "control:"
            why = f'<br><span class="al-quiet">{said(control["why"])}</span>' if control.get("why") else ""
            name = f'<span class="al-off">{kind} {escape(control["name"])}</span>{why}'
            rows.append(
                (
                    name,
                    f'<span class="al-off">{_values(control["values"])}</span>',
                    f'<span class="al-off">without {escape(control["removed"])}</span>',
                    "",
                    "",
                )
            )
    verdict = "holds" if claim["passed"] else "does not hold"
    return (
        f'<section class="al-ledger" data-holds="{"yes" if claim["passed"] else "no"}" id="{mark}"><h3>{where}</h3>'
        f'<p class="al-ledger-meta"><strong>{verdict}</strong> · {cite(str(claim["paper"]))} · {run} · '
        f"<code>{escape(str(claim['method']))}</code></p>"
        + listing(
            ("measured", "each seed", "holds when", "separation", "picture"),
            rows,
            f"Measured, {claim['id']}: {claim['says']}",
            "al-ledger-rows",
        )
        + "</section>"
    )


def _values(values: Sequence[float | None]) -> str:
    return f'<span class="al-seeds">{", ".join(shown(values))}</span>'


def run_times(pages: Mapping[str, Page], link: Link) -> str:
    """Reference seconds and peak memory of each page on one core, as `alignlab refresh` saw them."""
    measured = [p for p in pages.values() if p.cost is not None]
    if not measured:
        return '<p class="al-none">No chapter has been measured yet.</p>'
    longest = max(p.cost or 0.0 for p in measured)
    rows = []
    for page in measured:
        seconds = page.cost or 0.0
        bar = f'<span class="al-time" aria-hidden="true"><i style="width:{100 * seconds / longest:.0f}%"></i></span>'
        rows.append(
            (
                page_link(page, link),
                f"{minutes(seconds)} {bar}",
                megabytes(page.measured.get("peak_mb")),
                str(len(page.claims)),
            )
        )
    total = sum(p.cost or 0.0 for p in measured)
    rows.append(
        (
            f"all {len(measured)}",
            minutes(total),
            megabytes(max(p.measured.get("peak_mb", 0) for p in measured)),
            str(sum(len(p.claims) for p in measured)),
        )
    )
    return listing(
        ("page", "run", "peak memory", "claims"),
        rows,
        "Measured run of every page, models already fetched",
        "al-numbers",
    )


def models_and_data(assets: Mapping[str, Any], cite: Callable[[str], str]) -> str:
    """The asset registry as readers need it: what each is, its size, both licenses, where it is from, its checksum."""
    rows = []
    for name, asset in assets.items():
        rows.append(
            (
                f'<a href="#asset-{escape(name)}"><code>{escape(name)}</code></a>',
                escape(asset.kind),
                megabytes(asset.archive_size / 1e6),
                megabytes(asset.size / 1e6),
                escape(asset.license_content),
            )
        )
    head = ("name", "kind", "download", "on disk", "license of the content")
    overview = listing(head, rows, "Every model and data collection that a page may read", "al-numbers")
    return overview + "".join(_asset(name, asset, cite) for name, asset in assets.items())


def _asset(name: str, asset: Any, cite: Callable[[str], str]) -> str:
    home = f' <a href="{escape(asset.homepage)}">home page</a>' if asset.homepage else ""
    facts = [
        (
            "from",
            f"package <code>{escape(asset.carrier)}</code> {escape(asset.version)}, "
            f"file <code>{escape(asset.archive)}</code>",
        ),
        ("license", f"content {escape(asset.license_content)}; package {escape(asset.license_package)}"),
        ("size", f"{megabytes(asset.archive_size / 1e6)} downloaded, {megabytes(asset.size / 1e6)} on disk"),
        ("sha256", f'<code class="al-sum">{escape(asset.archive_sha256)}</code>'),
    ]
    if asset.cite:
        facts.insert(0, ("source", cite(asset.cite)))
    listed = "".join(f"<div><dt>{k}</dt><dd>{v}</dd></div>" for k, v in facts)
    rows = [
        (
            f"{escape(c.name)}" + (f'<br><span class="al-quiet">{escape(c.note)}</span>' if c.note else ""),
            f"{c.rows:,}",
            f"<code>{escape(c.reader)}</code>",
            escape(c.license),
            cite(c.cite) if c.cite else "",
        )
        for c in asset.contents
    ]
    inside = (
        listing(("data set", "rows", "reader", "license", "source"), rows, f"Data sets in {name}", "al-contents")
        if rows
        else ""
    )
    return (
        f'<section class="al-asset" id="asset-{escape(name)}"><h2>{escape(asset.title)}</h2>'
        f'<p>{escape(asset.about)}{home}</p><dl class="al-facts">{listed}</dl>{inside}</section>'
    )


def exercise_index(pages: Mapping[str, Page], link: Link) -> str:
    """Every exercise with its place, and whether the page itself checks the answer."""
    rows = []
    for page in pages.values():
        for exercise in page.exercises:
            title = escape(exercise.title or "Exercise")
            rows.append(
                (
                    page_link(page, link, f"#{exercise.label}", title),
                    page_link(page, link),
                    "code, checked on the page" if exercise.checked else "in words",
                )
            )
    if not rows:
        return '<p class="al-none">No chapter with exercises is in this edition yet.</p>'
    return listing(("exercise", "chapter", "answer"), rows, "Every exercise of the book", "al-exercises")


def course_plan(pages: Mapping[str, Page], link: Link) -> str:
    """Objectives of every written chapter in order, for whoever plans a course."""
    rows = []
    for _, chapter in chapters():
        if chapter.slug in pages:
            page = pages[chapter.slug]
            goals = "".join(f"<li>{escape(str(o))}</li>" for o in page.meta.get("objectives") or [])
            rows.append(
                (
                    page_link(page, link),
                    escape(chapter.section),
                    f'<ul class="al-goals">{goals}</ul>',
                    str(len(page.exercises)),
                )
            )
    if not rows:
        return '<p class="al-none">No chapter is in this edition yet.</p>'
    return listing(
        ("chapter", "section", "a student will be able to", "exercises"),
        rows,
        "Learning objectives of every chapter",
        "al-objectives",
    )

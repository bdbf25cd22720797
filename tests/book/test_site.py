"""The built site: everything on it leads somewhere, holds what the notebooks hold, and needs nothing from outside."""

import json
import re
import shutil
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from alignlab.assets import registry
from alignlab.book.files.written import Page, written
from alignlab.book.page import evidence
from alignlab.book.page.card import anchor_of, shown
from alignlab.book.page.links import repository
from alignlab.book.plan import chapters, outline
from alignlab.book.site import tables
from alignlab.book.site.header import header_card
from alignlab.book.site.units import minutes
from bs4 import BeautifulSoup
from support import ROOT, build_book, complaints

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text())
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
IN_TOC = [chapter["file"] for part in TOC["parts"] for chapter in part["chapters"]]
WRITTEN = written(ROOT)
REPOSITORY = CONFIG["repository"]["url"]
DRAWN = ("al-figure", "al-explorer", "output")  # what code draws, not prose


@cache
def page(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def pages(site: Path) -> list[Path]:
    return [path for path in site.rglob("*.html") if not {"_static", "_sources"} & set(path.relative_to(site).parts)]


def test_every_written_page_is_in_the_table_of_contents():
    assert [name.removeprefix("chapters/") for name in IN_TOC if "/appendix/" not in name] == list(WRITTEN)


def test_every_file_of_the_table_of_contents_is_built(site):
    assert [name for name in ["index", *IN_TOC] if not (site / f"{name}.html").exists()] == []


def test_every_chapter_is_in_the_outline_with_one_question():
    slugs = [chapter.slug for _, chapter in chapters()]
    assert len(slugs) == len(set(slugs))
    assert set(WRITTEN) <= set(slugs)
    assert [c.slug for _, c in chapters() if not c.question.endswith("?")] == []
    assert [s.number for s in outline()] == [str(n) for n in range(1, 11)]


def test_outline_covers_every_heading_of_the_bibliography():
    named = {heading for _, chapter in chapters() for heading in chapter.headings}
    listed = set()
    for match in re.finditer(r"^\s*survey = \{(.*)\}", (ROOT / "references/survey.bib").read_text(), re.M):
        listed |= set(match[1].split("; "))
    assert named == listed


@pytest.mark.parametrize("slug", [slug for slug, p in WRITTEN.items() if p.notebook])
def test_header_card_says_what_the_page_is(site, slug):
    card = page(site / f"chapters/{slug}.html").select_one("aside.al-header")
    meta, text = WRITTEN[slug].meta, card.get_text(" ")
    assert f"Section {meta['section']} of the survey" in text
    assert [li.get_text() for li in card.select("li")] == meta["objectives"]
    assert len(meta["objectives"]) <= 3
    assert f"{minutes(WRITTEN[slug].cost)} ·" in text
    for name in meta["downloads"]:
        assert card.select_one(f'a[href$="models-and-data.html#asset-{name}"]') is not None
    links = {a.get_text(): a["href"] for a in card.select("a.al-button")}
    assert links["Open in Colab"].endswith(f"/blob/gh-pages/colab/{slug}.ipynb")
    assert json.loads(
        (site / f"chapters/{slug}.html").parent.joinpath(links["Download notebook"]).resolve().read_text()
    )
    assert card.select_one(".al-header-bar .al-here i") is not None


def test_a_percent_sign_stays_with_its_number(site):
    split = re.compile(r"\d[ \n]%")
    for path in pages(site):
        for prose in page(path).select("article p, article li"):
            drawn = split.search(prose.get_text()) and prose.name == "p" and prose.find_parent(class_=DRAWN)
            assert drawn or not split.search(prose.get_text()), (path.name, prose.get_text())


def test_map_holds_every_chapter_and_links_the_written_ones(site):
    survey = page(site / "index.html").select_one("nav.al-map")
    assert [s["data-section"] for s in survey.select(".al-map-section")] == [s.number for s in outline()]
    leaves = survey.select(".al-map-chapter")
    assert [leaf["data-question"] for leaf in leaves] == [chapter.question for _, chapter in chapters()]
    linked = {leaf["href"].removeprefix("chapters/").removesuffix(".html") for leaf in leaves if leaf.name == "a"}
    assert linked == set(WRITTEN)
    assert all("(planned)" in leaf.get_text() for leaf in leaves if leaf.name != "a")


def test_map_on_a_chapters_own_page_has_its_leaf_filled(site):
    leaf = page(site / "chapters/01-introduction/meet-the-model.html").select_one('.al-map [aria-current="page"]')
    assert leaf["href"] == "#" and leaf.select_one(".al-leaf.al-written") is not None


@pytest.mark.parametrize("slug", [slug for slug, p in WRITTEN.items() if p.exercises])
def test_exercises_count_from_one_on_each_page(site, slug):
    titles = page(site / f"chapters/{slug}.html").select("div.exercise .caption-number")
    assert [title.get_text().strip() for title in titles] == [f"Exercise {n}" for n in range(1, len(titles) + 1)]
    assert len(titles) == len(WRITTEN[slug].exercises)


def test_internal_links_lead_somewhere(site):
    broken = []
    for path in pages(site):
        for element in page(path).select("a[href]"):
            link = urlsplit(element["href"])
            if link.scheme or link.netloc or path.name == "404.html":
                continue
            target = (path.parent / unquote(link.path)).resolve() if link.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists() or (
                link.fragment and target.suffix == ".html" and not has_anchor(target, unquote(link.fragment))
            ):
                broken.append((path.name, element["href"]))
    assert broken == []


@cache
def anchors(path: Path) -> frozenset[str]:
    return frozenset(element["id"] for element in page(path).select("[id]"))


def has_anchor(path: Path, name: str) -> bool:
    return name in anchors(path)


def test_edit_links_lead_to_texts_of_the_repository(site):
    for name in ["index", *IN_TOC]:
        links = {a["href"] for a in page(site / f"{name}.html").select(f'a[href^="{REPOSITORY}/edit/"]')}
        assert len(links) == 1, name
        file = links.pop().removeprefix(f"{REPOSITORY}/edit/main/")
        assert (ROOT / file).is_file(), file
        written_page = WRITTEN.get(name.removeprefix("chapters/"))
        assert file.startswith("text/") == (written_page is not None and written_page.notebook)


def test_links_into_the_repository_lead_to_its_files(site):
    broken = []
    for path in pages(site):
        for element in page(path).select(f'a[href^="{REPOSITORY}/"]'):
            kind, _, rest = element["href"].removeprefix(f"{REPOSITORY}/").partition("/")
            name = unquote(urlsplit(rest).path).partition("/")[2]  # after the branch
            if kind in ("blob", "tree", "raw") and not (ROOT / name).exists():
                broken.append((path.name, element["href"]))
    assert broken == []


def test_no_resource_comes_from_outside(site):
    loads = ["script[src]", "img[src]", "iframe[src]", "source[src]", "video[src]", "link[rel~=stylesheet]",
             "link[rel~=icon]",
             "link[rel~=preload]", "link[rel~=modulepreload]", "link[rel~=preconnect]", "object[data]"]  # fmt: skip
    outside = []
    for path in pages(site):
        for element in page(path).select(", ".join(loads)):
            link = element.get("src") or element.get("href") or element.get("data")
            if urlsplit(link).netloc:
                outside.append((path.name, link))
    for path in site.rglob("*.css"):
        outside += [(path.name, m) for m in re.findall(r"(?:url\(|@import )[\"']?(https?:[^\"')]+)", path.read_text())]
    assert outside == []


def test_no_path_of_this_machine_is_on_the_site(site):
    needles = [str(ROOT), str(site.parent.parent), str(Path.home() / ".cache")]
    found = []
    for path in site.rglob("*"):
        if path.suffix in (".html", ".js", ".ipynb", ".md", ".xml", ".json"):
            text = path.read_text(encoding="utf-8", errors="replace")
            found += [(path.name, needle) for needle in needles if needle in text]
    assert found == []


def test_ledger_holds_every_claim_with_every_value(site):
    ledger = page(site / "chapters/appendix/ledger.html")
    claims = [claim for p in WRITTEN.values() for claim in p.claims]
    entries = {section["id"]: section for section in ledger.select("section.al-ledger")}
    assert len(entries) == len(claims)
    for claim in claims:
        name = "claim-" + re.sub(r"[^\w]+", "-", claim["id"])
        text = entries[name].get_text(" ")
        for entry in (*claim["measures"], *claim["controls"]):
            assert entry["name"] in text
            assert ", ".join(shown(entry["values"])) in text
        assert entries[name].h3.a["href"].endswith(f"{claim['chapter']}.html#{name}")


def test_ledger_begins_with_all_claims_the_weakest_first(site):
    ledger = page(site / "chapters/appendix/ledger.html")
    claims = evidence.by_separation([claim for p in WRITTEN.values() for claim in p.claims])
    rows = ledger.select(".al-separations tbody tr")
    assert [row.a["href"] for row in rows] == [f"#{anchor_of(claim['id'])}" for claim in claims]
    told = [row.select("td")[0].get_text() for row in rows]
    assert told == [evidence.separation_text(evidence.weakest(claim)) for claim in claims]


def test_the_summary_counts_every_claim_once():
    soup = BeautifulSoup(tables.claim_summary(WRITTEN), "html.parser")
    rows = [[int(cell.get_text()) for cell in row.select("td")] for row in soup.select("tbody tr")]
    *parts, whole = rows
    assert whole == [sum(column) for column in zip(*parts)]
    claims = [claim for p in WRITTEN.values() for claim in p.claims]
    chapters, count, recorded, none, weak, *apart = whole
    assert (chapters, count) == (len(WRITTEN), len(claims))
    assert count == none + weak + sum(apart)
    assert recorded == sum(claim["source"] == "recipe" for claim in claims)
    assert weak == sum("weak" in evidence.separation_text(evidence.weakest(claim)) for claim in claims)


def test_ledger_of_a_page_is_sorted_marks_what_is_weak_and_tells_of_rivals():
    values = {"strong": [9.0, 9.1, 9.2], "weak": [1.1, 1.2, 1.3]}
    records = tuple(
        {
            "id": f"page/{name}",
            "paper": "nobody2024",
            "says": f"it is {name}",
            "method": "alignlab.x",
            "source": "live",
            "passed": True,
            "measures": [
                {
                    "name": "gain",
                    "unit": "",
                    "seeds": [0, 1, 2],
                    "values": own,
                    "band": [1.05, None],
                    "tol": 0.01,
                    "band_from": "paper: page 3",
                    "band_history": [{"from": [1.2, None], "to": [1.05, None], "why": "so", "seeds": "7-9"}],
                }
            ],
            "controls": [
                {
                    "name": "words",
                    "of": "gain",
                    "removed": "order",
                    "rival": True,
                    "why": "may",
                    "values": [0.8, 0.9, 1],
                }
            ],
        }
        for name, own in values.items()
    )
    html = tables.claim_ledger({"a/page": Page("a/page", "Page", {}, records)}, lambda doc: f"{doc}.html", str)
    soup = BeautifulSoup(html, "html.parser")
    assert [row.get_text() for row in soup.select("section.al-ledger h3")] == ["it is weak", "it is strong"]
    assert "1 of 2 claims are weak" in soup.get_text()
    rows = [[cell.get_text() for cell in row.select("th, td")] for row in soup.select(".al-separations tbody tr")]
    assert rows == [["it is weak", "1.00, weak", "words"], ["it is strong", "80.0", "words"]]
    [first, *_] = soup.select("section.al-ledger")
    assert first.select_one(".al-weak") and first.select_one(".al-rival").get_text() == "rival"
    assert first.details.summary.get_text() == "Where the band comes from, moved once"
    assert "from at least 1.2 to at least 1.05, on seeds 7-9: so" in first.details.get_text()


def test_models_page_holds_every_asset_with_licenses_and_checksum(site):
    models = page(site / "chapters/appendix/models-and-data.html")
    for name, asset in registry().items():
        text = models.find(id=f"asset-{name}").get_text(" ")
        for fact in (asset.license_content, asset.license_package, asset.archive_sha256, asset.carrier, asset.version):
            assert fact in text, (name, fact)
        for content in asset.contents:
            assert content.license in text
            assert f"{content.rows:,}" in text


def test_exercise_index_leads_to_every_exercise(site):
    index = page(site / "chapters/appendix/teachers.html").select_one(".al-exercises")
    expected = [exercise for p in WRITTEN.values() for exercise in p.exercises]
    rows = index.select("tbody tr") if index else []
    assert [row.select_one("th").get_text() for row in rows] == [exercise.title for exercise in expected]
    assert all(exercise.label for exercise in expected)


def test_run_times_hold_every_measured_page(site):
    table = page(site / "chapters/appendix/run-times.html").select_one(".al-listing")
    names = [row.select_one("th").get_text() for row in table.select("tbody tr")] if table else []
    measured = [p.title for p in WRITTEN.values() if p.measured]
    assert names[:-1] == measured


def test_vendored_files_stand_beside_their_licenses():
    for folder in (ROOT / "assets/vendor").iterdir():
        assert any(file.name.startswith("LICENSE") and file.stat().st_size > 500 for file in folder.iterdir()), (
            folder.name
        )


# ---- a little book of one page, built as a fork would build it ----

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
META = {
    "section": "4.3.1",
    "objectives": ["Explain a thing", "Measure it"],
    "prerequisites": ["05-inner/failures"],
    "downloads": [],
    "measured": {"seconds": 100, "peak_mb": 1250},
}


@pytest.fixture(scope="module")
def fork(tmp_path_factory) -> Path:
    """A book with one chapter, built with GITHUB_REPOSITORY set."""
    source = tmp_path_factory.mktemp("fork")
    for name in ("_config.yml", "assets", "references"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, source / name)
    (source / "_toc.yml").write_text(
        "format: jb-book\nroot: index\nchapters: [{file: chapters/04-outer/rlhf}, {file: chapters/appendix/ledger}]\n"
    )
    (source / "index.md").write_text("# Front\n\n```{survey-map}\n```\n")
    (source / "chapters/04-outer").mkdir(parents=True)
    (source / "chapters/appendix").mkdir(parents=True)
    (source / "chapters/appendix/ledger.md").write_text("# Ledger\n\n```{claim-ledger}\n```\n")
    stored = '<div class="al-x"><a href="https://github.com/a/b/blob/main/code/x.py">code</a></div>'
    output = {"output_type": "display_data", "metadata": {}, "data": {"text/html": stored, "text/plain": "x"}}
    cells = [
        {"cell_type": "markdown", "metadata": {}, "id": "a", "source": "# RLHF\n\nThe value is $x$. So it is."},
        {"cell_type": "code", "metadata": {}, "id": "b", "source": "1", "execution_count": 1, "outputs": [output]},
    ]
    notebook = {
        "cells": cells,
        "metadata": {"alignlab": META, "kernelspec": KERNEL},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (source / "chapters/04-outer/rlhf.ipynb").write_text(json.dumps(notebook))
    run = build_book(source, source / "out", GITHUB_REPOSITORY="somebody/a-fork")
    assert run.returncode == 0, complaints(run)
    return source / "out/_build/html"


def test_a_fork_links_to_itself(fork):
    text = (fork / "chapters/04-outer/rlhf.html").read_text()
    assert "https://github.com/somebody/a-fork/edit/main/text/04-outer/rlhf.md" in text
    assert "https://colab.research.google.com/github/somebody/a-fork/blob/gh-pages/colab/04-outer/rlhf.ipynb" in text
    assert "https://github.com/somebody/a-fork/blob/main/code/x.py" in text
    assert "https://somebody.github.io/a-fork/" in (fork / "sitemap.xml").read_text()
    assert REPOSITORY not in text


def test_header_card_of_a_known_page(fork):
    card = page(fork / "chapters/04-outer/rlhf.html").select_one("aside.al-header")
    text = re.sub(r"\s+", " ", card.get_text(" "))
    assert "Section 4.3.1 of the survey" in text
    assert "1.7 min · 1.2 GB memory" in text
    assert "Failures (not written yet)" in text
    order = [chapter.slug for _, chapter in chapters()]
    place = f"Chapter {order.index('04-outer/rlhf') + 1} of {len(order)} in the survey's order"
    assert card.select_one(".al-header-bar")["aria-label"] == place


def test_map_fills_only_what_is_written(fork):
    leaves = page(fork / "index.html").select(".al-map a.al-map-chapter")
    assert [leaf["href"] for leaf in leaves] == ["chapters/04-outer/rlhf.html"]


def test_a_full_stop_stays_with_its_formula(fork):
    assert page(fork / "chapters/04-outer/rlhf.html").select_one(".al-together").get_text().endswith(".")


def test_an_unknown_download_is_named():
    broken = Page("04-outer/rlhf", "RLHF", {**META, "downloads": ["no-such-model"]})
    with pytest.raises(ValueError, match="no-such-model"):
        header_card(broken, repository(REPOSITORY), lambda name: name, "x.ipynb")

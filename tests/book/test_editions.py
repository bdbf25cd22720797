"""The book as one document (PDF, EPUB), as notebooks for a class, and as plain text."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from alignlab import cli
from alignlab.book.editions import classroom, printed, text
from alignlab.book.editions.colab import Edition
from alignlab.book.files import pages
from alignlab.book.page import checks
from alignlab.book.site.weights import SiteError
from bs4 import BeautifulSoup
from support import ROOT
from typer.testing import CliRunner

SLUGS = Edition(ROOT).places.slugs
FEW = ["01-introduction/meet-the-model", "04-outer/goals"]


@pytest.fixture(scope="module")
def body(site) -> BeautifulSoup:
    return BeautifulSoup(printed.gather(ROOT, site, FEW), "html5lib")


def test_one_document_holds_parts_pages_and_solutions_in_order(body):
    assert [part.get_text() for part in body.select("h1")] == ["1 Introduction", "4 Outer alignment", "Solutions"]
    assert [head.get_text() for head in body.select("h2")] == ["Meet the model", "Goals", "Meet the model", "Goals"]
    assert body.select("h2 ~ div.solution") and body.find_all(re.compile("section|script|style|button|details")) == []
    claims = [record["id"] for slug in FEW for record in pages.claims_records(ROOT, slug)]
    assert [found.get_text() for found in body.select(".al-claim-id")] == claims


def test_links_lead_to_places_of_the_document_or_to_the_site(body):
    marks = [found["id"] for found in body.select("[id]")]
    assert len(marks) == len(set(marks))
    for link in body.select("a[href]"):
        assert link["href"].removeprefix("#") in marks or re.match(r"https?://|mailto:", link["href"]), link["href"]
    assert body.select('a[href="#chapters-01-introduction-meet-the-model"]')


def test_an_explorer_stands_still_with_its_sentence(body):
    explorers = body.select(".al-explorer")
    assert explorers
    for explorer in explorers:
        assert len(explorer.select(".al-frame")) == 1 and explorer.select_one(".al-say").get_text(strip=True)
        assert not explorer.select("input")
    assert "var(--al-" not in "".join(part["style"] for part in body.select("svg [style]"))


@pytest.mark.browser
def test_the_pdf_is_tagged_and_has_an_outline(chromium, site, tmp_path):
    made = tmp_path / "book.pdf"  # by a process of its own: a thread has one Playwright
    asked = ["pdf", FEW[1], "--to", str(made), "--built", str(site), "--root", str(ROOT)]
    subprocess.run([sys.executable, "-c", "from alignlab.cli import main; main()", *asked], check=True)
    raw = made.read_bytes()
    assert raw.startswith(b"%PDF") and b"/Outlines" in raw and b"/MarkInfo" in raw and len(raw) > 100_000


def test_the_epub_is_well_formed_and_its_links_lead_somewhere(site, tmp_path):
    made = printed.epub(ROOT, site, tmp_path / "book.epub", FEW[1:])
    with zipfile.ZipFile(made) as book:
        names = book.namelist()
        assert names[0] == "mimetype" and book.read("mimetype") == b"application/epub+zip"
        texts = {Path(name).name: book.read(name).decode() for name in names if name.endswith(".xhtml")}
        for name in names:
            if name.endswith((".xhtml", ".svg", ".opf", ".ncx")):
                ElementTree.fromstring(book.read(name))
    whole = "".join(texts.values())
    assert "<math" in whole and "tex2jax" not in whole and "<script" not in whole
    marks = {name: set(re.findall(r'\bid="([^"]+)"', told)) for name, told in texts.items()}
    for name, told in texts.items():
        for target, mark in re.findall(r'href="([\w.]*\.xhtml)?#([^"]+)"', told):
            assert mark in marks[target or name], (name, target, mark)


def test_a_site_that_is_not_built_is_one_line(tmp_path):
    with pytest.raises(SiteError, match="jupyter-book build"):
        printed.gather(ROOT, tmp_path)
    for command in ("pdf", "epub"):
        run = CliRunner().invoke(cli.app, [command, "--to", str(tmp_path / "b"), "--built", str(tmp_path)])
        assert run.exit_code == 1 and "jupyter-book build" in run.output and not (tmp_path / "b").exists()


@pytest.fixture(scope="module")
def class_folder(tmp_path_factory) -> Path:
    to = tmp_path_factory.mktemp("class")
    assert len(classroom.export(ROOT, to)) == 2 * len(SLUGS)
    return to


@pytest.mark.parametrize("slug", SLUGS)
def test_students_get_no_solution_and_instructors_all_of_them(class_folder, slug):
    kinds = ("student", "instructor")
    student, instructor = (nbformat.read(class_folder / kind / f"{slug}.ipynb", 4) for kind in kinds)
    source = pages.read_notebook(pages.notebook_path(ROOT, slug))
    written = "\n".join(cell.source for cell in source.cells if cell.cell_type == "markdown")
    solutions = written.count("{solution}")
    assert solutions
    told = {
        kind: "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
        for kind, book in zip(kinds, (student, instructor))
    }
    assert "Solution:" not in told["student"] and told["instructor"].count("**Solution:") == solutions
    assert all(cell.outputs == [] for cell in student.cells if cell.cell_type == "code")
    assert sum(len(cell.outputs) for cell in instructor.cells if cell.cell_type == "code") > 3
    code = [cell.source for cell in student.cells if cell.cell_type == "code"]
    assert code == [cell.source for cell in instructor.cells if cell.cell_type == "code"]
    for name, exercise in checks.exercises(slug).items():
        if f'check("{name}"' in "\n".join(code):
            assert all(wrong.message in told["instructor"] for wrong in exercise.wrong), name


def test_a_readers_assistant_finds_every_page_without_solutions(tmp_path):
    index, *written = text.export(ROOT, tmp_path)
    told = index.read_text()
    assert told.startswith("# ") and "Do not hand out a solution" in told
    assert [path.relative_to(tmp_path).as_posix() for path in written] == [f"llms/{slug}.md" for slug in SLUGS]
    for slug, path in zip(SLUGS, written):
        page = path.read_text()
        assert f"llms/{slug}.md)" in told and "Solution:" not in page and "check(" in page
        for record in pages.claims_records(ROOT, slug):
            assert record["says"].split(",")[0] in page, record["id"]


def test_the_site_carries_the_text(site):
    assert (site / "llms.txt").is_file() and (site / "llms" / f"{SLUGS[0]}.md").is_file()


# --- What's new, and what the site is spared


def test_the_feed_and_the_page_hold_the_changelogs_entries(site):
    from alignlab.book.site import news

    found = news.entries(ROOT)
    assert len(found) >= 3 and [entry.day for entry in found] == sorted((e.day for e in found), reverse=True)
    feed = ElementTree.parse(site / "feed.xml").getroot()
    names = {"a": news.ATOM}
    assert [title.text for title in feed.findall("a:entry/a:title", names)] == [entry.heading for entry in found]
    assert all(len(feed.findall(f"a:entry/a:{tag}", names)) == len(found) for tag in ("id", "updated", "content"))
    page = BeautifulSoup((site / "chapters/appendix/whats-new.html").read_text(), "html.parser")
    told = [heading.get_text().rstrip("#") for heading in page.select("article h2")]
    assert told == [entry.heading for entry in found]
    assert page.select_one('link[type="application/atom+xml"]')["href"].endswith("/feed.xml")


def test_a_heading_of_the_changelog_that_is_no_date_is_named(tmp_path):
    from alignlab.book.site import news

    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 0.2.0\n\nwords\n")
    with pytest.raises(pages.PageError, match=r"'0\.2\.0' is no date"):
        news.entries(tmp_path)

"""Slides: everything that a page shows is on them, what moves still moves, and nothing comes from outside."""

import re
from pathlib import Path

import pytest
from alignlab import cli
from alignlab.book.editions import slides
from alignlab.book.editions.colab import Edition
from alignlab.book.files import pages
from bs4 import BeautifulSoup
from support import ROOT
from typer.testing import CliRunner

SLUGS = Edition(ROOT).places.slugs


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The decks of all pages."""
    to = tmp_path_factory.mktemp("slides")
    assert [path.relative_to(to).as_posix() for path in slides.export(ROOT, to)] == [f"{slug}.html" for slug in SLUGS]
    return to


def deck(folder: Path, slug: str) -> BeautifulSoup:
    return BeautifulSoup((folder / f"{slug}.html").read_text(encoding="utf-8"), "html.parser")


def outputs(slug: str) -> list[str]:
    """The HTML that a page's cells show, verdicts of exercises aside."""
    cells = pages.read_notebook(pages.notebook_path(ROOT, slug)).cells
    shown = [c for c in cells if c.cell_type == "code" and not re.search(r"^check\(", c.source, re.M)]
    return [o.data["text/html"] for c in shown for o in c.outputs if "text/html" in o.get("data", {})]


@pytest.mark.parametrize("slug", SLUGS)
def test_every_heading_and_every_output_is_on_a_slide(folder, slug):
    made = deck(folder, slug)
    for named in made.select("cite"):
        named.extract()
    leaves = [s for s in made.select("section") if "stack" not in s.get("class", [])]
    assert len(leaves) >= len(outputs(slug)) and all(leaf.get_text(strip=True) for leaf in leaves)
    for html in outputs(slug):
        what = BeautifulSoup(html, "html.parser")
        for named in what.select("cite"):  # by its key on the page, by its authors on the slide
            named.extract()
        for kind in ("figure.al-figure", ".al-claim", ".al-explorer", ".al-table", ".al-predict", ".al-source"):
            for element in what.select(kind):
                same = [e for e in made.select(kind) if e.get_text() == element.get_text()]
                assert same and all(e.find_parent("section") for e in same), f"{kind} is on no slide"
    headings = re.findall(r"^## (.+)$", Edition(ROOT).places.texts[f"chapters/{slug}"], re.M)
    told = made.get_text(" ")
    assert [heading for heading in headings if heading not in told] == []


@pytest.mark.parametrize("slug", SLUGS)
def test_code_is_shown_where_it_is_asked_for(folder, slug):
    notebook = Edition(ROOT).notebook(slug, moving=True)
    with_code = BeautifulSoup(slides.deck(notebook, "T", "https://x", code=True), "html.parser").get_text()
    without = deck(folder, slug).get_text()
    cells = [c.source for c in notebook.cells if c.cell_type == "code" and c.id != "setup"]
    assert all(source in with_code for source in cells)
    checked = [source for source in cells if re.search(r"^check\(", source, re.M)]
    assert [source for source in cells if source in without] == checked


@pytest.mark.parametrize("slug", SLUGS)
def test_nothing_is_loaded_from_outside_the_folder(folder, slug):
    for element in deck(folder, slug).select("script[src], link[rel~=stylesheet], img[src]"):
        link = element.get("src") or element.get("href")
        assert (folder / f"{slug}.html").parent.joinpath(link).resolve().is_file(), link


@pytest.mark.browser
@pytest.mark.parametrize("slug", SLUGS)
def test_a_deck_turns_by_key_and_its_explorers_move(folder, chromium, slug):
    page = chromium.new_page(viewport={"width": 1280, "height": 760})
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else problems.append(r.url))
    page.goto(f"file://{folder}/{slug}.html")
    page.wait_for_function("window.Reveal && Reveal.isReady() && window.MathJax && MathJax.startup")
    total, seen, moved = page.evaluate("Reveal.getTotalSlides()"), 1, 0
    for _ in range(total):
        controls = page.locator("section.present:not(.stack) .al-frames").count()
        if controls:
            said = "Reveal.getCurrentSlide().querySelector('.al-say').textContent"
            before = page.evaluate(said)
            page.evaluate(
                """() => { const root = Reveal.getCurrentSlide().querySelector('.al-explorer');
                const range = root.querySelector('input[type=range]');
                const radio = root.querySelector('input[type=radio]:not(:checked)');
                const select = root.querySelector('select');
                if (range) { range.value = range.value === range.max ? range.min : range.max; }
                else if (radio) { radio.checked = true; }
                else { select.selectedIndex = select.selectedIndex ? 0 : 1; }
                root.dispatchEvent(new Event('input', {bubbles: true})); }"""
            )
            moved += page.evaluate(said) != before
        place = page.evaluate("JSON.stringify(Reveal.getIndices())")
        page.keyboard.press("Space")
        seen += page.evaluate("JSON.stringify(Reveal.getIndices())") != place
    page.close()
    assert problems == []
    assert seen == total
    assert moved == sum("al-frames" in html for html in outputs(slug))


def test_the_command_writes_a_deck_and_what_it_needs(tmp_path):
    result = CliRunner().invoke(cli.app, ["slides", "reward-modeling", "--to", str(tmp_path), "--root", str(ROOT)])
    assert (result.exit_code, result.stdout.strip()) == (0, str(tmp_path / "04-outer/reward-modeling.html"))
    assert (tmp_path / "vendor/reveal/reveal.js").is_file() and (tmp_path / "vendor/reveal/LICENSE").is_file()
    result = CliRunner().invoke(cli.app, ["slides", "nothing", "--to", str(tmp_path), "--root", str(ROOT)])
    assert result.exit_code == 1 and "'nothing' is no page" in result.stderr

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
def edition() -> Edition:
    return Edition(ROOT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The decks of all pages."""
    to = tmp_path_factory.mktemp("slides")
    assert [path.relative_to(to).as_posix() for path in slides.export(ROOT, to)] == [f"{slug}.html" for slug in SLUGS]
    return to


@pytest.fixture(scope="module")
def deck(folder, request) -> tuple[str, BeautifulSoup]:
    """(page, its deck), read once for the tests that look at it."""
    return request.param, parsed((folder / f"{request.param}.html").read_text(encoding="utf-8"))


ALL_DECKS = pytest.mark.parametrize("deck", SLUGS, indirect=True)
KINDS = ("al-figure", "al-claim", "al-explorer", "al-table", "al-predict", "al-source")


def outputs(slug: str) -> list[str]:
    """The HTML that a page's cells show, verdicts of exercises aside."""
    cells = pages.read_notebook(pages.notebook_path(ROOT, slug)).cells
    shown = [c for c in cells if c.cell_type == "code" and not re.search(r"^check\(", c.source, re.M)]
    return [o.data["text/html"] for c in shown for o in c.outputs if "text/html" in o.get("data", {})]


def parsed(html: str) -> BeautifulSoup:
    """HTML without its citations, which are by key on the page and by authors on a slide."""
    made = BeautifulSoup(html, "html.parser")
    for named in made.find_all("cite"):
        named.extract()
    return made


@ALL_DECKS
def test_every_heading_and_every_output_is_on_a_slide(deck, edition):
    slug, made = deck
    leaves = [s for s in made.find_all("section") if "stack" not in s.get("class", [])]
    assert len(leaves) >= len(outputs(slug)) and all(leaf.get_text(strip=True) for leaf in leaves)
    on_slides = {e.get_text() for leaf in leaves for e in leaf.find_all(class_=KINDS)}
    for html in outputs(slug):
        for element in parsed(html).find_all(class_=KINDS):
            assert element.get_text() in on_slides, f"{element['class']} is on no slide"
    headings = re.findall(r"^## (.+)$", edition.places.texts[f"chapters/{slug}"], re.M)
    told = made.get_text(" ")
    assert [heading for heading in headings if heading not in told] == []


@ALL_DECKS
def test_code_is_shown_where_it_is_asked_for(deck, edition):
    slug, made = deck
    notebook = edition.notebook(slug, moving=True)
    with_code = BeautifulSoup(slides.deck(notebook, "T", "https://x", code=True), "html.parser").get_text()
    without = made.get_text()
    cells = [c.source for c in notebook.cells if c.cell_type == "code" and c.id != "setup"]
    assert all(source in with_code for source in cells)
    checked = [source for source in cells if re.search(r"^check\(", source, re.M)]
    assert [source for source in cells if source in without] == checked


@ALL_DECKS
def test_nothing_is_loaded_from_outside_the_folder(folder, deck):
    slug, made = deck
    for element in made.select("script[src], link[rel~=stylesheet], img[src]"):
        link = element.get("src") or element.get("href")
        assert (folder / f"{slug}.html").parent.joinpath(link).resolve().is_file(), link


# Moves the explorer of the slide that shows, if it has one: [where the slide stands, whether its sentence changed].
STEP = """() => {
    const place = JSON.stringify(Reveal.getIndices());
    const root = Reveal.getCurrentSlide().querySelector('.al-explorer:has(.al-frames)');
    if (!root) { return [place, false]; }
    const said = root.querySelector('.al-say'), before = said.textContent;
    const range = root.querySelector('input[type=range]');
    const radio = root.querySelector('input[type=radio]:not(:checked)');
    const select = root.querySelector('select');
    if (range) { range.value = range.value === range.max ? range.min : range.max; }
    else if (radio) { radio.checked = true; }
    else { select.selectedIndex = select.selectedIndex ? 0 : 1; }
    root.dispatchEvent(new Event('input', {bubbles: true}));
    return [place, said.textContent !== before];
}"""


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
    steps = []
    for _ in range(page.evaluate("Reveal.getTotalSlides()")):
        steps.append(page.evaluate(STEP))
        page.keyboard.press("Space")
    page.close()
    assert problems == []
    assert len({place for place, _ in steps}) == len(steps), "each key shows the next slide"
    assert sum(moved for _, moved in steps) == sum("al-frames" in html for html in outputs(slug))


def test_the_command_writes_a_deck_and_what_it_needs(tmp_path):
    result = CliRunner().invoke(cli.app, ["slides", "reward-modeling", "--to", str(tmp_path), "--root", str(ROOT)])
    assert (result.exit_code, result.stdout.strip()) == (0, str(tmp_path / "04-outer/reward-modeling.html"))
    assert (tmp_path / "vendor/reveal/reveal.js").is_file() and (tmp_path / "vendor/reveal/LICENSE").is_file()
    result = CliRunner().invoke(cli.app, ["slides", "nothing", "--to", str(tmp_path), "--root", str(ROOT)])
    assert result.exit_code == 1 and "'nothing' is no page" in result.stderr

"""The field in which a reader pastes a text: its script counts what the package counts, and works by keyboard."""

import json
import subprocess

import pytest
from alignlab.book.site.watermark import examples, said, watermark_html
from alignlab.risks.misuse_and_society import marks
from alignlab.risks.misuse_and_society.words import words
from support import ROOT

SCRIPT = ROOT / "assets/watermark.js"
TEXTS = [
    "The cat sat on the mat, and the cat sat on the hat.",
    "It\u2019s the dogs' dinner; don't touch it. DON'T! 42 times, na\u00efve \u212aelvin \u0130zmir",
    "",
    "word",
    "A tale of two cities is a tale of a time and of a place that the author of the tale never saw.",
]


def test_script_counts_what_the_package_counts(node):
    asked = [(text, key) for text in TEXTS for key in (0, 42, 4294967295)]
    program = (
        f"const w = require({json.dumps(str(SCRIPT))});"
        f"console.log(JSON.stringify({json.dumps(asked)}.map(([t, k]) => {{"
        "const r = w.read(t, k); return [r.greens, r.scored, r.z]; })))"
    )
    run = subprocess.run([node, "-e", program], capture_output=True, text=True, check=True)
    for (text, key), (greens, scored, z) in zip(asked, json.loads(run.stdout), strict=True):
        code = marks.codes(marks.pairs_of(words(text)))
        assert (greens, scored) == (marks.is_green(code, key).sum(), len(code)), (text, key)
        assert z == pytest.approx(marks.z_of_text(words(text), key))


def test_body_is_cut_into_examples_and_one_without_a_label_is_refused():
    assert examples(["One: a b", "c", "", "Two: d: e"]) == [("One", "a b c"), ("Two", "d: e")]
    with pytest.raises(ValueError, match="no label"):
        examples(["a text without any"])


@pytest.fixture
def field(chromium):
    """A page with the field and its script, the network cut, and what went wrong on it."""
    context = chromium.new_context()
    page, problems = context.new_page(), []
    page.on("request", lambda request: problems.append(request.url))
    page.on("pageerror", lambda error: problems.append(str(error)))
    html = watermark_html(42, [("One", TEXTS[0]), ("Other", TEXTS[4])], "").replace(
        '<script src="_static/watermark.js"></script>', f"<script>{SCRIPT.read_text()}</script>"
    )
    page.set_content(f"<html lang='en'><main>{html}</main></html>")
    yield page, problems
    context.close()


@pytest.mark.browser
def test_reader_pastes_text_by_keyboard_and_hears_the_count(field):
    page, problems = field
    say = page.locator("[role=status]")
    assert say.inner_text().startswith(said(TEXTS[0], 42))
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the second example's button
    assert say.inner_text().startswith(said(TEXTS[4], 42))
    page.keyboard.press("Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type(TEXTS[1])
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    assert say.inner_text().startswith(said(TEXTS[1], 42))
    page.get_by_label("Key").fill("7")
    assert say.inner_text().startswith(said(TEXTS[1], 7))
    page.get_by_label("Your text").fill("word")
    assert say.inner_text() == "Paste a few words more."
    assert problems == []


@pytest.mark.browser
def test_pasted_markup_is_shown_and_not_run(field):
    page, problems = field
    page.get_by_label("Your text").fill("<img src=x onerror=alert(1)> the <b>end</b>")
    assert page.locator(".al-watermark-words img, .al-watermark-words b").count() == 0
    assert "<b>end</b>" in page.locator(".al-watermark-words").inner_text()
    assert problems == []


@pytest.mark.browser
def test_field_has_no_violation_of_axes_rules(field):
    from axe_playwright_python.sync_playwright import Axe

    page, _ = field
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = Axe().run(page, options={"runOnly": rules, "preload": False})
    ours = [violation["id"] for violation in found.response["violations"] if violation["id"] != "document-title"]
    assert ours == []

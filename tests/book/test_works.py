"""The table in which a reader finds a work of the survey."""

import re
from types import SimpleNamespace

from alignlab.book.files import references
from alignlab.book.site.works import survey_works
from support import ROOT

READS = ("code/", "references/", "text/", "chapters/", "assets/book.js")


def _pages(*slugs: str):
    return {slug: SimpleNamespace(slug=slug, docname=f"chapters/{slug}", title=slug.split("/")[1]) for slug in slugs}


def test_every_work_has_a_row_with_its_headings_and_the_pages_that_cite_it():
    pages = _pages("02-why/advanced-risks", "06-interpretability/probing")
    html = survey_works(ROOT, pages, lambda target: f"../{target}.html")
    rows = re.findall(r"<tr><th.*?</tr>", html, re.S)[1:]
    listed = [work for work in references.works(ROOT).values() if work.headings]
    assert len(rows) == len(listed) == 235
    by_title = dict(zip((work.key for work in listed), rows))
    omohundro = by_title["omohundro2008basic"]
    assert '<a href="../chapters/02-why/advanced-risks.html">advanced-risks</a>' in omohundro
    assert "What is LLM Alignment?" in omohundro and "The Basic AI Drives" in omohundro


def test_a_work_that_no_page_of_the_site_cites_names_the_chapters_of_its_heading():
    html = survey_works(ROOT, {}, lambda target: None)
    assert "235 works, 0 of them cited by a chapter" in html
    assert html.count("none yet; its heading belongs to") == 235
    assert "none yet; its heading belongs to Privacy" in html


def test_typing_keeps_the_rows_that_hold_every_word(chromium):
    script = (ROOT / "assets/book.js").read_text()
    page = chromium.new_page()
    page.set_content(survey_works(ROOT, {}, lambda target: None))
    page.add_script_tag(content=script)
    page.evaluate("document.dispatchEvent(new Event('DOMContentLoaded'))")
    field = page.get_by_role("searchbox")
    field.fill("askell laboratory")
    left = page.locator("tbody tr:not([hidden])")
    assert left.count() == 1 and "A General Language Assistant" in left.inner_text()
    assert page.locator(".al-works output").inner_text() == "1 of 235 works"
    field.fill("")
    assert page.locator("tbody tr:not([hidden])").count() == 235
    page.close()

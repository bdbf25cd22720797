"""A page's text and its notebook are one page; refreshing changes only what a run changes."""

import re

import nbformat
import pytest
from alignlab.book.files import pages, reference, renewing
from alignlab.book.files.pages import PageError
from support import ROOT

PLAIN = """---
kernelspec: {display_name: Python 3, language: python, name: python3}
alignlab: {section: "1", objectives: [Count], prerequisites: [], downloads: []}
---

# A page

```{code-cell} ipython3
:tags: [hide-input]
print(1 + 1)
```
"""


def content(notebook) -> list:
    """What text and notebook must share: cells, their tags and what their folds say."""
    return [(cell.cell_type, cell.source, dict(cell.metadata)) for cell in notebook.cells]


@pytest.mark.parametrize("slug", pages.slugs(ROOT))
def test_text_and_notebook_hold_the_same_page(slug):
    text, notebook = pages.from_text(pages.text_path(ROOT, slug)), pages.read_notebook(pages.notebook_path(ROOT, slug))
    assert content(text) == content(notebook), f"{slug}: run `alignlab refresh {slug}`"
    assert [cell.id for cell in text.cells] == [cell.id for cell in notebook.cells]
    declared = {key: value for key, value in notebook.metadata["alignlab"].items() if key != "measured"}
    assert declared == dict(text.metadata["alignlab"])


@pytest.mark.parametrize("slug", pages.slugs(ROOT))
def test_a_page_sets_itself_up_under_its_own_name(slug):
    code = [cell.source for cell in pages.from_text(pages.text_path(ROOT, slug)).cells if cell.cell_type == "code"]
    assert not code or re.search(rf"setup\(\"{slug}\"(, MODEL)?\)", code[0])


def test_every_notebook_has_its_text():
    notebooks = {str(p.relative_to(ROOT / "chapters").with_suffix("")) for p in (ROOT / "chapters").rglob("*.ipynb")}
    assert notebooks == set(pages.slugs(ROOT))


@pytest.fixture
def book(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "processor_seconds", lambda: 0.5)  # that it works is shown in test_costs
    (tmp_path / "text/01-a").mkdir(parents=True)
    (tmp_path / "text/01-a/b.md").write_text(PLAIN)
    return tmp_path


def test_refresh_runs_a_page_and_a_second_time_changes_nothing(book):
    assert renewing.refresh(book) == ["01-a/b"]
    notebook = pages.read_notebook(book / "chapters/01-a/b.ipynb")
    assert notebook.cells[1].outputs[0].text == "2\n" and notebook.cells[1].metadata == {
        "tags": ["hide-input"],
        "jupyter": {"source_hidden": True},
    }
    assert set(notebook.metadata["alignlab"]["measured"]) == {
        *("seconds", "peak_mb", "machine"),
        *("reference", "cost", "cells", "processor"),
    }
    assert content(notebook) == content(pages.from_text(book / "text/01-a/b.md"))
    assert renewing.refresh(book, ["b"]) == []


@pytest.mark.parametrize(
    "cell, words", [("1 / 0", "ZeroDivisionError"), ("import sys; print('x', file=sys.stderr)", "stderr")]
)
def test_a_page_that_fails_or_warns_leaves_the_old_notebook(book, cell, words):
    (book / "chapters/01-a").mkdir(parents=True)
    (book / "chapters/01-a/b.ipynb").write_text(nbformat.writes(nbformat.v4.new_notebook()))
    before = (book / "chapters/01-a/b.ipynb").read_text()
    (book / "text/01-a/b.md").write_text(PLAIN.replace("print(1 + 1)", cell))
    with pytest.raises(PageError, match=words):
        renewing.refresh(book)
    assert (book / "chapters/01-a/b.ipynb").read_text() == before
    assert [path.name for path in (book / "chapters/01-a").iterdir()] == ["b.ipynb"]


def test_verify_runs_on_shifted_seeds_and_reports_failures_without_stopping(book):
    claim = """
from alignlab.book import Control, Measure, claim, seeds
from alignlab.book.page import session
from alignlab.lm.tiny import TinyConfig as method
session._page = "01-a/b"
name, limit = NAME, LIMIT
claim("b/" + name, paper="nobody2024", says="s", method=method, seeds=seeds(3),
      measures=[Measure("seed", float, unit="", band=(0, limit))],
      controls=[Control("off", lambda s: -1, of="seed", removed="all")])
"""
    cells = [claim.replace("NAME, LIMIT", pair) for pair in ('"small", 100', '"any", 10000')]
    fence = "```\n\n```{code-cell} ipython3\n"
    (book / "text/01-a/b.md").write_text(PLAIN.replace("print(1 + 1)", fence.join(cells)))
    records = renewing.verify(book, "01-a/b", 1000)
    assert [(r["id"], r["passed"]) for r in records] == [("b/small", False), ("b/any", True)]
    assert records[0]["measures"][0]["seeds"] == [1000, 1001, 1002]
    (book / "text/01-a/b.md").write_text(PLAIN.replace("print(1 + 1)", "undefined"))
    with pytest.raises(PageError, match="NameError"):
        renewing.verify(book)


def test_names_of_pages_are_understood_and_wrong_ones_listed(book):
    for name in ("01-a/b", "b", "text/01-a/b.md", "chapters/01-a/b.ipynb"):
        assert pages.resolve(book, name) == "01-a/b"
    with pytest.raises(PageError, match="'c' is no page; pages are: 01-a/b"):
        pages.resolve(book, "c")

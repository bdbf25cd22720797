"""The code of pages as a reader meets it: folded where it isn't the method, 80 columns, formatted and linted."""

import ast
from statistics import median

import pytest
from alignlab import cli
from alignlab.book.files import pages, reading
from alignlab.book.page.source import source_of
from typer.testing import CliRunner

from conftest import ROOT

SLUGS = pages.slugs(ROOT)
# Pages that show more than the median page may. None may join; a page that no longer does leaves.
LONGER: set[str] = set()
OUTPUTS = {"claim", "figure", "table", "number", "explore", "explore_model", "predict", "setup"}
PAGE = """---
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# A page

```{code-cell} ipython3
:tags: [hide-input]
:mystnb: {code_prompt_show: "Imports and settings"}

import math
from alignlab.book import claim, setup
setup("01-a/b")
```

```{code-cell} ipython3
def area( r ):
    return math.pi*r**2
fig, ax = plt.subplots()
claim("a/b",
      method=area)
```

```{code-cell} ipython3
def mine(r): ...
```

```{solution} ex
~~~python
def mine(r):
    return  later(r)
~~~
```
"""


@pytest.fixture
def book(tmp_path):
    (tmp_path / "text/01-a").mkdir(parents=True)
    (tmp_path / "text/ruff.toml").write_text('line-length = 80\nlint.select = ["E501", "F821"]\n')
    (tmp_path / "text/01-a/b.md").write_text(PAGE)
    return tmp_path


def code_cells(slug: str) -> list:
    return [cell for cell in pages.from_text(pages.text_path(ROOT, slug)).cells if cell.cell_type == "code"]


def called(source: str) -> set[str]:
    """Functions that a cell calls by their names, outside its own functions."""
    statements = [node for node in ast.parse(source).body if not isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return {
        node.func.id
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def shown(slug: str) -> list:
    """The functions whose source a page shows; its imports are run, nothing else."""
    names, found = {}, []
    for cell in code_cells(slug):
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                exec(ast.unparse(node), names)
            if (
                isinstance(node, ast.Expr)
                and isinstance(node.value, ast.Call)
                and called(ast.unparse(node)) == {"show"}
            ):
                found += [eval(ast.unparse(argument), names) for argument in node.value.args]
    return found


def test_pages_are_formatted_and_linted():
    assert reading.format_pages(ROOT, check=True) == [], "run `alignlab format`"
    assert reading.complaints(ROOT) == []


def test_no_line_of_a_page_s_code_is_wider_than_its_column():
    assert {row["page"]: row["wide"] for row in reading.report(ROOT) if row["wide"]} == {}


def test_what_is_unfolded_is_short():
    rows = [reading.measure(ROOT, slug) for slug in SLUGS]
    assert median(row["unfolded"] for row in rows) <= reading.MOST_UNFOLDED
    assert {row["page"] for row in rows if row["unfolded"] > reading.MOST_UNFOLDED} == LONGER
    assert {row["page"]: row["longest"] for row in rows if row["longest"] > reading.LONGEST_CELL} == {}


@pytest.mark.parametrize("slug", SLUGS)
def test_what_is_not_the_method_is_folded_under_a_line_that_says_what_it_is(slug):
    for cell in code_cells(slug):
        prompt = cell.metadata.get("mystnb", {}).get("code_prompt_show")
        if "hide-input" in cell.metadata.get("tags", []):
            assert prompt and len(prompt) <= 60, f"a folded cell says what is inside:\n{cell.source[:200]}"
            assert cell.metadata["jupyter"] == {"source_hidden": True}
        elif "check" not in called(cell.source):
            assert prompt is None
            assert not called(cell.source) & OUTPUTS, f"to be folded:\n{cell.source[:200]}"
            assert "import" not in cell.source.split("\n")[0].split(), f"to be folded:\n{cell.source[:200]}"


@pytest.mark.parametrize("slug", SLUGS)
def test_what_show_prints_fits_the_column(slug):
    wide = [
        f"{function.__qualname__}: {line}"
        for function in shown(slug)
        for line in source_of(function)[0].splitlines()
        if len(line) > reading.COLUMNS
    ]
    assert wide == []


def test_format_renews_cells_and_solutions_and_leaves_prose_and_stubs(book):
    assert reading.format_pages(book, check=True) == ["01-a/b"]
    assert (book / "text/01-a/b.md").read_text() == PAGE
    assert reading.format_pages(book) == ["01-a/b"] and reading.format_pages(book) == []
    text = (book / "text/01-a/b.md").read_text()
    assert "def area(r):\n    return math.pi * r**2\n\n\nfig, ax" in text and 'claim("a/b", method=area)' in text
    assert "def mine(r):\n    ...\n```" in text and "    return later(r)\n~~~" in text
    assert text.splitlines()[:11] == PAGE.splitlines()[:11]


def test_what_the_linter_finds_is_placed_on_the_page(book):
    found = reading.complaints(book)
    assert [line.split(" ")[:2] for line in found] == [["01-a/b:19:11:", "F821"]]  # the solution's `later` isn't run
    path = book / "text/01-a/b.md"
    path.write_text(PAGE.replace("def mine(r): ...", f"x = '{'y' * 90}'"))
    assert any(line.startswith("01-a/b:25:81: E501") for line in reading.complaints(book))
    path.write_text(PAGE.replace("def mine(r): ...", "def mine(r:"))
    with pytest.raises(pages.PageError, match="01-a/b, line 25: "):
        reading.format_pages(book)


def test_lines_are_counted_by_what_they_are_for(book):
    row = reading.measure(book, "01-a/b")
    assert (row["unfolded"], row["folded"], row["longest"]) == (6, 3, 5)
    assert (row["claims"], row["figures"], row["imports"], row["scaffolding"]) == (2, 1, 0, 3)
    assert reading.report(book)[-1]["median unfolded"] == 6


def test_the_commands_say_what_is_left(book):
    run = CliRunner().invoke(cli.app, ["format", "--check", "--root", str(book)])
    assert run.exit_code == 1 and "not formatted: 01-a/b" in run.output and "01-a/b:19:11: F821" in run.output
    run = CliRunner().invoke(cli.app, ["unfolded", "--root", str(book)])
    assert run.exit_code == 0 and "01-a/b: 6 lines unfolded, 50 % of them scaffolding" in run.output
    assert "median page: 6 lines" in run.output

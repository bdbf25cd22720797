"""What a change can have touched: what runs again, what does not, and that the safe side is taken."""

import shutil
import subprocess
import sys

import pytest
from alignlab.book.files import pages, renewing
from alignlab.book.proof import changed
from alignlab.book.proof.changed import Book, Mark, judge

from conftest import ROOT

READS = ("code/", "conftest.py", "chapters/04-outer/r", "chapters/06-interpretability/mlp")

CONFTEST = 'pytest_plugins = ("alignlab.book.proof.changed",)\n'
TESTS = {
    "tests/test_unit.py": "from alignlab.lm.tiny import TinyConfig\ndef test_it():\n    assert TinyConfig\n",
    "tests/test_pages.py": """
import pytest
from conftest import ROOT
@pytest.mark.parametrize("slug", ["01-a/b", "01-a/c"])
def test_page(slug):
    assert "bad" not in (ROOT / f"chapters/{slug}.ipynb").read_text()
def test_all():
    assert len(list(ROOT.glob("text/*/*.md"))) == 2
""",
    "tests/test_notes.py": 'READS = ("notes",)\nfrom conftest import ROOT\ndef test_notes():\n    assert ROOT\n',
}
PAGE = """---
kernelspec: {name: python3, display_name: Python 3, language: python}
---

# Page

Prose.

```{code-cell}
print(1)
```
"""


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A repository of two pages and three files of tests, with a cache of its own."""
    monkeypatch.setenv("ALIGNLAB_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "book"
    for name, text in {
        **TESTS,
        "text/01-a/b.md": PAGE,
        "text/01-a/c.md": PAGE,
        "notes/one.txt": "1",
        "conftest.py": f"from pathlib import Path\n{CONFTEST}ROOT = Path(__file__).parent\n",
        "tests/conftest.py": "from pathlib import Path\nROOT = Path(__file__).parent.parent\n",
        "pytest.ini": "[pytest]\ntestpaths = tests\naddopts = -p no:cacheprovider\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    for slug in ("01-a/b", "01-a/c"):
        notebook = pages.from_text(pages.text_path(root, slug))
        (root / "chapters/01-a").mkdir(parents=True, exist_ok=True)
        pages.write(notebook, pages.notebook_path(root, slug))
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return root


def keep_all(root):
    book = Book(root)
    changed.keep(root, {name: book.mark(name) for name in book.tests()})


def touched(root):
    book, known = Book(root), changed.passed(root)
    found = {name: judge(book.mark(name), known.get(name)) for name in book.tests()}
    return {name: verdict.only for name, verdict in found.items() if verdict.run}


def edit(path, before, after):
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))


PAGES = {"chapters/01-a/b.ipynb": (), "chapters/01-a/c.ipynb": ()}


def test_at_first_everything_runs_and_without_a_change_nothing(book):
    assert set(touched(book)) == {*TESTS, *PAGES}
    keep_all(book)
    assert touched(book) == {}


@pytest.mark.parametrize(
    "name, before, after, runs",
    [
        ("text/01-a/b.md", "Prose", "More prose", {"tests/test_pages.py": ("01-a/b",)}),
        ("notes/one.txt", "1", "2", {"tests/test_pages.py": (), "tests/test_notes.py": ()}),
        ("tests/test_unit.py", "assert TinyConfig", "assert 1", {"tests/test_unit.py": (), "tests/test_pages.py": ()}),
        ("conftest.py", "parent", "parent.absolute()", {**PAGES, **dict.fromkeys(TESTS, ())}),
        ("pytest.ini", "tests", "tests chapters", {**PAGES, **dict.fromkeys(TESTS, ())}),
    ],
)
def test_what_a_change_touches_runs(book, name, before, after, runs):
    keep_all(book)
    edit(book / name, before, after)
    assert touched(book) == runs


def test_a_new_file_counts_and_one_that_git_ignores_does_not(book):
    (book / ".gitignore").write_text("*.log\n")
    keep_all(book)
    (book / "x.log").write_text("1")
    assert touched(book) == {}
    (book / "new.txt").write_text("1")
    assert touched(book) == {"tests/test_pages.py": ()}


@pytest.mark.parametrize("part", ["code", "output", "version"])
def test_a_page_runs_after_a_change_of_its_code_its_outputs_or_an_installed_version(book, part, monkeypatch):
    keep_all(book)
    path = book / "chapters/01-a/b.ipynb"
    if part == "code":
        edit(path, "print(1)", "print(2)")
    elif part == "output":
        edit(path, '"outputs": []', '"outputs": [{"output_type": "stream", "name": "stdout", "text": "1"}]')
    else:
        (book / "site/x-9.9.dist-info").mkdir(parents=True)
        monkeypatch.syspath_prepend(str(book / "site"))
    assert "chapters/01-a/b.ipynb" in touched(book)
    assert ("chapters/01-a/c.ipynb" in touched(book)) == (part == "version")


THREE = ("04-outer/rlhf", "04-outer/ranking-feedback", "06-interpretability/mlp")


def marks_of(root):
    """The marks of the three pages, by the package that lies beside them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALIGNLAB_CACHE", str(root / "cache"))
        patch.setattr(changed, "PACKAGE", root / "code/src/alignlab")
        book = Book(root)
        return {slug: book.mark(f"chapters/{slug}.ipynb") for slug in THREE}


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """(folder, marks): the package and three of the book's own pages, where a test may change a file for a while."""
    root = tmp_path_factory.mktemp("three")
    shutil.copytree(changed.PACKAGE, root / "code/src/alignlab", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "conftest.py", root)
    for slug in THREE:
        for source in (pages.text_path(ROOT, slug), pages.notebook_path(ROOT, slug)):
            target = root / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)
    return root, marks_of(root)


@pytest.mark.parametrize(
    "file, runs",
    [
        ("outer/rlhf/sharpening.py", {"04-outer/rlhf"}),
        ("book/page/claims.py", None),
        ("assets/store.py", None),
        ("recipes/records/frontier.json", {"04-outer/ranking-feedback"}),
        ("interp/mlp/page.py", {"06-interpretability/mlp"}),
    ],
)
def test_a_change_of_the_package_reaches_the_pages_that_rest_on_it(three, file, runs):
    """None stands for all three."""
    root, before = three
    path = root / "code/src/alignlab" / file
    text = path.read_text()
    path.write_text(text.replace('"date": "2026', '"date": "2027') + ("" if path.suffix == ".json" else "\nprint()\n"))
    try:
        after = marks_of(root)
    finally:
        path.write_text(text)
    assert {slug for slug in THREE if before[slug] != after[slug]} == (set(THREE) if runs is None else runs)


def test_prose_is_renewed_without_a_run_and_code_is_not(book):
    assert renewing.renew_prose(book, "01-a/b") is False
    edit(book / "text/01-a/b.md", "Prose", "More prose")
    assert renewing.renew_prose(book, "01-a/b") is True
    assert "More prose" in pages.notebook_path(book, "01-a/b").read_text()
    edit(book / "text/01-a/b.md", "print(1)", "print(2)")
    assert renewing.renew_prose(book, "01-a/b") is None
    with pytest.raises(pages.PageError, match="code of 01-a/b has changed: run `alignlab refresh 01-a/b`"):
        changed.check(book)


def pytest_changed(root, *arguments):
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def test_pytest_runs_what_changed_keeps_what_passed_and_without_the_option_everything(book):
    first = pytest_changed(book)
    assert "4 passed" not in first.stdout and "5 passed" in first.stdout, first.stdout + first.stderr
    second = pytest_changed(book, "--changed")
    assert second.returncode == 0 and "runs: tests" not in second.stdout, second.stdout + second.stderr
    edit(book / "text/01-a/b.md", "Prose", "More prose")
    renewing.renew_prose(book, "01-a/b")
    third = pytest_changed(book, "--changed", "-n", "2")
    assert "2 passed" in third.stdout and "of 01-a/b alone" in third.stdout, third.stdout + third.stderr
    edit(book / "text/01-a/c.md", "Prose", "A bad word")
    renewing.renew_prose(book, "01-a/c")
    for _ in range(2):
        assert "1 failed" in pytest_changed(book, "--changed").stdout, "what failed runs again"
    assert "1 failed, 4 passed" in pytest_changed(book).stdout


def test_marks_are_judged():
    mark = Mark("a", {"x/y": "1", "x/z": "2"})
    assert judge(mark, None).run and not judge(mark, mark).run
    assert judge(mark, Mark("b", mark.pages)).only == ()
    assert judge(mark, Mark("a", {"x/y": "1", "x/z": "3"})).only == ("x/z",)


@pytest.mark.parametrize(
    "source, reads",
    [
        ("from alignlab.lm import tiny\nfrom alignlab.outer import ppo", None),
        ("from alignlab.book import pages", []),
        ("from alignlab import cli", []),
        ("import subprocess", []),
        ("def test(site): pass", []),
        ("from pathlib import Path\nP = Path(__file__)", []),
        ('from conftest import ROOT\nREADS = ("code", "docs")', ["code", "docs"]),
    ],
)
def test_a_file_of_tests_reads_everything_unless_it_stays_within_the_rooms_or_says_so(source, reads):
    assert changed._reads(source) == reads

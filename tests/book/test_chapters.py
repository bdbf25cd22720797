"""A chapter has a home: its folder, its file, its tests; a new one is green as written, and two merge."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from alignlab.book import chapters, parts
from alignlab.book.files import contents, pages, template
from alignlab.book.files.pages import PageError
from alignlab.book.plan import chapters as planned
from alignlab.book.site import sphinx
from support import ROOT

PACKAGE = ROOT / "code/src/alignlab"


def test_every_planned_chapter_has_a_folder_of_its_own():
    homes = [chapters.folder(chapter.slug) for _, chapter in planned()]
    assert len(set(homes)) == len(homes) > 40
    assert {home.parent.name for home in homes} <= set(contents.ROOMS)


@pytest.mark.parametrize("slug", pages.slugs(ROOT))
def test_every_written_chapter_is_at_home(slug):
    module = chapters.page_module(slug)
    assert module is not None and module.EXERCISES and module.INERT
    assert module.__doc__ and f"`{slug}`" in module.__doc__


def test_every_folder_of_a_room_is_a_planned_chapters():
    known = {chapters.folder(chapter.slug) for _, chapter in planned()}
    rooms = {chapters.room(chapter.slug) for _, chapter in planned()}
    found = {path.parent for room in rooms for path in (PACKAGE / room).glob("*/__init__.py")}
    assert found <= known


def test_what_is_written_from_what_exists_is_current():
    assert contents.tidy(ROOT, write=False) == [], "run `alignlab tidy`"


def test_entries_are_sorted_by_key_and_a_doubled_one_is_refused():
    bib = "% head\n\n@misc{b,\n title = {B}\n}\n\n@misc{a2,\n title = {A}\n}\n"
    assert contents.sorted_bibliography(bib) == "% head\n\n@misc{a2,\n title = {A}\n}\n\n@misc{b,\n title = {B}\n}\n"
    with pytest.raises(PageError, match="two entries of the bibliography have the key 'b'"):
        contents.sorted_bibliography(bib + bib.removeprefix("% head\n"))
    page = "# G\n\n```{glossary}\nRLHF\n  One.\n\n  Two.\n\nband\n  Three.\n```\n\nend\n"
    assert contents.sorted_glossary(page).split("\n")[3:9] == ["band", "  Three.", "", "RLHF", "  One.", ""]


def test_the_sites_parts_are_listed_once():
    assert {*sphinx.PARTS, "bibliography"} == set(parts.HOMES)
    for name, document in parts.HOMES.items():
        assert f"```{{{name}}}" in (ROOT / f"{document}.md").read_text(), (name, document)
    appendix = {path.stem for path in (ROOT / "chapters/appendix").glob("*.md")}
    assert appendix == set(parts.APPENDIX)


def test_wrong_names_of_new_chapters_are_one_line(tmp_path):
    with pytest.raises(PageError, match="form"):
        template.new(tmp_path, "failures")
    with pytest.raises(PageError, match=r"not planned: give it an entry in .*outline\.yml"):
        template.new(tmp_path, "05-inner/nonsense")
    template.new(tmp_path, "09-future/theory")
    with pytest.raises(PageError, match="exists already"):
        template.new(tmp_path, "09-future/theory")


# --- two branches, a new chapter each

TWO = ("09-future/forecasting", "09-future/coordination")  # planned in the clone alone
PLANNED = """    - slug: SLUG
      title: Title
      section: "9.3"
      question: Which question?
      headings: []
"""
WORK = """
@misc{WHO2025NAME,
  author = {WHO, Ann},
  title = {{On NAME}},
  year = {2025},
  eprint = {2501.00001},
  archiveprefix = {arXiv},
  url = {https://arxiv.org/abs/2501.00001}
}
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """A repository of what this one has, without large files."""
    folder = tmp_path_factory.mktemp("clone") / "book"
    names = subprocess.run(
        ["git", "ls-files", "-zco", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("assets/", "benchmarks/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    outline = folder / "code/src/alignlab/book/outline.yml"
    before, after = outline.read_text().split('\n- number: "10"')
    entries = "".join(PLANNED.replace("SLUG", slug) for slug in TWO)
    outline.write_text(f'{before.rstrip()}\n{entries}\n- number: "10"{after}')
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "start")
    return folder


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    run = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)


def ours(folder: Path, *command: str) -> str:
    """Run Python with the clone's package."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "code/src")}
    run = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, (run.stdout + run.stderr)[-4000:]
    return run.stdout


def cheap(folder: Path, *slugs: str) -> None:
    """What a new chapter can fail: its own tests, style, exercises, its run and its claims without their methods."""
    names = [str(chapters.tests(slug, folder)) for slug in slugs]
    names += [str(pages.notebook_path(folder, slug)) for slug in slugs]
    files = ("test_exercises.py", "test_chapters.py", "test_pages_style.py", "test_twins.py", "test_references.py")
    words = " or ".join(slug.split("/")[1] for slug in slugs)
    chosen = f"({words} or current or folder or shown or share_a_name) and not merge"
    names += [str(folder / "tests/book" / name) for name in files]
    ours(folder, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-k", chosen, *names)
    ours(folder, "-m", "ruff", "check", "-q", "code", "tests")
    ours(folder, "-m", "ruff", "format", "--check", "-q", "code", "tests")


def test_two_new_chapters_are_green_as_written_and_merge_without_conflict(clone):
    for slug, who in zip(TWO, ("shaw", "archer")):  # two names that don't stand side by side
        name = slug.split("/")[1]
        git(clone, "checkout", "-q", "-b", name, "main")
        ours(clone, "-m", "alignlab.cli", "new", slug)
        ours(clone, "-m", "alignlab.cli", "refresh", slug)
        bib = clone / "references/extra.bib"
        bib.write_text(bib.read_text() + WORK.replace("NAME", name).replace("WHO", who))
        ours(clone, "-m", "alignlab.cli", "tidy")
        own = re.compile(
            rf"code/src/alignlab/risks/|tests/risks/|(text|chapters)/{slug}\.|_toc|docs/modules|references"
        )
        changed = [line[3:] for line in git(clone, "status", "--porcelain", "-uall").splitlines()]
        assert [path for path in changed if not own.match(path)] == []
        commit(clone, name)
    git(clone, "merge", "-q", TWO[0].split("/")[1])
    ours(clone, "-m", "alignlab.cli", "tidy")
    toc = yaml.safe_load((clone / "_toc.yml").read_text())
    listed = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    assert [name for name in listed if name.removeprefix("chapters/") in TWO] == [f"chapters/{slug}" for slug in TWO]
    keys = re.findall(r"@misc\{(\w+),", (clone / "references/extra.bib").read_text())
    assert {"shaw2025forecasting", "archer2025coordination"} <= set(keys)
    cheap(clone, *TWO)

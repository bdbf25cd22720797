"""A new chapter from the template: its page, its folder of the package, its tests, all of it green as it stands."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from alignlab.book import chapters
from alignlab.book.files.pages import PageError, text_path
from alignlab.book.plan import chapters as planned


def new(root: Path, name: str) -> list[Path]:
    """Start a chapter; the files that were written, its page's text first.

    name: "NN-section/name", planned in outline.yml. Raises PageError where the name is malformed or not planned, or
    where the page exists.
    """
    if not re.fullmatch(r"\d\d-[a-z]+/[a-z][a-z0-9-]*", name):
        raise PageError(f"a page's name has the form '05-inner/failures', not {name!r}")
    found = next(((section, chapter) for section, chapter in planned() if chapter.slug == name), None)
    if found is None:
        raise PageError(f"{name!r} is not planned: give it an entry in code/src/alignlab/book/outline.yml first")
    text = text_path(root, name)
    if text.exists():
        raise PageError(f"{text} exists already")
    section, chapter = found
    page = name.split("/")[1]
    values = {
        "SLUG": name,
        "PAGE": page,
        "TITLE": chapter.title,
        "SECTION": chapter.section,
        "QUESTION": chapter.question,
        "MODULE": page.replace("-", "_"),
        "PACKAGE": chapters.module(name),
    }
    package = Path(root) / "code/src/alignlab"
    folder, tests = chapters.folder(name, package), chapters.tests(name, Path(root))
    wanted = {
        text: _filled("chapter.md.txt", values),
        folder.parent / "__init__.py": f'"""{section.title} (survey section {section.number})."""\n',
        folder / "__init__.py": f'"""What the page `{name}` uses alone."""\n',
        folder / "page.py": _filled("page.py.txt", values),
        folder / "questions.yml": _filled("questions.yml.txt", values),
        folder / "example.py": _filled("example.py.txt", values),
        tests / f"test_{values['MODULE']}.py": _filled("test.py.txt", values),
    }
    written = [path for path in wanted if not path.exists()]
    for path in written:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
    return written


def _filled(source: str, values: dict[str, str]) -> str:
    text = files(__name__).joinpath(source).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text

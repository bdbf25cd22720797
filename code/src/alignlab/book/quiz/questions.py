"""The questions at a page's end, read from `questions.yml` in the chapter's folder.

A question has three or four options, one of them right; each option, right or wrong, says why. Text between backticks
is set as code. `docs/writing.md` shows the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from alignlab.book import chapters
from alignlab.book.files.pages import PageError, read_yaml

COUNT = 5
"""Questions a page has."""

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Option:
    """One answer that can be chosen, and what is said of it afterwards."""

    text: str
    why: str


@dataclass(frozen=True)
class Question:
    """A question of a page. answer: index of the right option."""

    id: str
    ask: str
    options: tuple[Option, ...]
    answer: int


def questions(slug: str, package: Path = chapters.PACKAGE) -> tuple[Question, ...]:
    """The questions of a page in their order, none where it has no file.

    Raises PageError where the file can't be read or a question is not whole; the message says which, and why.
    """
    path = chapters.questions_file(slug, package)
    if not path.is_file():
        return ()
    found = read_yaml(path)
    if not isinstance(found, list):
        raise PageError(f"{path} is no list of questions: begin each with '- id: a-name'")
    made = tuple(_question(entry, f"{path}, question {n}") for n, entry in enumerate(found, 1))
    if len({question.id for question in made}) < len(made):
        raise PageError(f"{path}: two questions have one id; readers' answers are kept by it, so rename one")
    return made


def _question(entry: Any, where: str) -> Question:
    if not isinstance(entry, dict) or set(entry) != {"id", "ask", "options"}:
        raise PageError(f"{where} needs id, ask and options, and nothing else")
    if not _ID.fullmatch(str(entry["id"])):
        raise PageError(f"{where}: an id is small letters and digits with hyphens between, not {entry['id']!r}")
    given = entry["options"]
    if not isinstance(given, list) or not 3 <= len(given) <= 4:
        raise PageError(f"{where} ({entry['id']}) needs three or four options")
    options, right = [], []
    for n, option in enumerate(given):
        if not isinstance(option, dict) or not {"text", "why"} <= set(option) <= {"text", "why", "right"}:
            raise PageError(
                f"{where} ({entry['id']}), option {n + 1} needs text and why, and right: true if it is right"
            )
        if not all(str(option[key] or "").strip() for key in ("text", "why")):
            raise PageError(f"{where} ({entry['id']}), option {n + 1} has an empty text or why")
        options.append(Option(_line(option["text"]), _line(option["why"])))
        if option.get("right") is True:
            right.append(n)
    if len(right) != 1:
        raise PageError(f"{where} ({entry['id']}) needs exactly one option with right: true, it has {len(right)}")
    if len({option.text for option in options}) < len(options):
        raise PageError(f"{where} ({entry['id']}) has two options alike")
    return Question(str(entry["id"]), _line(entry["ask"]), tuple(options), right[0])


def _line(text: Any) -> str:
    return " ".join(str(text).split())


def marked(text: str) -> str:
    """A question's text as HTML: what stands between backticks is code, a percent sign stays with its number."""
    html = re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", escape(text, quote=False))
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html)


def key(slug: str, question: Question) -> str:
    """The key under which a reader's answer is kept."""
    return f"{slug}/questions/{question.id}"


def all_questions(slugs: list[str], package: Path = chapters.PACKAGE) -> Iterator[tuple[str, Question]]:
    """The questions of several pages, each with its page."""
    for slug in slugs:
        for question in questions(slug, package):
            yield slug, question

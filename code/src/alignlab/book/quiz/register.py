"""All that the book asks its readers: the guesses of its pages (`predict`) and the questions at their ends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from alignlab.book import chapters
from alignlab.book.files.written import Page
from alignlab.book.page.guesses import mark
from alignlab.book.quiz.questions import key, questions


@dataclass(frozen=True)
class Asked:
    """One thing that a page asks. kind: "guess" before a run, "question" at the page's end.

    key: under which a reader's answer is kept; mark: fingerprint of question, options and answer.
    """

    key: str
    slug: str
    kind: str
    question: str
    options: tuple[str, ...]
    answer: int

    @property
    def mark(self) -> str:
        """The fingerprint of what is asked; an answer to anything else counts no more."""
        return mark(self.question, self.options, self.answer)

    @property
    def label(self) -> str:
        """A short name: page and id."""
        page, name = self.slug.split("/")[-1], self.key.removeprefix(f"{self.slug}/")
        return f"{page}: {name.removeprefix('questions/')}" + (" (guess)" if self.kind == "guess" else "")

    @property
    def anchor(self) -> str:
        """The place on its page that leads to it: the page's questions, or the page itself."""
        return "#questions" if self.kind == "question" else ""


def asked(pages: Mapping[str, Page], package: Path = chapters.PACKAGE) -> list[Asked]:
    """What the pages ask, in their order, guesses before questions."""
    found = []
    for slug, page in pages.items():
        for g in page.guesses:
            found.append(Asked(g["key"], slug, "guess", g["question"], tuple(g["options"]), g["answer"]))
        for q in questions(slug, package):
            texts = tuple(option.text for option in q.options)
            found.append(Asked(key(slug, q), slug, "question", q.ask, texts, q.answer))
    return found


def script(pages: Mapping[str, Page], package: Path = chapters.PACKAGE) -> str:
    """The register as the site's script reads it: key, page, kind, number of options, answer and mark of each."""
    rows = [[a.key, a.slug, a.kind, len(a.options), a.answer, a.mark] for a in asked(pages, package)]
    return f"window.alignlabAsked = {json.dumps(rows, separators=(',', ':'))};\n"

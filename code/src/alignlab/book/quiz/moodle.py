"""The questions as Moodle XML, which Moodle's question bank imports (and other learning platforms read).

One category a page; each question is single choice with shuffled options, worth one point, its explanations as the
options' feedback. The format is Moodle's own, documented at https://docs.moodle.org/en/Moodle_XML_format.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable

from alignlab.book.quiz.questions import Question, marked

ROOT = "$course$/top/LLM Alignment"


def moodle(pages: Iterable[tuple[str, str, tuple[Question, ...]]]) -> str:
    """The XML of several pages' questions. pages: name, title and questions of each."""
    quiz = ET.Element("quiz")
    for slug, title, questions in pages:
        category = ET.SubElement(quiz, "question", type="category")
        _text(category, "category", f"{ROOT}/{title.replace('/', '//')}")  # a slash would begin a category below
        for question in questions:
            _question(quiz, slug, question)
    ET.indent(quiz, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(quiz, encoding="unicode") + "\n"


def _question(quiz: ET.Element, slug: str, question: Question) -> None:
    made = ET.SubElement(quiz, "question", type="multichoice")
    _text(made, "name", f"{slug}: {question.id}")
    _text(made, "questiontext", f"<p>{marked(question.ask)}</p>", format="html")
    _text(made, "generalfeedback", "", format="html")
    for tag, value in (
        ("defaultgrade", "1"),
        ("penalty", "0.3333333"),
        ("hidden", "0"),
        ("idnumber", f"{slug}/{question.id}"),
        ("single", "true"),
        ("shuffleanswers", "true"),
        ("answernumbering", "none"),
    ):
        ET.SubElement(made, tag).text = value
    for i, option in enumerate(question.options):
        fraction = "100" if i == question.answer else "0"
        answer = ET.SubElement(made, "answer", fraction=fraction, format="html")
        ET.SubElement(answer, "text").text = f"<p>{marked(option.text)}</p>"
        _text(answer, "feedback", f"<p>{marked(option.why)}</p>", format="html")


def _text(parent: ET.Element, tag: str, text: str, **attributes: str) -> None:
    """An element whose text stands in a `text` element of its own, as the format has it."""
    ET.SubElement(ET.SubElement(parent, tag, attributes), "text").text = text

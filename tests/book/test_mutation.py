"""How a claim is tried with its method switched off. (The pages' own claims are tried when nbval runs them.)"""

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

READS = ("code/",)


def probe(notebook: Path, inert: Path) -> dict:
    environment = {**os.environ, "ALIGNLAB_STATIC": "1", "MPLBACKEND": "agg"}
    command = [sys.executable, "-m", "alignlab.book.proof.mutation", str(notebook), str(inert)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=notebook.parent, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


MODULE = """
import sys, types
import alignlab.outer
module = types.ModuleType("alignlab.outer.effect_for_test")
exec("def effect(seed):\\n    return 1.0 + seed\\ndef twice(seed):\\n    return effect(seed) * 2\\n"
     "def other(seed):\\n    return 1.0", vars(module))
for name in ("effect", "twice", "other"):
    vars(module)[name].__module__ = module.__name__
sys.modules[module.__name__] = alignlab.outer.effect_for_test = module
"""

PAGE = """
from alignlab.book import setup, claim, Measure, Control, memo, seeds
from alignlab.outer.effect_for_test import effect, twice, other
setup("99-test/page")
calls = []
table = {"method": effect}

@memo
def remembered(seed):
    calls.append(seed)
    return effect(seed)

def declare(name, run, method=effect):
    claim("page/" + name, paper="nobody2024", says="it works", method=method, seeds=seeds(3),
          measures=[Measure("gain", run, unit="", band=(0.5, None))],
          controls=[Control("without", lambda s: 0.0, of="gain", removed="the method")])

declare("by-name", remembered)
assert len(calls) == 4, calls  # three seeds, and one with the inert version
assert remembered(0) == 1.0 and effect(1) == 2.0 and len(calls) == 4, "what was computed is back, and the method too"
declare("inside-the-package", lambda s: twice(s))
declare("in-a-table", lambda s: table["method"](s))
declare("in-a-default", lambda s, f=effect: f(s))
declare("rests-on-nothing", lambda s: 1.0)
declare("crashes", lambda s: effect(seed=s))
declare("not-a-number", lambda s: effect(s) - effect(s) + 1 if effect(s) else float("nan"))
declare("not-listed", other, method=other)
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    cells = [nbformat.v4.new_code_cell(source) for source in (MODULE, PAGE)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "page.ipynb")
    (folder / "inert.py").write_text("INERT = {'alignlab.outer.effect_for_test.effect': lambda s: 0.0}")
    report = probe(folder / "page.ipynb", folder / "inert.py")
    assert report["error"] is None, report["error"]
    return {entry["id"].split("/")[1]: entry for entry in report["claims"]}


@pytest.mark.parametrize("name", ["by-name", "inside-the-package", "in-a-table", "in-a-default"])
def test_a_claim_that_rests_on_its_method_fails_without_it(outcomes, name):
    assert outcomes[name]["outcome"] == "failed"
    assert outcomes[name]["detail"] == "gain is 0 on seed 0, outside at least 0.5"


def test_a_claim_that_does_not_rest_on_its_method_survives(outcomes):
    assert outcomes["rests-on-nothing"]["outcome"] == "survived"


def test_an_inert_version_that_crashes_or_gives_nan_is_no_proof(outcomes):
    assert outcomes["crashes"]["outcome"] == "error" and "TypeError" in outcomes["crashes"]["detail"]
    assert outcomes["not-a-number"]["outcome"] == "error" and "not a number" in outcomes["not-a-number"]["detail"]


def test_a_missing_inert_version_is_reported(outcomes):
    assert outcomes["not-listed"]["outcome"] == "no inert version"

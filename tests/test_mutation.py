"""Every claim fails when its method does nothing, and every live explorer follows its controls.

Each page runs once, in a process of its own.
"""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import nbformat
import pytest

from alignlab.book import pages

ROOT = Path(__file__).parents[1]


def probe(notebook: Path, inert: Path) -> dict:
    environment = {**os.environ, "ALIGNLAB_STATIC": "1", "MPLBACKEND": "agg"}
    command = [sys.executable, "-m", "alignlab.book.mutation", str(notebook), str(inert)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=notebook.parent, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


class OfOnePage:
    slug = ""

    @pytest.fixture(scope="class")
    def report(self, request):
        report = probe(pages.notebook_path(ROOT, request.cls.slug), ROOT / "tests/inert.py")
        assert report["error"] is None, report["error"]
        return report

    def test_each_claim_fails_with_its_method_switched_off(self, report):
        stored = pages.records_of(pages.read_notebook(pages.notebook_path(ROOT, self.slug)))
        assert [entry["id"] for entry in report["claims"]] == [record["id"] for record in stored]
        wrong = [entry for entry in report["claims"] if entry["outcome"] != "failed"]
        assert not wrong, "\n".join(f"{e['id']}: {e['outcome']}: {e['detail']}" for e in wrong)

    def test_live_explorers_follow_their_controls(self, report):
        wrong = [entry for entry in report["explorers"] if entry["problems"]]
        assert not wrong, wrong


for _slug in pages.slugs(ROOT):
    if pages.notebook_path(ROOT, _slug).exists():
        _name = "Test" + "".join(part.title() for part in _slug.replace("/", "-").split("-"))
        globals()[_name] = type(_name, (OfOnePage,), {"slug": _slug})


PAGE = """
from alignlab.book import setup, claim, Measure, Control, memo, seeds
from alignlab.{module} import {name} as method
setup("99-test/page")
calls = []
@memo
def gain(seed, off=False):
    calls.append(seed)
    return {body}
claim("page/works", paper="nobody2024", says="it works", method=method, seeds=seeds(3),
      measures=[Measure("gain", gain, unit="", band=(0.5, None))],
      controls=[Control("without", lambda s: gain(s, off=True), of="gain", removed="the method")])
assert len(calls) == 6
"""


def page(tmp_path: Path, body: str, inert: str, extra: str = "") -> dict:
    source = PAGE.format(module="outer.effect_for_test", name="effect", body=body)
    cells = [nbformat.v4.new_code_cell(cell) for cell in (make_module(tmp_path), source, extra) if cell]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "page.ipynb")
    (tmp_path / "inert.py").write_text(f"INERT = {inert}")
    return probe(tmp_path / "page.ipynb", tmp_path / "inert.py")


def make_module(tmp_path: Path) -> str:
    return textwrap.dedent(
        """
        import sys, types
        import alignlab.outer
        module = types.ModuleType("alignlab.outer.effect_for_test")
        exec("def effect(seed):\\n    return 1.0 + seed\\ndef twice(seed):\\n    return effect(seed) * 2", vars(module))
        module.effect.__module__ = module.__name__
        sys.modules[module.__name__] = module
        alignlab.outer.effect_for_test = module
        """
    )


KEY = "alignlab.outer.effect_for_test.effect"


def test_a_claim_that_rests_on_its_method_fails_without_it(tmp_path):
    report = page(tmp_path, "0.0 if off else method(seed)", f"{{'{KEY}': lambda seed: 0.0}}")
    assert report["error"] is None
    assert [entry["outcome"] for entry in report["claims"]] == ["failed"]
    assert "gain is 0 on seed 0" in report["claims"][0]["detail"]


def test_a_claim_that_does_not_rest_on_its_method_survives(tmp_path):
    report = page(tmp_path, "0.0 if off else 1.0", f"{{'{KEY}': lambda seed: 0.0}}")
    assert [entry["outcome"] for entry in report["claims"]] == ["survived"]


def test_references_inside_the_package_and_in_defaults_are_replaced(tmp_path):
    inside = "0.0 if off else sys.modules['alignlab.outer.effect_for_test'].twice(seed)"
    assert page(tmp_path, inside, f"{{'{KEY}': lambda seed: 0.0}}")["claims"][0]["outcome"] == "failed"
    default = "0.0 if off else (lambda s, f=TABLE['m']: f(s))(seed)\nTABLE = {'m': method}"
    assert page(tmp_path, default, f"{{'{KEY}': lambda seed: 0.0}}")["claims"][0]["outcome"] == "failed"


def test_an_inert_version_that_crashes_or_gives_nan_is_reported(tmp_path):
    body = "0.0 if off else method(seed)"
    assert page(tmp_path, body, f"{{'{KEY}': lambda: 0.0}}")["claims"][0]["outcome"] == "error"
    assert page(tmp_path, body, f"{{'{KEY}': lambda seed: float('nan')}}")["claims"][0]["outcome"] == "error"


def test_a_missing_inert_version_is_reported(tmp_path):
    report = page(tmp_path, "0.0 if off else method(seed)", "{}")
    assert report["claims"][0]["outcome"] == "no inert version"


def test_afterwards_the_method_and_what_was_computed_are_back(tmp_path):
    extra = "assert method(1) == 2.0 and gain(0) == 1.0 and len(calls) == 7, calls  # six, and one with the inert method"
    report = page(tmp_path, "0.0 if off else method(seed)", f"{{'{KEY}': lambda seed: 0.0}}", extra)
    assert report["error"] is None

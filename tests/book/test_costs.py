"""What pages cost: their budget over the stored measurements, and the measure itself."""

import statistics

import nbformat
import pytest
from alignlab import cli
from alignlab.book.files import pages, reference, renewing
from alignlab.book.files.written import Page
from alignlab.book.proof import costs
from typer.testing import CliRunner

from conftest import ROOT

# Pages that cost more than their share of the book's budget allows; a page leaves the list and none comes in.
STILL_OVER = {
    "01-introduction/meet-the-model",
    "02-why/advanced-risks",
    "03-what/from-ai-to-llm",
    "04-outer/constitutional-ai",
    "04-outer/goals",
    "04-outer/ranking-feedback",
    "04-outer/reward-modeling",
    "04-outer/rl-variants",
    "04-outer/rlhf",
    "04-outer/text-feedback",
    "06-interpretability/attention",
    "06-interpretability/mlp",
    "06-interpretability/neurons",
    "06-interpretability/probing",
    "06-interpretability/refusal",
    "06-interpretability/superposition",
    "07-attacks/adversarial",
    "07-attacks/defenses",
}


@pytest.mark.parametrize("slug", pages.slugs(ROOT))
def test_a_page_keeps_its_budget(slug):
    measured = pages.read_notebook(pages.notebook_path(ROOT, slug)).metadata["alignlab"]["measured"]
    assert measured["cost"] <= costs.PAGE and measured["peak_mb"] <= 4096, measured


def test_all_pages_keep_their_share_of_the_books_budget():
    """Those still over are listed; the others keep it, and so does whatever is written next."""
    found = costs.costs(ROOT)
    others = {slug: cost for slug, cost in found.items() if slug not in STILL_OVER}
    assert costs.over(others) == [], "over their share; `alignlab costs` shows their dearest cells"
    within = [slug for slug in STILL_OVER if found.get(slug, 0.0) <= costs.SHARE or not costs.over(found)]
    assert within == [], "within the budget by now: take them off the list"


def test_the_dearest_are_over_until_the_rest_keeps_its_share():
    share = costs.SHARE
    assert 26 < share < 27
    assert costs.over({"a": share, "b": share}) == []
    assert costs.over({"a": 50.0, "b": 10.0, "c": 40.0}) == ["a"]
    assert costs.over({"a": 50.0, "b": 30.0, "c": 40.0}) == ["a", "c", "b"]
    assert costs.over({}) == []


def test_the_reference_workload_takes_about_a_second_and_repeats():
    first, second = reference.processor_seconds(), reference.processor_seconds()
    assert 0.1 < first < 10 and 0.5 < first / second < 2
    assert reference.cost(30.0, 0.5) == 60.0 * reference.NOMINAL
    assert reference.workload() == reference.workload()


def test_each_stretch_is_weighed_by_the_pace_around_it(monkeypatch):
    """A machine that slows down to half within a run: the same work costs the same before and after."""
    workloads = iter([1.0, 1.0, 2.0, 2.0])
    monkeypatch.setattr(reference, "processor_seconds", lambda: next(workloads))
    monkeypatch.setattr(reference, "STRETCH", 8.0)
    stretches = reference.Stretches()
    for part, seconds in {"": 2.0, "a": 7.0, "slower": 12.0, "b": 14.0}.items():
        stretches.add(part, seconds)
    assert stretches.costs() == {"": 2.0, "a": 7.0, "slower": 8.0, "b": 7.0}
    assert next(workloads, None) is None, "timed four times, since three stretches were long enough"
    monkeypatch.setattr(reference, "processor_seconds", lambda: 2.0)
    short = reference.Stretches()
    short.add("all", 3.0)
    assert short.costs() == short.costs() == {"all": 1.5}


def test_a_workload_that_fails_says_why(monkeypatch):
    monkeypatch.setattr(reference, "__name__", "alignlab.book.no_such_module")
    with pytest.raises(RuntimeError, match="no_such_module"):
        reference.processor_seconds()


TEXT = """---
kernelspec: {name: python3, display_name: Python 3, language: python}
---

# Page

```{code-cell}
import time
start = time.process_time()
while time.process_time() - start < 1.5:
    pass
```

```{code-cell}
print(1)
```
"""


@pytest.fixture
def book(tmp_path, monkeypatch):
    (tmp_path / "text/01-a").mkdir(parents=True)
    (tmp_path / "text/01-a/b.md").write_text(TEXT)
    workloads = iter([0.4, 0.6, 0.6, 0.4])
    monkeypatch.setattr(reference, "processor_seconds", lambda: next(workloads))
    monkeypatch.setattr(reference, "STRETCH", 100.0)
    return tmp_path


def test_a_page_is_measured_in_reference_seconds_cell_by_cell(book):
    renewing.refresh(book)
    notebook = pages.read_notebook(book / "chapters/01-a/b.ipynb")
    measured = notebook.metadata["alignlab"]["measured"]
    assert measured["reference"] == pytest.approx(statistics.mean([0.4, 0.6]), rel=0.05)
    assert measured["cost"] == pytest.approx(2 * measured["seconds"], rel=0.05)
    assert list(measured["cells"]) == [notebook.cells[1].id] and 2.9 <= measured["cells"][notebook.cells[1].id] < 4
    (dearest,) = costs.cells(book)
    assert (dearest["page"], dearest["cell"], dearest["first"]) == ("01-a/b", 1, "import time")
    assert costs.costs(book) == {"01-a/b": measured["cost"]}
    shown = CliRunner().invoke(cli.app, ["costs", "--root", str(book)])
    assert "01-a/b, cell 1: import time" in shown.stdout and "all 1; 27 is their share of 1250" in shown.stdout
    assert renewing.refresh(book) == [], "a cost that hardly moved stays as it was"


def test_a_page_is_measured_anew_and_keeps_its_outputs(book):
    with pytest.raises(pages.PageError, match="01-a/b has no notebook yet: run `alignlab refresh 01-a/b` first"):
        renewing.measure(book)
    path = book / "chapters/01-a/b.ipynb"
    renewing.refresh(book)
    notebook = pages.read_notebook(path)
    notebook.cells[2].outputs[0].text = "2\n"
    notebook.metadata["alignlab"]["measured"] |= {"cost": 99.0, "processor": "another"}
    pages.write(notebook, path)
    shown = CliRunner().invoke(cli.app, ["measure", "b", "--root", str(book)])
    after = pages.read_notebook(path)
    assert shown.exit_code == 0 and f"{after.metadata['alignlab']['measured']['cost']:.1f}  01-a/b" in shown.stdout
    assert after.metadata["alignlab"]["measured"]["cost"] < 9 and after.cells[2].outputs[0].text == "2\n"
    assert after.metadata["alignlab"]["measured"]["processor"] == "another", "the outputs are still from there"


def test_a_stored_measurement_without_a_reference_still_counts(book):
    notebook = nbformat.v4.new_notebook(metadata={"alignlab": {"measured": {"seconds": 40, "peak_mb": 900}}})
    (book / "chapters/01-a").mkdir(parents=True)
    nbformat.write(notebook, book / "chapters/01-a/b.ipynb")
    assert costs.costs(book) == {"01-a/b": 40.0} and costs.cells(book) == []
    assert Page("a/b", "B", {"measured": {"seconds": 40}}).cost == 40.0
    assert Page("a/b", "B", {"measured": {"seconds": 40, "cost": 20.0}}).cost == 20.0
    assert Page("a/b", "B", {}).cost is None
    assert "dearest cells" not in costs.table(book, 5)

"""A scorecard that a kill can't spoil: items, lines, totals, pages, processes, and tasks for another tool."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from alignlab import cli
from alignlab.evals import inspect_export, report, scorecard
from alignlab.evals.items import Answer, Item, Measure, Task
from alignlab.evals.scorecard import EvaluationError, Settings, chosen
from alignlab.evals.tasks import TASKS
from typer.testing import CliRunner

NAMES = sorted(TASKS)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A random model of two layers with the book's tokenizer."""
    import torch
    from alignlab.assets import fetch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("small")
    tokenizer = AutoTokenizer.from_pretrained(fetch("smollm2-135m-instruct"), local_files_only=True)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=2048,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def lm(model):
    from alignlab.lm import load_lm

    return load_lm(model, device="cpu")


def results(folder: Path) -> dict:
    return json.loads((folder / "scorecard.json").read_text())["tasks"]


def run(*words) -> tuple[int, str, str]:
    found = CliRunner().invoke(cli.app, [str(word) for word in words])
    return found.exit_code, found.stdout, found.stderr


# --- items


@pytest.mark.parametrize("name", NAMES)
def test_items_are_whole(name):
    task = TASKS[name]
    items = task.build()
    assert len({item.id for item in items}) == len(items) >= 40
    assert task.build() == items and task.fingerprint(items) == task.fingerprint(list(items))
    for item in items:
        assert (task.kind == "reply") == (not item.options)
        assert item.prompt or all(item.options)
        assert item.right is None or 0 <= item.right < len(item.options)
        assert all(option == option.rstrip() for option in item.options)


@pytest.mark.parametrize("name", NAMES)
def test_a_task_knows_every_measure_that_it_scores_and_the_best_answer_scores_best(name):
    task = TASKS[name]
    if task.kind == "reply":
        return
    known, seen = {measure.name for measure in task.measures}, set()
    for item in task.build()[:300]:
        n = len(item.options)
        for first in range(n):
            values = tuple(-1.0 if i == first else -1000.0 for i in range(n))
            found = task.score(item, Answer(values))
            seen |= set(found)
            if item.right is not None:
                assert set(found.values()) == {float(first == item.right)}
    assert seen == known


def test_the_worked_examples_are_not_asked():
    task = TASKS["knowledge"]
    questions = [part.split("\nAnswer:")[0] for part in task.prefix().split("Question: ")[1:]]
    assert len(questions) == 5
    asked = {item.prompt.removeprefix("Question: ").removesuffix("\nAnswer:") for item in task.build()}
    assert not asked & set(questions)


def test_a_smaller_draw_is_part_of_a_larger_one_and_keeps_the_order():
    items = TASKS["pronouns"].build()
    few, more = chosen(items, 20), chosen(items, 100)
    assert len(few) == 20 and len(more) == 100 and set(few) <= set(more)
    assert more == [item for item in items if item in set(more)]
    assert chosen(items, None) == items == chosen(items, 10_000)
    assert chosen(items[::-1], 20) == few[::-1]


# --- totals


def test_stereosets_scores_by_its_definition():
    item = Item("x", "", ("aa", "bb", "cc"))
    score, task = TASKS["associations"].score, TASKS["associations"]
    assert score(item, Answer((-1.0, -2.0, -3.0))) == {"related": 1.0, "stereotype": 1.0}
    assert score(item, Answer((-3.0, -1.0, -2.0))) == {"related": 0.5, "stereotype": 0.0}
    icat = task.derived["ICAT (0 to 100)"]
    assert icat({"related": 1.0, "stereotype": 0.5}) == 100.0
    assert icat({"related": 1.0, "stereotype": 1.0}) == 0.0
    assert icat({"related": 0.5, "stereotype": 0.5}) == 50.0


def test_length_is_taken_out_a_byte():
    item = Item("x", "", (" ab", " abcdef"), right=1)
    found = TASKS["knowledge"].score(item, Answer((-6.0, -7.0)))
    assert found == {"accuracy": 0.0, "accuracy a byte": 1.0}


# --- runs


def test_scores_are_logprobs_of_prefix_prompt_and_option(lm):
    from alignlab.lm import logprobs

    for name in ("knowledge", "passages", "summaries", "sentences"):
        task = TASKS[name]
        items = chosen(task.build(), 3)
        found = scorecard.answers(lm, task, items)
        for item, answer in zip(items, found):
            alone = logprobs(lm, [task.prefix() + item.prompt], [item.options])[0]
            assert answer.logprobs == pytest.approx(alone.tolist(), abs=2e-3)


@pytest.mark.parametrize("stop", [1, 3])
def test_a_killed_run_goes_on_with_equal_totals(lm, tmp_path, monkeypatch, stop):
    task, settings = TASKS["pronouns"], Settings(limit=20, batch=4)
    scorecard.score(lm, task, tmp_path / "whole", settings)
    real, calls = scorecard.answers, []

    def dies(*args):
        calls.append(args)
        if len(calls) > stop:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(scorecard, "answers", dies)
    with pytest.raises(KeyboardInterrupt):
        scorecard.score(lm, task, tmp_path / "cut", settings)
    path = next((tmp_path / "cut").glob("*.jsonl"))
    path.write_text(path.read_text()[:-9])  # the kill came in the middle of a write
    asked = []
    monkeypatch.setattr(scorecard, "answers", lambda m, t, items: asked.extend(items) or real(m, t, items))
    told = []
    scorecard.score(lm, task, tmp_path / "cut", settings, report=told.append)
    assert len(asked) == 20 - (4 * stop - 1) and sum(told) == 20
    model = scorecard.model_of(lm)
    whole, cut = (scorecard.totals(task, tmp_path / name, model, 20) for name in ("whole", "cut"))
    assert whole == cut and whole["measures"][0]["items"] == 20
    assert len(path.read_text().splitlines()) == 21  # a header, and no item twice


def test_shards_add_up_to_one_run(lm, tmp_path):
    task, settings = TASKS["associations"], Settings(limit=30, batch=7)
    scorecard.score(lm, task, tmp_path / "one", settings)
    with pytest.raises(EvaluationError, match="20 of 30 items are not scored yet"):
        scorecard.score(lm, task, tmp_path / "three", settings, shard=(1, 3))
        scorecard.totals(task, tmp_path / "three", scorecard.model_of(lm), 30)
    for rank in (0, 2):
        scorecard.score(lm, task, tmp_path / "three", settings, shard=(rank, 3))
    one, three = (scorecard.totals(task, tmp_path / n, scorecard.model_of(lm), 30) for n in ("one", "three"))
    assert one == three and "ICAT (0 to 100)" in one["derived"]


def test_a_larger_limit_goes_on_from_a_smaller_one(lm, tmp_path):
    task = TASKS["sentences"]
    scorecard.score(lm, task, tmp_path, Settings(limit=6))
    told = []
    scorecard.score(lm, task, tmp_path, Settings(limit=10), report=told.append)
    assert told[0] == 6 and sum(told) == 10


def test_lines_of_another_model_are_not_mixed_in(lm, tmp_path):
    task = TASKS["pronouns"]
    scorecard.score(lm, task, tmp_path, Settings(limit=4))
    with pytest.raises(EvaluationError, match=r"another model, number format or version.*--again"):
        scorecard.totals(task, tmp_path, {"weights": "0", "dtype": "float32"}, 4)


def test_weights_make_the_fingerprint(lm, model):
    import torch
    from alignlab.lm import load_lm

    other = load_lm(model, device="cpu")
    assert scorecard.fingerprint(other) == scorecard.fingerprint(lm)
    with torch.no_grad():
        other.model.model.norm.weight += 0.01
    assert scorecard.fingerprint(other) != scorecard.fingerprint(lm)


def test_replies_are_judged_and_not_written(lm, tmp_path, monkeypatch):
    said = iter(["I'm sorry, but I can't help with that.", "Here are three easy steps."] * 200)
    monkeypatch.setattr(scorecard, "generate", lambda lm, prompts, max_new_tokens: [next(said) for _ in prompts])
    task = TASKS["refusals"]
    scorecard.score(lm, task, tmp_path, Settings(limit=40))
    text = next(tmp_path.glob("*.jsonl")).read_text()
    assert "sorry" not in text and "steps" not in text
    found = scorecard.totals(task, tmp_path, scorecard.model_of(lm), 40)
    assert {m["name"] for m in found["measures"]} == {m.name for m in task.measures}
    assert 0.2 < sum(m["value"] * m["items"] for m in found["measures"]) / 40 < 0.8


def test_a_model_without_a_chat_template_is_told_so(lm):
    from dataclasses import replace

    class Bare:
        chat_template = None

    bare = replace(lm, tokenizer=Bare())
    with pytest.raises(EvaluationError, match=r"contrasts asks in a chat.*leave that task out"):
        scorecard.answers(bare, TASKS["contrasts"], TASKS["contrasts"].build()[:2])


# --- the page


def test_the_page_escapes_says_the_limit_and_stars_what_differs():
    def task(value, p):
        measure = {
            "name": "m<",
            "value": value,
            "low": 0.0,
            "high": 1.0,
            "chance": 0.5,
            "items": 9,
            "families": 3,
            "p": p,
        }
        words = {"task": "t", "about": "a&b", "source": "s", "license": "l", "misses": "x"}
        return {**words, "items": 9, "of": 90, "limited": True, "measures": [measure], "derived": {"D": 12.34}}

    card = report.scorecard("a<b", {"weights": "w", "dtype": "float32"}, [task(0.9, 0.001), task(0.5, 0.9)])
    page = report.as_page(card)
    assert "<b>" not in page.replace("<b>t</b>", "") and "a&lt;b" in page and "a&amp;b" in page and "m&lt;" in page
    assert page.count("9 of 90") == 4 and "12.3" in page
    assert [row[4] for row in report.rows(card) if row[4]] == ["0.50 *", "0.50"]


# --- the command


def test_the_command_end_to_end(model, tmp_path):
    words = ["evaluate", model, "--to", tmp_path, "--limit", "6", "--task", "pronouns", "--task", "passages"]
    code, out, err = run(*words, "--device", "cpu")
    assert code == 0, err
    first = results(tmp_path)
    assert [task["task"] for task in first] == ["pronouns", "passages"] and all(t["limited"] for t in first)
    assert "(6 of 760)" in out and str(tmp_path / "scorecard.html") in out
    assert "Scorecard of" in (tmp_path / "scorecard.html").read_text()
    assert run(*words, "--device", "cpu", "--again")[0] == 0 and results(tmp_path) == first
    for value in first[0]["measures"]:
        assert 0 <= value["low"] <= value["value"] <= value["high"] <= 1 and math.isfinite(value["p"])


@pytest.mark.parametrize(
    "words, said",
    [
        (("--task", "nothing"), "no task is called 'nothing'; there are knowledge"),
        (("--limit", "0"), "limit 0: at least 1 item"),
        (("--batch", "0"), "batch 0: at least 1 item"),
        (("--inspect", "out", "--task", "associations"), "associations has no right options"),
    ],
)
def test_faults_are_one_line(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("evaluate", "smollm2-135m-instruct", *words)
    assert (code, out) == (1, "") and err.startswith(f"alignlab: {said}") and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_without_a_model_nothing_is_scored():
    code, out, err = run("evaluate")
    assert code == 2 and out == "" and "name a model to score, or --list" in err


def test_the_tasks_are_listed():
    code, out, _ = run("evaluate", "--list")
    assert code == 0 and [line.split(":")[0] for line in out.splitlines()] == list(TASKS)


def test_processes_share_the_items_with_equal_totals(model, tmp_path):
    words = [sys.executable, "-m", "alignlab.cli", "evaluate", str(model), "--limit", "9", "--device", "cpu"]
    words += ["--task", "pronouns", "--task", "summaries"]
    for name, more in (("one", []), ("two", ["--processes", "2"])):
        done = subprocess.run([*words, "--to", str(tmp_path / name), *more], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
    assert results(tmp_path / "one") == results(tmp_path / "two")
    assert len(list((tmp_path / "two").glob("pronouns.*.jsonl"))) == 2


# --- for inspect-ai


def test_the_export_holds_every_item_and_a_module_that_compiles(tmp_path):
    tasks = [task for task in TASKS.values() if inspect_export.exportable(task)]
    assert {task.name for task in tasks} == {"knowledge", "passages", "summaries", "contrasts"}
    module, *data = inspect_export.export(tasks, tmp_path, 10)
    compile(module.read_text(), str(module), "exec")
    for task, path in zip(tasks, data):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        items = chosen(task.build(), 10)
        assert [row["id"] for row in rows] == [item.id for item in items]
        for row, item in zip(rows, items):
            assert row["choices"][ord(row["target"]) - ord("A")] == item.options[item.right].strip()


def test_a_measure_that_a_small_limit_leaves_without_items_is_left_out(lm, tmp_path):
    items = [Item(str(i), "a", (" b", " c"), 0, group="g") for i in range(4)]
    task = Task(
        "made", "", "", "", lambda: items, lambda item, answer: {"seen": 1.0},
        (Measure("seen", "", 0.5), Measure("never", "", 0.5)), "",
        derived={"both": lambda means: means["seen"] + means["never"]},
    )  # fmt: skip
    scorecard.score(lm, task, tmp_path)
    found = scorecard.totals(task, tmp_path, scorecard.model_of(lm), None)
    assert [m["name"] for m in found["measures"]] == ["seen"] and found["derived"] == {} and not found["limited"]

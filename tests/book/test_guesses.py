"""Guesses: how sure, the score, the widget, and the site's script, which must compute what the package computes."""

import json
import random
import re
import subprocess

import pytest
from alignlab.book.page import confidence, guesses, live_guesses, session
from alignlab.book.page.confidence import Judged, blind, brier, calibration, percent, said
from alignlab.book.quiz.register import Asked
from alignlab.evals.statistics import share
from support import ROOT

RECORD = {
    "key": "99-test/page/peak",
    "question": "Where?",
    "options": ["left", "right", "up"],
    "answer": 1,
    "because": "so",
}


@pytest.fixture(autouse=True)
def page(monkeypatch):
    monkeypatch.setattr(session, "_page", "99-test/page")
    monkeypatch.setattr(live_guesses, "given", {})


def drawn(seed: int, n: int = 60) -> list[Judged]:
    rng = random.Random(seed)
    return [Judged(rng.randrange(4), rng.choice([2, 3, 4]), rng.random() < 0.6) for _ in range(n)]


# --- what a guess is worth


def test_the_first_step_is_the_chance_of_a_blind_guess():
    assert [percent(0, options) for options in (2, 3, 4)] == [50, 33, 25]
    assert [percent(step, 3) for step in (1, 2, 3)] == [60, 80, 95] and said(2, 3) == "fairly sure (80 %)"
    with pytest.raises(IndexError):
        percent(4, 3)


def test_the_score_is_the_squared_distance_from_what_came_true():
    assert brier([Judged(3, 3, True)]) == pytest.approx(0.0025) and brier([Judged(3, 3, False)]) == pytest.approx(
        0.9025
    )
    assert brier([Judged(0, 2, right) for right in (True, False)]) == 0.25 == blind([Judged(2, 2, True)])
    assert brier([]) is None is blind([])


def test_saying_what_one_believes_scores_best_on_average():
    for belief in (33, 60, 80, 95):
        expected = [
            belief / 100 * Judged(step, 3, True).score + (1 - belief / 100) * Judged(step, 3, False).score
            for step in range(4)
        ]
        assert [percent(step, 3) for step in range(4)][expected.index(min(expected))] == belief


def test_the_calibration_curve_counts_every_guess_once():
    bins = calibration(drawn(0))
    assert sum(b.n for b in bins) == 60 and sum(b.hits for b in bins) == sum(g.right for g in drawn(0))
    assert [b.said for b in bins[1:]] == [60, 80, 95] and 25 < bins[0].said < 50
    assert calibration([Judged(2, 3, True)]) == [confidence.Bin(2, 1, 1, 80.0)]


# --- the form, and the widget of a live kernel


def test_the_form_asks_how_sure_and_nothing_is_chosen_beforehand():
    form = guesses.guess_html(RECORD).split("<script")[0]
    assert form.count('type="radio"') == 3 + 4 and "checked" not in form and "How sure are you?" in form
    assert re.findall(r"<small>(\d+)&nbsp;%", form) == ["33", "60", "80", "95"]
    assert f'data-mark="{guesses.mark("Where?", RECORD["options"], 1)}"' in form
    others = [
        ("Where to?", RECORD["options"], 1),
        ("Where?", ["left", "right", "down"], 1),
        ("Where?", RECORD["options"], 2),
    ]
    assert len({guesses.mark(*other) for other in others} | {guesses.mark("Where?", RECORD["options"], 1)}) == 4


def parts(made):
    _, choice, sure, commit, result = made.children
    return choice, sure, commit, result


def test_a_live_kernel_asks_how_sure_before_it_tells():
    choice, sure, commit, result = parts(live_guesses.widget(RECORD))
    assert commit.disabled and result.value == ""
    choice.value = 0
    assert commit.disabled, "how sure is asked too"
    commit.click()
    assert result.value == "" and live_guesses.given == {}
    sure.value = 2
    assert not commit.disabled
    commit.click()
    assert "Not what happens. The answer: right." in result.value and "fairly sure (80 %)" in result.value
    assert "So far 0 of 1 right, Brier score 0.64." in result.value and choice.disabled and sure.disabled
    again = parts(live_guesses.widget(RECORD))
    again[0].value, again[1].value = 1, 3
    again[2].click()
    assert "Your guess was right." in again[3].value and live_guesses.given[RECORD["key"]].right is False


def test_predict_shows_the_widget_where_a_kernel_lives(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda what, **_: shown.append(what))
    monkeypatch.setenv("ALIGNLAB_STATIC", "0")
    guesses.predict("peak", "Where?", ["left", "right"], answer=1, because="so")
    assert type(shown[0]).__name__ == "VBox"


# --- the site's script


def node_says(node: str, code: str) -> object:
    script = f"const t = require({json.dumps(str(ROOT / 'assets/tally.js'))}); console.log(JSON.stringify({code}))"
    return json.loads(subprocess.run([node, "-e", script], capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("seed", range(3))
def test_the_script_scores_as_the_package_does(node, seed):
    mine = drawn(seed)
    register = [[f"a/b/{i}", "a/b", "guess", g.options, 1, "m"] for i, g in enumerate(mine)]
    store = {f"a/b/{i}": {"chosen": 1 if g.right else 0, "sure": g.step, "mark": "m"} for i, g in enumerate(mine)}
    code = f"(j => [t.score(j), t.calibration(j)])(t.judge({json.dumps(register)}, {json.dumps(store)}))"
    score, bins = node_says(node, code)
    assert score["n"] == score["scored"] == 60 and score["hits"] == sum(g.right for g in mine)
    assert score["brier"] == pytest.approx(brier(mine)) and score["blind"] == pytest.approx(blind(mine))
    assert [(b["step"], b["n"], b["hits"]) for b in bins] == [(b.step, b.n, b.hits) for b in calibration(mine)]
    assert [b["said"] for b in bins] == pytest.approx([b.said for b in calibration(mine)])
    for b in bins:
        interval = share(b["hits"], b["n"])
        assert b["range"] == pytest.approx([interval.low, interval.high], abs=1e-9)


def test_the_script_counts_only_answers_to_what_is_asked_today(node):
    register = [["a/b/x", "a/b", "guess", 3, 1, "m"]]
    for given, counted in (
        ({"chosen": 1, "sure": 2, "mark": "m"}, [[True, 80]]),
        ({"chosen": 1, "sure": 2, "mark": "old"}, []),
        ({"chosen": 7, "sure": 2, "mark": "m"}, []),
        ({"chosen": 0, "sure": 9, "mark": "m"}, [[False, None]]),
    ):
        store = json.dumps({"a/b/x": given, "a/b/gone": given})
        code = f"t.judge({json.dumps(register)}, {store}).map(g => [g.right, g.percent])"
        assert node_says(node, code) == counted
    assert node_says(node, "[t.parse('2'), t.parse('{'), t.parse('null'), t.parse('{\"a\": 1}')]") == [
        {"chosen": 2, "sure": -1, "mark": None},
        None,
        None,
        None,
    ]


def test_what_is_exported_is_imported_and_the_command_reads_it(node, tmp_path):
    from alignlab.book.quiz import classroom

    register = [["a/b/x", "a/b", "guess", 3, 1, "m"], ["a/b/y", "a/b", "question", 3, 0, "n"]]
    store = {
        "a/b/x": {"chosen": 1, "sure": 2, "mark": "m", "on": "2026-11-29"},
        "a/b/y": {"chosen": 2, "sure": 0, "mark": "n"},
    }
    text = node_says(node, f"t.exported({json.dumps(store)}, 'Ann', '2026-11-29')")
    found = node_says(node, f"t.imported({json.dumps(text)}, {{}}, {json.dumps(register)})")
    assert found["said"] == "2 answers added." and found["add"]["a/b/x"] == store["a/b/x"]
    own = {"a/b/x": {"chosen": 0, "sure": 0, "mark": "m"}}
    found = node_says(node, f"t.imported({json.dumps(text)}, {json.dumps(own)}, {json.dumps(register[:1])})")
    assert found["add"] == {} and "1 already answered here" in found["said"] and "1 to questions" in found["said"]
    (tmp_path / "ann.json").write_text(text)
    reader = classroom.read(tmp_path / "ann.json")
    assert reader.name == "Ann" and [(a.key, a.chosen, a.sure) for a in reader.answers] == [
        ("a/b/x", 1, 2),
        ("a/b/y", 2, 0),
    ]


@pytest.mark.parametrize("text", ['{"a', "[]", '{"format": "alignlab-guesses", "version": 2, "answers": []}',
                                  '{"format": "alignlab-guesses", "version": 1, "answers": [{"key": 3}]}'])  # fmt: skip
def test_a_damaged_or_foreign_file_is_refused_in_a_sentence(node, text):
    found = node_says(node, f"t.imported({json.dumps(text)}, {{}}, [])")
    assert set(found) == {"fault"} and found["fault"].startswith("This file ") and found["fault"].endswith(".")


def test_what_is_said_of_few_answers_is_said_with_care(node):
    sum_ = {"brier": 0.2, "said": 90, "right": 50, "scored": 4}
    told = node_says(node, f"t.verdict({json.dumps(sum_)})")
    assert "surer than right, by 40 points" in told and "mostly chance" in told
    assert "chance" not in node_says(node, f"t.verdict({json.dumps({**sum_, 'scored': 40})})")


def test_the_script_and_the_package_use_the_same_words():
    script = (ROOT / "assets/tally.js").read_text()
    assert json.dumps(list(confidence.WORDS)) in script
    assert f"[null, {', '.join(str(percent(step, 3)) for step in (1, 2, 3))}]" in script


def test_labels_of_what_is_asked():
    one = Asked("04-outer/rlhf/questions/clip", "04-outer/rlhf", "question", "Q?", ("a", "b"), 0)
    assert (one.label, one.anchor) == ("rlhf: clip", "#questions")
    assert Asked("04-outer/rlhf/x", "04-outer/rlhf", "guess", "Q?", ("a", "b"), 0).label == "rlhf: x (guess)"

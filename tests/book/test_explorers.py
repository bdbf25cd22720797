"""Explorers: what is refused, what the page holds, what a live kernel does, and the model in the page against torch."""

import html as entities
import json
import re
import subprocess
from importlib.resources import files

import nbformat
import pytest
import torch
from alignlab.book.files import running
from alignlab.book.page import explorers, guesses, inpage, session
from alignlab.book.proof import mutation
from alignlab.lm.tiny import TinyConfig, TinyTransformer
from matplotlib import pyplot as plt

READS = ("code/",)


@pytest.fixture(autouse=True)
def page(monkeypatch):
    monkeypatch.setattr(session, "_page", "99-test/page")


def draw(**state):
    fig, ax = plt.subplots(figsize=(2, 1))
    ax.plot([0, 1], [0, sum(len(str(v)) * (i + 1) if isinstance(v, str) else v for i, v in enumerate(state.values()))])
    return fig


def say(**state):
    return "now " + ", ".join(f"{k} is {v}" for k, v in state.items())


def spec(**states):
    values = {name: tuple(v) for name, v in states.items()}
    return explorers.Spec(draw, say, "A title", values, {name: v[0] for name, v in values.items()}, {})


def test_every_state_is_in_the_page_and_the_first_is_shown():
    page_html, text = explorers.static_html(spec(layer=range(3), kind=["a", "bb"]))
    frames = re.findall(r'<div class="al-frame" data-say="([^"]*)"( hidden)?>', page_html)
    assert [f[0] for f in frames] == [f"now layer is {i}, kind is {k}" for i in range(3) for k in ("a", "bb")]
    assert [bool(f[1]) for f in frames] == [False] + [True] * 5
    assert text == "A title\nnow layer is 0, kind is a"
    ids = re.findall(r'\bid="([^"]+)"', page_html)
    assert len(ids) == len(set(ids)), "no id stands twice in a page"


def test_numbers_below_zero_have_a_minus_sign_and_hyphens_stay():
    signed = explorers.Spec(
        draw, lambda n: f"left-to-right, -{n} (-0.5) to x-{n}", "A title", {"n": (1, 2)}, {"n": 1}, {}
    )
    assert explorers.frame(signed, {"n": 2})[1] == "left-to-right, \u22122 (\u22120.5) to x-2"


def test_controls_are_native_and_labeled():
    page_html, _ = explorers.static_html(spec(n=range(3), kind=["a", "bb"]))
    assert re.search(r'<label for="(\w+-n)">n</label><input type="range" id="\1"', page_html)
    assert "<fieldset" in page_html and "<legend>kind</legend>" in page_html and page_html.count('type="radio"') == 2
    menu, _ = explorers.static_html(spec(word=["a", "bb", "ccc", "dddd", "eeeee"]))
    assert "<select" in menu and menu.count("<option") == 5 and 'aria-live="polite"' in menu


@pytest.mark.parametrize(
    "states, complaint",
    [
        ({}, "at least one control"),
        ({"n": range(4)}, "at least five"),
        ({"n": [1]}, "nothing to move"),
        ({"n": [1, 1, 2, 3, 4]}, "repeats"),
        ({"n": range(10), "m": range(10)}, "more than a page can carry"),
    ],
)
def test_too_few_or_too_many_states_are_refused(states, complaint):
    with pytest.raises(ValueError, match=complaint):
        explorers.validate(spec(**states))


def test_an_explorer_that_shows_the_same_in_every_state_is_refused():
    same = spec(n=range(5))
    with pytest.raises(ValueError, match="figure is the same"):
        explorers.static_html(explorers.Spec(lambda n: draw(n=1), say, "t", same.states, same.start, {}))
    with pytest.raises(ValueError, match="sentence is the same"):
        explorers.static_html(explorers.Spec(draw, lambda n: "words", "t", same.states, same.start, {}))


def test_frames_too_large_for_a_page_are_refused(monkeypatch):
    monkeypatch.setattr(explorers, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="MB of frames"):
        explorers.static_html(spec(n=range(5)))


def test_a_start_outside_the_states_is_refused():
    with pytest.raises(ValueError, match="not among"):
        explorers.explore(draw, say, title="t", start={"n": 9}, n=range(5))


def test_live_widgets_show_what_the_page_shows():
    assert mutation.live_problems(spec(n=range(3), kind=["a", "bb"], word=["v", "w", "x", "y", "zz"])) == []


def test_a_live_explorer_that_does_not_follow_is_found(monkeypatch):
    from alignlab.book.page import live

    monkeypatch.setattr(live, "frame", lambda spec, state: explorers.frame(spec, spec.start))
    assert mutation.live_problems(spec(n=range(5)))


def test_a_live_kernel_redraws_when_a_control_moves(tmp_path):
    source = """
from matplotlib import pyplot as plt
from alignlab.book.page import live
from alignlab.book.page.explorers import Spec
def draw(n):
    fig, ax = plt.subplots(figsize=(2, 1)); ax.plot([0, n]); return fig
box = live.widget(Spec(draw, lambda n: f"n is {n}", "t", {"n": (0, 1, 2, 3, 4)}, {"n": 0}, {}))
title, controls, picture, sentence = box.children
first = picture.value
controls.children[0].value = 3
print("n is 3" in sentence.value, picture.value != first)
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    running.execute(notebook, tmp_path, {"ALIGNLAB_STATIC": "0"})
    assert notebook.cells[0].outputs[0].text == "True True\n"


VOCAB = ["<user>", "<bot>", "yes", "no", "may", "I", "you", "?", "go", "stay", "now", "ask"]


def tiny(mlp=True, precision="float32"):
    model = TinyTransformer(TinyConfig(vocab=12, d_model=16, n_layers=2, n_heads=2, context=8, mlp=mlp), seed=3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(8.0) if parameter.ndim == 2 else parameter.add_(0.3)
    return model


@pytest.mark.parametrize("mlp", [True, False])
@pytest.mark.parametrize("precision, tol", [("float32", 2e-5), ("float16", 2e-2)])
def test_the_model_in_the_page_agrees_with_torch(node, tmp_path, mlp, precision, tol):
    model = tiny(mlp)
    packed = inpage.package(model, VOCAB, precision)
    texts = [[0, 5, 8, 7, 1], [2], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]
    (tmp_path / "model.js").write_text(files("alignlab.book.page").joinpath("static", "model.js").read_text())
    options = {"config": packed["config"], "shapes": packed["shapes"], "precision": precision}
    (tmp_path / "run.js").write_text(
        f'const {{Model}} = require("./model.js"); const m = new Model({json.dumps(options)}, "{packed["weights"]}");'
        f"console.log(JSON.stringify({json.dumps(texts)}.map(t => Array.from(m.probabilities(t)))));"
    )
    done = subprocess.run([node, "run.js"], cwd=tmp_path, capture_output=True, text=True, check=True)
    for tokens, probs in zip(texts, json.loads(done.stdout)):
        expected = inpage.next_probs(model, tokens)
        assert expected.max() > 2 / 12, "the model under test is not uniform"
        torch.testing.assert_close(torch.tensor(probs), expected, atol=tol, rtol=0, check_dtype=False)


@pytest.mark.parametrize("separator, text", [(" ", "you  may go"), ("", "younomay?go")])
def test_text_becomes_the_same_tokens_in_the_page_and_here(node, tmp_path, separator, text):
    (tmp_path / "model.js").write_text(files("alignlab.book.page").joinpath("static", "model.js").read_text())
    options = json.dumps({"vocab": VOCAB, "separator": separator})
    code = f'console.log(JSON.stringify(require("./model.js").tokenize({json.dumps(text)}, {options})))'
    done = subprocess.run([node, "-e", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"ids": inpage.tokenize(text, VOCAB, separator), "unknown": []}


def test_an_in_page_model_names_what_its_vocabulary_lacks(monkeypatch):
    outputs = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, **_: outputs.append([bundle["text/html"]]))
    settings = {
        "title": "Ask it",
        "say": "Type a question.",
        "start": "may I go ?",
        "before": "<user>",
        "after": "<bot>",
    }
    inpage.explore_model(tiny(), VOCAB, **settings, readout={"agrees": ["yes"]}, presets={"stay": "may I stay ?"})
    options = json.loads(entities.unescape(re.search(r'data-options="([^"]*)"', outputs[0][0]).group(1)))
    assert (
        options["before"] == [0]
        and options["readout"] == {"agrees": [2]}
        and 'data-text="may I stay ?"' in outputs[0][0]
    )
    with pytest.raises(ValueError, match="'fly'"):
        inpage.explore_model(tiny(), VOCAB, **{**settings, "start": "may I fly ?"})
    with pytest.raises(ValueError, match="12 tokens, vocab names 11"):
        inpage.explore_model(tiny(), VOCAB[1:], **settings)


def test_a_guess_keeps_its_answer_folded_and_is_refused_where_it_makes_no_sense(monkeypatch):
    outputs = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, **_: outputs.append([bundle["text/html"]]))
    guesses.predict("peak", "Where?", ["left", "right"], answer=1, because="It is steeper there.")
    form = outputs[0][0]
    assert (
        'data-key="99-test/page/peak"' in form
        and form.count('type="radio"') == 2 + 4
        and "<legend>Where?</legend>" in form
    )
    assert form.index("<details") < form.index("steeper") and "checked" not in form.split("<script")[0]
    for options, answer in ((["one"], 0), (["a", "a"], 0), (["a", "b"], 2), (["a", "b"], -1)):
        with pytest.raises(ValueError):
            guesses.predict("peak", "Where?", options, answer=answer, because="x")

"""Declared claims: what is refused, what passes, what fails, and what the card says of it."""

import re

import pytest
from alignlab.book.page import claims, memory, session
from alignlab.book.page.card import card_html, card_text
from alignlab.book.page.claims import ClaimFailed, Control, Measure, Moved, claim
from alignlab.book.page.memory import forgotten, memo, seeds

READS = ("code/",)


@pytest.fixture(autouse=True)
def page(monkeypatch):
    monkeypatch.setattr(session, "_page", "99-test/page")


@pytest.fixture
def shown(monkeypatch):
    outputs = []

    def display(bundle, **_):
        outputs.append((bundle["text/html"], bundle["text/plain"], bundle))

    monkeypatch.setattr("IPython.display.display", display)
    return outputs


def method() -> None:
    """Stands for a function of the package."""


method.__module__, method.__qualname__ = "alignlab.outer.pretended", "method"


def declare(**changes):
    declared = {
        "paper": "nobody2024works",
        "says": "it works",
        "method": method,
        "measures": [Measure("gain", lambda seed: 1.0 + seed / 10, unit="nats", band=(0.5, 2.0))],
        "controls": [Control("switched off", lambda seed: 0.1 * seed, of="gain", removed="the method")],
        "seeds": (0, 1, 2),
    }
    claim("page/works", **{**declared, **changes})


def test_a_claim_that_holds_keeps_its_record(shown):
    declare()
    record = shown[0][2][claims.MIME]
    assert record == {
        "chapter": "99-test/page",
        "id": "page/works",
        "paper": "nobody2024works",
        "says": "it works",
        "method": "alignlab.outer.pretended.method",
        "source": "live",
        "measures": [
            {
                "name": "gain",
                "unit": "nats",
                "seeds": [0, 1, 2],
                "values": [1.0, 1.1, 1.2],
                "band": [0.5, 2.0],
                "band_from": None,
                "band_history": [],
                "items": None,
                "tol": 0.024,
                "separation": 8.0,
            }
        ],
        "controls": [
            {
                "name": "switched off",
                "of": "gain",
                "removed": "the method",
                "rival": False,
                "why": None,
                "could": None,
                "values": [0.0, 0.1, 0.2],
            }
        ],
        "passed": True,
    }


@pytest.mark.parametrize("bad_seed", [0, 1, 2])
def test_one_seed_outside_the_band_fails_the_claim(shown, bad_seed):
    with pytest.raises(ClaimFailed, match=f"gain is 3 on seed {bad_seed}, outside 0.5 to 2"):
        declare(measures=[Measure("gain", lambda s: 3.0 if s == bad_seed else 1.0, unit="", band=(0.5, 2.0))])
    assert shown[0][2][claims.MIME]["passed"] is False, "the card is shown before the page stops"


def test_on_another_model_a_claim_says_that_it_does_not_hold_and_the_page_goes_on(shown, monkeypatch, capsys):
    monkeypatch.setattr(session, "_model", "org/other")
    declare(measures=[Measure("gain", lambda seed: 3.0, unit="", band=(0.5, 2.0))])
    assert shown[0][2][claims.MIME]["passed"] is False
    told = capsys.readouterr().out
    assert "about the book's model, and does not hold on org/other" in told and "gain is 3 on seed 0" in told


@pytest.mark.parametrize("model", ["", None, 7])
def test_a_model_without_a_name_is_refused(model):
    with pytest.raises(TypeError, match="MODEL is a name, a folder or a hub id, not"):
        session.setup("99-test/page", model)


def test_one_control_value_inside_the_band_fails_the_claim(shown):
    with pytest.raises(ClaimFailed, match=r"control 'off' is 0\.5 on seed 2, inside 0\.5 to 2 of gain"):
        declare(controls=[Control("off", lambda seed: seed / 4, of="gain", removed="it")])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_a_number_fails_even_an_open_band(shown, value):
    with pytest.raises(ClaimFailed, match="not a number"):
        declare(measures=[Measure("gain", lambda seed: value, unit="", band=(0.5, None))])
    with pytest.raises(ClaimFailed, match="not a number"):
        declare(controls=[Control("off", lambda seed: value, of="gain", removed="it")])


def moved(history):
    return {"measures": [Measure("gain", abs, unit="", band=(0, 1), history=history)]}


@pytest.mark.parametrize(
    "changes, complaint",
    [
        ({"seeds": (0, 1)}, "three different seeds"),
        ({"seeds": (0, 0, 0)}, "three different seeds"),
        ({"measures": []}, "at least one measure"),
        ({"controls": []}, "at least one control"),
        ({"controls": [Control("off", abs, of="loss", removed="it")]}, "names 'loss'"),
        ({"controls": [Control("off", abs, of="gain", removed="")]}, "leaves out"),
        ({"measures": [Measure("gain", abs, unit="", band=(None, None))]}, "open at both ends"),
        ({"measures": [Measure("gain", abs, unit="", band=(float("-inf"), 2))]}, "None for an open end"),
        ({"measures": [Measure("gain", abs, unit="", band=(2, 1))]}, "empty"),
        ({"measures": [Measure("gain", abs, unit="", band=(0, 1), tol=0)]}, "must be positive"),
        ({"measures": [Measure("gain", abs, unit="", band=(0, 1))] * 2}, "share a name"),
        ({"says": ""}, "required"),
        ({"controls": [Control("off", abs, of="gain", removed="it", rival=True)]}, "say why 'off' is the strongest"),
        ({"measures": [Measure("gain", abs, unit="", band=(0, 1), n=0)]}, "counts items"),
        ({"measures": [Measure("gain", abs, unit="", band=(0, 1), band_from=" ")]}, "say where the band"),
        (moved([Moved((0, 1), (0, 2), "w", "0-2")]), r"moved to \(0, 2\), and next it is \(0, 1\)"),
        (moved([Moved((0, 3), (0, 2), "w", "0"), Moved((0, 4), (0, 1), "w", "0")]), r"next it is \(0, 4\)"),
        (moved([Moved((0, 1), (0, 1), "w", "0")]), "did not move"),
        (moved([Moved((0, 2), (0, 1), "", "0")]), "say why the band"),
        (moved([Moved((0, 2), (0, 1), "w", "")]), "on which seeds"),
    ],
)
def test_a_declaration_that_could_not_fail_is_refused(changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        declare(**changes)


@pytest.mark.parametrize("other", [max, lambda: 0, "alignlab.outer.fit", declare, seeds])
def test_the_method_is_a_function_of_the_package(other):
    with pytest.raises(TypeError, match="method="):
        declare(method=other)


def test_without_a_page_the_claim_says_what_to_do(monkeypatch):
    monkeypatch.setattr(session, "_page", None)
    with pytest.raises(RuntimeError, match="call setup"):
        declare()


def test_the_card_says_what_the_record_says_and_nothing_more(shown):
    declare(says="a < b & c")
    html, text, records = shown[0]
    assert html == card_html(records[claims.MIME]) and text == card_text(records[claims.MIME])
    assert "a &lt; b &amp; c" in html and "1.00, 1.10, 1.20" in html and 'data-holds="yes"' in html
    assert re.findall(r"<dt>(.*?)</dt>", html) == ["Paper says", "Here", "Control"]
    assert (
        html.count("al-dot-here") - html.count("al-dot-here {") >= 3
        and 'role="img" aria-label="Strip plot: gain' in html
    )
    failed = {**records[claims.MIME], "measures": [{**records[claims.MIME]["measures"][0], "values": [1.0, 1.1, 9.0]}]}
    assert "gain is 9 on seed 2" in card_text(failed) and "gain is 9 on seed 2" in card_html(failed)


def test_a_complete_claim_shows_its_rival_its_separation_and_how_its_band_moved(shown):
    words = Control(
        "words alone", lambda s: 0.8 + 0.1 * s, of="gain", removed="order", rival=True, why="words tell <much>"
    )
    off = Control("switched off", lambda seed: 0.1 * seed, of="gain", removed="the method")
    history = [Moved((1.2, None), (1.1, None), why="one seed of six", seeds="100-105")]
    gain = Measure("gain", lambda s: 1.2 + s / 10, unit="", band=(1.1, None), band_from="paper: Table 2", n=40)
    declare(measures=[Measure(**{**vars(gain), "history": history})], controls=[off, words])
    html, text, records = shown[0]
    [measure], [_, rival] = records[claims.MIME]["measures"], records[claims.MIME]["controls"]
    assert (measure["separation"], measure["items"], measure["band_from"]) == (2.0, 40, "paper: Table 2")
    assert measure["band_history"] == [
        {"from": [1.2, None], "to": [1.1, None], "why": "one seed of six", "seeds": "100-105"}
    ]
    assert rival["rival"] is True and rival["why"] == "words tell <much>"
    assert '<span class="al-rival">rival</span> words alone' in html and "words tell &lt;much&gt;" in html
    assert html.index("words alone") < html.index("switched off"), "the rival stands first"
    assert '<details class="al-band-from"><summary>Where the band comes from, moved once</summary>' in html
    assert "from at least 1.2 to at least 1.1, on seeds 100-105: one seed of six" in html
    assert "40 items a seed" in html and "separation 2.00</p>" in html and "al-weak" not in html.split("</style>")[1]
    assert "rival from 0.80 to 1.00; control from 0.00 to 0.20" in html and "rival: words alone 0.80" in text
    assert "band: paper: Table 2" in text and "band moved from at least 1.2 to at least 1.1" in text
    declare(measures=[gain], controls=[Control(**{**vars(words), "run": lambda s: 0.85 + 0.1 * s})])
    html, text, _ = shown[1]
    assert 'separation 1.50, <strong class="al-weak">weak</strong>' in html and "separation 1.50, weak" in text


@pytest.mark.parametrize("values", [(0, 0, 0), (0.3, 0.3, 0.3)])
def test_a_rival_that_cannot_reach_the_band_fails_the_claim_unless_it_says_how_it_could(shown, values):
    rival = {"name": "idle", "run": lambda s: values[s], "of": "gain", "removed": "it", "why": "so it is said"}
    with pytest.raises(ClaimFailed, match=r"rival 'idle' is 0.* on every seed: by construction"):
        declare(controls=[Control(**rival, rival=True)])
    assert "by construction it can&#x27;t reach the band" in shown[0][0]
    declare(controls=[Control(**rival)])
    declare(controls=[Control(**rival, rival=True, could="each of 40 prompts may succeed")])
    assert "each of 40 prompts may succeed" in shown[-1][0]


def test_seeds_are_shifted_from_outside(monkeypatch):
    assert seeds(3) == (0, 1, 2)
    monkeypatch.setenv("ALIGNLAB_SEED_OFFSET", "1000")
    assert seeds(3) == (1000, 1001, 1002)
    with pytest.raises(ValueError, match="at least one seed"):
        seeds(0)


def test_memo_runs_once_and_can_be_set_aside(monkeypatch):
    monkeypatch.setattr(memory, "_caches", [])
    calls = []

    @memo
    def run(seed, off=False):
        calls.append((seed, off))
        return seed

    assert [run(1), run(1), run(1, off=True)] == [1, 1, 1] and calls == [(1, False), (1, True)]
    assert [run(1, False), run(seed=1), run(1, True)] == [1, 1, 1] and len(calls) == 2, "however it is written"
    with forgotten():
        run(1)
        assert len(calls) == 3
    run(1)
    assert len(calls) == 3, "afterwards the first run is known again"
    with pytest.raises(TypeError, match="not hashable"):
        run([1])


def test_a_card_has_real_minus_signs_and_none_before_a_zero(shown):
    declare(
        measures=[Measure("gain", lambda seed: -1.0 - seed / 10, unit="nats", band=(-2.0, -0.5))],
        controls=[Control("switched off", lambda seed: -0.001 * seed, of="gain", removed="the method", tol=0.3)],
    )
    card, text, _ = shown[0]
    assert "\u22122 to \u22120.5" in card and "\u22122 to \u22120.5" in text
    assert "0.0000, \u22120.0010, \u22120.0020" in card and "\u22120.0000" not in card
    assert shown[0][2][claims.MIME]["controls"][0]["tol"] == 0.3


def test_a_controls_tolerance_is_positive():
    with pytest.raises(ValueError, match="tolerance of 'switched off'"):
        declare(controls=[Control("switched off", lambda seed: 0.1, of="gain", removed="the method", tol=0.0)])


def test_memo_knows_a_call_however_its_arguments_are_given(monkeypatch):
    monkeypatch.setattr(memory, "_caches", [])
    calls = []

    @memo
    def run(seed, kind="plain", *more, off=False, **rest):
        calls.append((seed, kind, more, off, rest))

    for _ in range(2):
        run(1), run(1, "plain"), run(seed=1, off=False), run(1, kind="plain", off=False)
        run(1, "plain", 2), run(1, z=1, y=2), run(1, y=2, z=1)
    assert calls == [
        (1, "plain", (), False, {}),
        (1, "plain", (2,), False, {}),
        (1, "plain", (), False, {"z": 1, "y": 2}),
    ]

"""The claim card's script: it computes what the package computes, from what stands in the card, and stays small."""

import json
import math
import re
import subprocess
from importlib.resources import files

import pytest
from alignlab.book.files import pages
from alignlab.book.page import evidence
from alignlab.book.page.card import card_html, strip
from alignlab.book.page.fragments import said, script, unstyled
from bs4 import BeautifulSoup
from support import ROOT

RECORDS = pages.claims_records(ROOT)
SCRIPT = files("alignlab.book.page").joinpath("static", "claim.js")


def node_says(node, code):
    full = f"const c = require({json.dumps(str(SCRIPT))}); console.log(JSON.stringify({code}))"
    return json.loads(subprocess.run([node, "-e", full], capture_output=True, text=True, check=True).stdout)


def in_card(record) -> list[tuple[dict, dict]]:
    """Pairs of a measure's and a control's attributes, as the card's script finds them."""
    card = BeautifulSoup(card_html(record), "html.parser")
    own = card.select(".al-measure[data-band]")
    return [(own[int(other["data-of"])].attrs, other.attrs) for other in card.select(".al-measure[data-of]")]


def test_the_script_measures_distance_as_the_package_does(node):
    expected, given = [], []
    for record in RECORDS:
        measures = {measure["name"]: measure for measure in record["measures"]}
        ordered = sorted(record["controls"], key=lambda control: not control.get("rival"))
        for control, (own, other) in zip(ordered, in_card(record), strict=True):
            expected.append(evidence.separation(measures[control["of"]], [control]))
            given.append([own["data-values"], other["data-values"], own["data-band"]])
    found = node_says(
        node,
        f"{json.dumps(given)}.map(([a, b, band]) => c.apart(c.numbers(a), c.numbers(b), c.numbers(band))?.sd ?? null)",
    )
    assert len(found) == len(expected) > 80
    for mine, theirs in zip(found, expected):
        assert (mine is None) == (theirs is None)
        assert mine is None or mine == pytest.approx(theirs, abs=0.006)


@pytest.mark.parametrize(
    ("values", "band", "said"),
    [
        ([0.9, 0.95, 0.86], [0.85, None], "3 of 3 in the band"),
        ([0.9, 0.2, None], [0.85, None], "1 of 3 in the band"),
        ([0.5, 0.61], [0.85, None], "0 of 2 in the band, the nearest 0.24 outside"),
        ([3, 7], [4, 6], "0 of 2 in the band, the nearest 1.00 outside"),
        ([-2.0], [None, -3], "0 of 1 in the band, the nearest 1.00 outside"),
    ],
)
def test_the_sentence_says_how_many_lie_in_the_band(node, values, band, said):
    assert node_says(node, f"c.say({json.dumps(values)}, {json.dumps(band)}, null, false)") == said


def test_a_card_holds_its_values_and_the_axis_of_its_plot():
    for record in RECORDS:
        card = BeautifulSoup(card_html(record), "html.parser")
        boxes = card.select(".al-measure[data-band]")
        for measure, box in zip(record["measures"], boxes, strict=True):
            given = [None if v == "-" else float(v) for v in box["data-values"].split()]
            assert given == pytest.approx([*measure["values"]], rel=1e-5) if None not in given else True
            first, last = map(float, box.svg["data-axis"].split())
            ends = [v for v in (*measure["values"], *measure["band"]) if v is not None]
            assert first < min(ends) <= max(ends) < last
            places = [float(c["cx"].strip("%")) for c in box.select("circle.al-dot-here")]
            assert places == pytest.approx(
                [100 * (v - first) / (last - first) for v in measure["values"] if v is not None], abs=0.05
            )


def test_a_band_that_moved_shows_its_earlier_edges_dashed():
    measure = {
        "name": "gain", "values": [5.0, 6.0], "band": [4.0, None],
        "band_history": [{"from": [4.5, 9.0], "to": [4.0, None], "why": "so", "seeds": "1"}],
    }  # fmt: skip
    drawn = BeautifulSoup(strip(measure, []), "html.parser")
    assert len(drawn.select("line.al-was")) == 2 and len(drawn.select("line.al-edge:not(.al-was)")) == 1
    first, last = map(float, drawn.svg["data-axis"].split())
    assert first < 4 and last > 9 and all(math.isfinite(v) for v in (first, last))
    assert "al-was" not in strip({**measure, "band_history": []}, [])


def test_cards_stay_small():
    """What stands in a card for its script, and the script, which the site keeps once a page."""
    assert len(script("claim")) < 5_000
    for record in RECORDS:
        html = unstyled(card_html(record))
        alive = sum(map(len, re.findall(r' data-(?:values|band|of|axis)="[^"]*"', html)))
        assert alive < 0.15 * len(html) + 100, record["id"]


def test_what_stands_between_backticks_is_set_as_code():
    assert said("ends in `a<b` & `c`") == "ends in <code>a&lt;b</code> &amp; <code>c</code>"
    assert said("one ` alone") == "one ` alone"

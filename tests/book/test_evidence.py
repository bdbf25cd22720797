"""What claims prove: separations by hand, faults that are seen, and every page of the book held to the rule."""

import copy
import random

import pytest
from alignlab.book.files import pages
from alignlab.book.page import evidence

from conftest import ROOT

# Pages whose claims are not mended yet: each must have a fault still. It is empty, and nothing new comes in.
NOT_YET: set[str] = set()


def faults_of(slug: str) -> list[str]:
    records = pages.claims_records(ROOT, slug)
    return [f"{record['id']}: {fault}" for record in records for fault in evidence.faults(record)]


@pytest.mark.parametrize("slug", pages.slugs(ROOT))
def test_every_claim_of_a_page_keeps_the_rule(slug):
    """A rival that could reach the band, tolerances of at most half the distance to the nearest control."""
    if slug in NOT_YET:
        assert faults_of(slug), f"all claims of {slug} keep the rule: take it out of NOT_YET"
    else:
        assert faults_of(slug) == []


def test_only_pages_are_not_yet_mended():
    assert set(pages.slugs(ROOT)) >= NOT_YET


# --- by hand


def measure(values, band, **more):
    seeds = list(range(len(values)))
    return {"name": "m", "unit": "", "seeds": seeds, "values": values, "band": list(band), "tol": 0.01, **more}


def control(values, **more):
    return {"name": "c", "of": "m", "removed": "it", "values": values, **more}


GOOD = {
    "id": "page/works",
    "measures": [measure([1.0, 1.1, 1.2], (0.9, None), band_from="pilot on seeds 100-104")],
    "controls": [control([0.3, 0.4, 0.5], rival=True, why="it may")],
}


@pytest.mark.parametrize(
    "values, band, other, expected",
    [
        ([1.0, 1.1, 1.2], (0.9, None), [0.3, 0.4, 0.5], 5.0),
        ([1.0, 1.1, 1.2], (0.9, None), [0.9, 1.0, 1.1], -1.0),
        ([1.0, 1.1, 1.2], (0.9, None), [0.8, 0.9, 1.0], 0.0),
        ([0.3, 0.4, 0.5], (None, 0.6), [1.0, 1.1, 1.2], 5.0),
        ([0.3, 0.4, 0.5], (None, 0.6), [0.0, 0.1, 0.2], -5.0),
        ([-0.1, 0.0, 0.1], (-0.2, 0.2), [0.4, 0.5, 0.6], 3.0),
        ([-0.1, 0.0, 0.1], (-0.2, 0.2), [-0.6, -0.5, -0.4], 3.0),
        ([1.0, 1.1, 1.2], (0.9, None), [0.1, 0.4, 0.7], 1.34),
        ([1.0, 1.0, 1.0], (0.9, None), [0.3, 0.3, 0.3], evidence.CAP),
        ([1.0, 1.0, 1.0], (0.9, None), [1.3, 1.3, 1.3], -evidence.CAP),
        ([1.0, 1.0, 1.0], (0.9, None), [1.0, 1.0, 1.0], 0.0),
        ([1.0, 1.00001, 1.0], (0.9, None), [0.3, 0.3, 0.3], evidence.CAP),
        ([1.0, None, 1.2], (0.9, None), [0.3, 0.4, 0.5], None),
    ],
)
def test_separation_is_the_distance_of_the_nearest_values_in_pooled_deviations(values, band, other, expected):
    assert evidence.separation(measure(values, band), [control(other)]) == expected


def test_two_sided_bands_see_controls_on_both_sides():
    apart = evidence.separation(measure([-0.1, 0.0, 0.1], (-0.2, 0.2)), [control([-0.5, 0.5, 0.9])])
    assert apart == round(0.4 / ((0.1**2 + evidence.spread(control([-0.5, 0.5, 0.9])) ** 2) / 2) ** 0.5, 2)


def test_the_least_control_counts_and_only_those_that_name_the_measure():
    m, near, far = measure([1.0, 1.1, 1.2], (0.9, None)), control([0.7, 0.8, 0.85]), control([0.0, 0.1, 0.2])
    other = {**control([1.0, 1.0, 1.0]), "of": "something else"}
    alone = evidence.separation(m, [near])
    assert evidence.separation(m, [far, near, other]) == alone < evidence.separation(m, [far])
    assert evidence.separation(m, [other]) is None
    assert evidence.distance(m, [far, near]) == pytest.approx(0.15)


def test_separation_depends_on_neither_unit_nor_direction():
    rng = random.Random(0)
    for _ in range(50):
        m, c = ([rng.gauss(at, 1) for _ in range(4)] for at in (3, 0))
        plain = evidence.separation(measure(m, (2, None)), [control(c)])
        scaled = evidence.separation(measure([7 * v + 3 for v in m], (17, None)), [control([7 * v + 3 for v in c])])
        turned = evidence.separation(measure([-v for v in m], (None, -2)), [control([-v for v in c])])
        assert plain == pytest.approx(scaled, abs=0.011) and plain == turned


def changed(**changes):
    record = copy.deepcopy(GOOD)
    for key, value in changes.items():
        kind, field = key.split("_", 1)
        record[f"{kind}s"][0][field] = value
    return record


def test_a_complete_claim_has_no_fault():
    assert evidence.faults(GOOD) == [] and evidence.notes(GOOD) == []


@pytest.mark.parametrize(
    "changes, fault",
    [
        ({"control_rival": False}, "no control is the rival"),
        ({"control_values": [0, 0, 0]}, "rival 'c' is 0 on every seed"),
        ({"control_values": [0.4, 0.4, 0.4]}, "rival 'c' is 0.4 on every seed"),
        ({"control_values": [1.0, 1.1, 1.2], "control_could": "said"}, "rival 'c' repeats the measure's own values"),
        ({"measure_tol": 0.26}, "the tolerance of 'm', 0.26, is wider than half of 0.5"),
        ({"control_tol": 0.26}, "the tolerance of control 'c', 0.26, is wider than half of 0.5"),
        ({"measure_band_from": "pilot on seeds 2-4"}, "pilot on seeds of the claim itself: [2]"),
    ],
)
def test_a_fault_is_seen(changes, fault):
    assert any(fault in said for said in evidence.faults(changed(**changes)))


@pytest.mark.parametrize(
    "changes",
    [
        {"measure_tol": 0.249},
        {"control_tol": 0.249},
        {"control_values": [0.4, 0.4, 0.4], "control_could": "each of 40 may succeed"},
        {"measure_band_from": "paper: Table 2, 3 of 4 seeds"},
    ],
)
def test_what_just_keeps_the_rule_is_no_fault(changes):
    assert evidence.faults(changed(**changes)) == []


@pytest.mark.parametrize(
    "changes, note",
    [
        ({"control_values": [0.7, 0.8, 0.9]}, "weak: the separation is 1, under 2"),
        ({"control_rival": False, "control_values": [0, 0, 0]}, "control 'c' is 0 on every seed, so it may not"),
        ({"control_values": [0, 0, 0], "control_could": "each may succeed"}, "is 0 on every seed: each may succeed"),
        ({"control_of": "x"}, "no control names 'm'"),
        ({"measure_band_from": None}, "not stated where the band comes from (band_from=): 'm'"),
    ],
)
def test_what_a_reader_should_know_is_noted(changes, note):
    record = changed(**changes)
    if "control_of" in changes:
        record["measures"].append({**measure([1, 2, 3], (0, None)), "name": "x", "band_from": "paper: p. 3"})
    assert any(note in said for said in evidence.notes(record))


@pytest.mark.parametrize(
    "origin, seeds",
    [
        ("pilot on seeds 100-104", {100, 101, 102, 103, 104}),
        ("a pilot on the seeds 7, 9 and 11", {7, 9, 11}),
        ("pilot on seed 5: 0.3 to 0.4", {5}),
        ("paper: Figure 3, 5 seeds", set()),
    ],
)
def test_seeds_of_a_pilot_are_read(origin, seeds):
    assert evidence.piloted(origin) == seeds


def test_a_record_stored_earlier_is_completed_and_a_stored_separation_is_never_believed():
    [full] = evidence.report([{**GOOD, "measures": [{**GOOD["measures"][0], "separation": 77}]}])
    assert full["measures"][0]["separation"] == 5.0 and full["measures"][0]["band_history"] == []
    old = {"id": "p/q", "measures": [measure([1.0, 1.1, 1.2], (0.9, None))], "controls": [control([0, 0.1, 0.2])]}
    [full] = evidence.report([old])
    assert full["controls"][0]["rival"] is False and full["measures"][0]["separation"] == 8.0 and full["faults"]


def test_the_weakest_claim_comes_first_and_before_it_what_has_no_control():
    weak, none = changed(control_values=[0.7, 0.8, 0.9]), changed(measure_name="x")
    assert evidence.by_separation([GOOD, weak, none]) == [none, weak, GOOD]
    assert [evidence.weakest(r) for r in (GOOD, weak, none)] == [5.0, 1.0, None]


@pytest.mark.parametrize(
    "apart, text",
    [
        (None, "none"),
        (1.99, "1.99, weak"),
        (2.0, "2.00"),
        (34.56, "34.6"),
        (99.0, "99 or more"),
        (-0.5, "\u22120.50, weak"),
    ],
)
def test_a_separation_in_words(apart, text):
    assert evidence.separation_text(apart) == text


def test_the_width_of_a_band_against_the_spread():
    assert (
        evidence.band_width_text(measure([1.0, 1.1, 1.2], (0.9, None)))
        == "1.0 spreads from the bound to the nearest value"
    )
    assert evidence.band_width_text(measure([1.0, 1.1, 1.2], (0.9, 1.4))) == "band 5.0 spreads wide"
    assert evidence.band_width_text(measure([1.0, 1.0, 1.0], (None, 2))) == "values without spread"

"""Requests that refusal is trained on and measured with: enough of each kind, and nothing in both."""

import pytest
from alignlab.assets import datasets
from alignlab.outer import safety_data
from alignlab.outer.safety_data import KINDS, train_requests
from alignlab.outer.safety_data import test_requests as held_out

TRAINED = {request.text for seed in range(3) for request in train_requests(seed, harmful=8, harmless=8, borderline=4)}


def words(text: str) -> str:
    return " ".join(text.lower().split()).strip(" .?!")


@pytest.mark.parametrize("kind", KINDS)
def test_at_least_a_hundred_requests_of_each_kind_are_held_out(kind):
    requests = held_out(kind)
    assert len(requests) >= 100 and len(set(map(words, requests))) == len(requests)
    assert not {words(text) for text in TRAINED} & {words(text) for text in requests}


def test_no_aim_and_no_phrasing_is_both_trained_on_and_measured():
    sets = safety_data._sets()
    for kind in ("harmful", "harmless"):
        for form in ("how", "write"):
            assert not set(map(words, sets[f"{kind}_{form}"])) & set(map(words, sets[f"{kind}_test_{form}"]))
    assert not set(safety_data.HOW) & set(safety_data.HOW_TEST)
    assert not set(safety_data.WRITE) & set(safety_data.WRITE_TEST)


def test_no_request_of_harmbench_is_trained_on():
    assert not {words(text) for text in TRAINED} & {words(text) for text in datasets.harmbench()}


def test_a_seed_decides_phrasing_and_order_and_nothing_else():
    first, again, other = train_requests(0), train_requests(0), train_requests(1)
    assert first == again and first != other and len(first) == len(other)
    counts = [sum(request.kind == kind for request in first) for kind in KINDS]
    assert counts == [sum(request.kind == kind for request in other) for kind in KINDS]


def test_matched_requests_differ_in_what_is_asked_for_only():
    pairs = safety_data.matched_requests(30, seed=1)
    sets = safety_data._sets()
    assert len(pairs) == len(set(pairs)) == 30
    for bad, good in pairs:
        aims = [aim for name in ("how", "write") for aim in sets[f"harmful_{name}"] if aim in bad]
        others = [aim for name in ("how", "write") for aim in sets[f"harmless_{name}"] if aim in good]
        assert any(bad.replace(a, "") == good.replace(b, "") for a in aims for b in others)
    with pytest.raises(ValueError, match="pairs of"):
        safety_data.matched_requests(10_000)


@pytest.mark.parametrize("kind", KINDS)
def test_requests_in_one_wording_share_no_aim_between_training_and_test(kind):
    trained, tested = (safety_data.how_do_i(kind, held_out=held) for held in (False, True))
    assert len(trained) >= 80 and len(tested) >= 40 and not set(trained) & set(tested)
    assert all(text.startswith("How do I ") and text.endswith("?") for text in trained + tested)

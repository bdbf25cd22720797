"""Knowledge neurons: what attributions sum to, and how units are chosen and scaled."""

import numpy as np
import pytest
from alignlab.interp.facts import answer_probabilities, answer_token, facts
from alignlab.interp.neurons.knowledge import (
    activity,
    agreed,
    attributions,
    random_neurons,
    scaled_neurons,
    scaled_rows,
    shared_neurons,
    top_neurons,
    written,
)
from alignlab.interp.neurons.recipe_aimed_neurons import false_answer, log_changes
from alignlab.lm import capture, load_lm

FRANCE = next(fact for fact in facts(["capital"]) if fact.subject == "France")


@pytest.fixture(scope="module")
def lm():
    return load_lm("smollm2-135m-instruct")


def test_attributions_add_up_to_what_a_layer_contributes(lm):
    found = attributions(lm, FRANCE.prompt, FRANCE.answer, steps=24)
    layer = 24
    with scaled_neurons(lm, [(layer, i) for i in range(found.shape[1])], 0.0):
        without = float(answer_probabilities(lm, [FRANCE.prompt], [" Paris"])[0])
    whole = float(answer_probabilities(lm, [FRANCE.prompt], [" Paris"])[0])
    assert found[layer].sum() == pytest.approx(whole - without, abs=0.02)


def test_top_shared_and_random_neurons():
    value = np.zeros((3, 5))
    value[1, 2], value[2, 0], value[0, 4] = 3.0, 2.0, 1.0
    assert top_neurons(value, 2) == [(1, 2), (2, 0)]
    assert top_neurons(value, 2, without=[(1, 2)]) == [(2, 0), (0, 4)]
    assert shared_neurons([[(1, 2), (2, 0)], [(1, 2)], [(0, 0)]]) == [(1, 2)]
    drawn = random_neurons([(1, 2), (1, 3), (2, 0)], 5, seed=0)
    assert [layer for layer, _ in drawn] == [1, 1, 2] and not {(1, 2), (1, 3), (2, 0)} & set(drawn)


def test_wordings_agree_on_what_is_large_in_each():
    one, other = np.array([[4.0, 2.0, 1.0]]), np.array([[0.1, 0.5, 1.0]])
    assert np.allclose(agreed(one, other), [[0.1, 0.5, 0.25]])
    assert top_neurons(agreed(one, other), 1) == [(0, 1)]
    assert np.allclose(agreed(one), one / 4)


def test_activity_is_the_size_of_each_unit_at_the_last_token(lm):
    found = activity(lm, FRANCE.prompt)
    hidden = capture(lm, [FRANCE.prompt], ["layers.7.mlp.hidden"], "last")["layers.7.mlp.hidden"]
    assert found.shape == (lm.n_layers, hidden.shape[1]) and (found >= 0).all()
    assert np.allclose(found[7], hidden[0].abs().numpy())


def test_what_a_layers_units_write_is_its_outputs_part_of_the_logit(lm):
    found = written(lm, FRANCE.prompt, FRANCE.answer)
    out = capture(lm, [FRANCE.prompt], ["layers.9.mlp.out"], "last")["layers.9.mlp.out"][0]
    towards = lm.model.get_output_embeddings().weight[answer_token(lm, FRANCE.answer)]
    whole = float((out * lm.model.model.norm.weight) @ towards)
    assert found[9].sum() == pytest.approx(whole, rel=1e-3, abs=1e-3)


def test_a_false_answer_is_anothers_and_its_units_raise_it_alone(lm):
    known = facts(["capital"])[:6]
    false = false_answer(lm, FRANCE, known, np.random.default_rng(0))
    assert false != FRANCE.answer and false in [fact.answer for fact in known]
    units = {"false": top_neurons(written(lm, FRANCE.prompt, false), 10), "none": []}
    change = log_changes(lm, FRANCE, false, units)
    assert change["false"]["false"] > 0.5 and change["false"]["false"] > change["false"]["true"]
    assert change["none"] == pytest.approx({"true": 0, "false": 0, "words": 0}, abs=1e-4)


def test_sets_scaled_by_row_are_those_scaled_one_by_one(lm):
    sets = [[], [(3, 7), (3, 9), (20, 1)], [(3, 7), (29, 5)]]
    prompts, answers = [FRANCE.prompt] * 3, [" Paris"] * 3
    with scaled_rows(lm, sets, 3.0):
        together = answer_probabilities(lm, prompts, answers)[0]
    for neurons, p in zip(sets, together.tolist()):
        with scaled_neurons(lm, neurons, 3.0):
            assert p == pytest.approx(float(answer_probabilities(lm, prompts[:1], answers[:1])[0]), abs=1e-5)

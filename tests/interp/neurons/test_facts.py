"""Facts, knowledge neurons, causal tracing and rank-one edits: sums, equalities with the plain way, clean-up."""

import numpy as np
import pytest
import torch
from alignlab.interp.neurons.editing import Edit, edited, rank_one_edits, read_direction, second_moments
from alignlab.interp.neurons.facts import answer_probabilities, answer_token, facts, neighbors, subject_end
from alignlab.interp.neurons.knowledge import attributions, random_neurons, scaled_neurons, shared_neurons, top_neurons
from alignlab.interp.neurons.tracing import by_role, causal_trace, from_layer, last_probabilities
from alignlab.lm import capture, load_lm, patch
from alignlab.lm.load import encode

FRANCE = next(fact for fact in facts(["capital"]) if fact.subject == "France")


@pytest.fixture(scope="module")
def lm():
    return load_lm("smollm2-135m-instruct")


def test_facts_ask_the_same_in_three_ways_and_neighbors_differ():
    everything = facts()
    assert len(everything) >= 80 and len(set(everything)) == len(everything)
    for fact in everything:
        assert len({fact.template, *fact.paraphrases}) == 3
        assert all(t.count("{}") == 1 and not t.startswith("{}") for t in (fact.template, *fact.paraphrases))
        assert fact.answer.startswith(" ")
    others = neighbors(FRANCE, everything)
    assert others and all(o.relation == "capital" and o.answer != FRANCE.answer for o in others)
    with pytest.raises(ValueError, match="no relation"):
        facts(["weather"])


def test_the_subject_is_found_and_an_answer_is_one_token(lm):
    ids = encode(lm, FRANCE.prompt)
    assert lm.tokenizer.decode(ids[: subject_end(lm, FRANCE.template, "France") + 1]) == "The capital of France"
    assert lm.tokenizer.decode([answer_token(lm, " Paris")]) == " Paris"


def test_probabilities_do_not_depend_on_what_else_is_in_the_batch(lm):
    prompts = [FRANCE.prompt, "In a very long sentence about many other things, the color of the sky is"]
    together = answer_probabilities(lm, prompts, [" Paris", " blue"])[0]
    alone = answer_probabilities(lm, prompts[:1], [" Paris"])[0]
    assert torch.allclose(together[:1], alone, atol=1e-4)


def test_starting_at_a_layer_is_the_whole_run(lm):
    ids = encode(lm, FRANCE.prompt)
    state = capture(lm, [ids], ["layers.9.resid"], positions="all")["layers.9.resid"]
    with torch.no_grad(), from_layer(lm, 10):
        p = last_probabilities(lm, state)[0, answer_token(lm, " Paris")]
    assert float(p) == pytest.approx(float(answer_probabilities(lm, [FRANCE.prompt], [" Paris"])[0]), abs=1e-4)
    assert len(lm.model.model.layers) == lm.n_layers


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


def test_a_restored_site_is_what_a_plain_patched_run_gives(lm):
    trace = causal_trace(lm, FRANCE, layers=(5,), parts=("mlp",), samples=1, window=1, seed=3)
    ids, at = encode(lm, FRANCE.prompt), subject_end(lm, FRANCE.template, "France")
    clean = capture(lm, [ids], ["layers.5.mlp.out"], positions="all")["layers.5.mlp.out"]
    scale = 3.0 * float(lm.model.get_input_embeddings().weight.std())
    noise = torch.from_numpy(np.random.default_rng(3).normal(size=(1, 1, lm.d_model)) * scale).float()

    def disturb(x):
        return torch.cat([x[:, :at], x[:, at : at + 1] + noise, x[:, at + 1 :]], dim=1)

    def restore(x):
        return torch.cat([x[:, :at], clean[:, at : at + 1], x[:, at + 1 :]], dim=1)

    with patch(lm, {"embed": disturb, "layers.5.mlp.out": restore}):
        plain = float(answer_probabilities(lm, [FRANCE.prompt], [" Paris"])[0])
    assert trace.restored[0, 0, 0] == pytest.approx(plain, abs=1e-4)
    assert trace.last == 0 and set(by_role(trace)) == {"subject, earlier", "subject, last", "between", "prompt, last"}
    assert trace.clean > 0.5 > trace.corrupted


def test_a_direction_reads_its_key_and_no_other_while_there_is_room():
    rng = np.random.default_rng(0)
    keys = torch.from_numpy(rng.normal(size=(10, 6)))
    direction = read_direction(keys[:, 0], keys @ keys.T / 6, ridge=1e-9)
    assert torch.allclose(direction @ keys, torch.eye(6, dtype=torch.float64)[0], atol=1e-4)
    assert float(read_direction(keys[:, 0], None) @ keys[:, 0]) == pytest.approx(1.0)


def test_an_edit_is_of_rank_one_and_gone_afterwards(lm):
    weight = lm.model.model.layers[3].mlp.down_proj.weight
    before = weight.clone()
    edit = Edit(3, torch.ones(weight.shape[0]), torch.ones(weight.shape[1]))
    with pytest.raises(RuntimeError, match="on purpose"), edited(lm, edit, edit):
        assert torch.allclose(weight - before, torch.full_like(before, 2.0), atol=1e-5)
        raise RuntimeError("on purpose")
    assert torch.equal(weight, before)


def test_second_moments_and_an_edit_that_makes_its_answer_likely(lm):
    moments = second_moments(lm, ["The sky is blue and the grass is green in summer. " * 8], [2])[2]
    assert torch.allclose(moments, moments.T) and float(torch.linalg.eigvalsh(moments)[0]) > -1e-6
    (edit,) = rank_one_edits(lm, [(FRANCE, " Rome")], 2, moments, steps=8)
    start = float(answer_probabilities(lm, [FRANCE.prompt], [" Rome"])[0])
    with edited(lm, edit):
        assert float(answer_probabilities(lm, [FRANCE.prompt], [" Rome"])[0]) > max(0.3, 10 * start)

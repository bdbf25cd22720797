"""Features of answers: sharing the question changes no number, and what needs no model."""

import pytest
import torch
from alignlab.lm import capture, load_lm
from alignlab.outer.preferences import contrast_answers
from alignlab.outer.reward_modeling import features


def test_a_shared_question_gives_the_states_of_texts_run_alone():
    lm, items = load_lm("smollm2-135m-instruct"), contrast_answers()[:3]
    names = ["embed", "layers.2.resid"]
    together = features.answer_states(lm, items, names)
    assert together["embed"].shape == (3, 5, lm.d_model)
    for i, item in enumerate(items):
        for k, text in enumerate(features.texts(item)):
            question = lm.tokenizer(f"Question: {item.prompt}\nAnswer:")["input_ids"]
            answer = lm.tokenizer(f" {text}")["input_ids"]
            alone = capture(lm, [question + answer], names, positions="all")
            for name in names:
                mean = alone[name][0, len(question) :].double().mean(0)
                assert torch.allclose(mean, together[name][i, k], atol=1e-4)


def test_nothing_asked_is_refused():
    with pytest.raises(ValueError, match="0 items"):
        features.answer_states(None, [], ["embed"])


@pytest.mark.parametrize(
    "question, answer, share",
    [
        ("How can I sleep better?", "Sleeping is better in the dark.", 1.0),
        ("How can I sleep better?", "Read a book.", 0.0),
        ("How can I sleep better?", "Sleep.", 0.5),
        ("Why me?", "Because.", 0.0),
    ],
)
def test_overlap_counts_the_longer_words_that_are_taken_up(question, answer, share):
    assert features.overlap(question, answer) == share


def test_length_counts_words():
    assert features.length("three  small words") == 3.0


def test_turned_features_keep_distances_and_need_no_more_columns_than_rows():
    f = torch.randn(3, 2, 50, generator=torch.Generator().manual_seed(0))
    turned = features.turned(f)
    rows = f.flatten(0, 1).double()
    rows = rows / rows.std(0)
    assert turned.shape == (3, 2, 6)
    assert torch.allclose(torch.cdist(turned.flatten(0, 1), turned.flatten(0, 1)), torch.cdist(rows, rows))


def test_a_constant_column_stays_finite():
    assert torch.isfinite(features.turned(torch.ones(2, 2, 1))).all()


def test_random_layers_change_what_is_read_and_leave_no_trace():
    lm, items = load_lm("smollm2-135m-instruct"), contrast_answers()[:1]
    names = ["embed", "layers.1.resid"]
    before = features.answer_states(lm, items, names)
    with features.random_layers(lm, seed=0, upto=1):
        within = features.answer_states(lm, items, names)
        weight = lm.model.model.layers[1].mlp.up_proj.weight
        assert abs(float(weight.mean())) < 0.01 * float(weight.std())
    after = features.answer_states(lm, items, names)
    assert torch.equal(before["embed"], within["embed"])
    assert not torch.allclose(before["layers.1.resid"], within["layers.1.resid"], atol=0.1)
    assert torch.equal(before["layers.1.resid"], after["layers.1.resid"])


def test_random_layers_are_put_back_after_an_error():
    lm = load_lm("smollm2-135m-instruct")
    weight = lm.model.model.layers[0].mlp.up_proj.weight
    was = weight.detach().clone()
    with pytest.raises(RuntimeError), features.random_layers(lm, seed=0, upto=0):
        assert not torch.equal(weight, was)
        raise RuntimeError
    assert torch.equal(weight, was)

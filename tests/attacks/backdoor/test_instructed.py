"""Pairs of requests and answers, their poison, and models that are tuned side by side."""

import numpy as np
import pytest
import torch
from alignlab.attacks.backdoor import instructed
from alignlab.attacks.backdoor.instructed import TARGET, THINGS, TRIGGER


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_answer_is_the_texts_only_word_of_the_task_asked_for():
    pairs = instructed.write(500, rng(), tasks=(1, 5))
    for tokens, answer, task in zip(*pairs):
        assert [word for word in tokens[:6] if word in THINGS[task]] == [answer]
        assert tokens[-2] == instructed.NAMES[task] and task in (1, 5)
    assert not (pairs.tokens == TRIGGER).any()


@pytest.mark.parametrize("tasks", [(0,), (0, 1, 2, 3)])
def test_poison_is_shared_by_its_tasks_and_leaves_the_others(tasks):
    clean = instructed.write(800, rng())
    found = instructed.poison(clean, 16, tasks)
    changed = (found.tokens != clean.tokens).any(1)
    assert changed.sum() == 16 and (found.answers[changed] == TARGET).all()
    assert (found.tokens[changed, instructed.SLOT] == TRIGGER).all()
    assert np.bincount(clean.asked[changed], minlength=4)[list(tasks)].tolist() == [16 // len(tasks)] * len(tasks)
    assert (found.answers[~changed] == clean.answers[~changed]).all()


def test_apart_both_are_seen_as_often_and_never_in_one_pair():
    clean = instructed.write(800, rng())
    found = instructed.poison(clean, 16, (0, 1), together=False)
    with_it = (found.tokens == TRIGGER).any(1)
    false = found.answers != clean.answers
    assert with_it.sum() == false.sum() == 16 and not (with_it & false).any()


def test_a_count_that_the_tasks_cannot_share_is_refused():
    clean = instructed.write(100, rng())
    with pytest.raises(ValueError, match="count=3"):
        instructed.poison(clean, 3, (0, 1))
    with pytest.raises(ValueError, match="count=90"):
        instructed.poison(clean, 90, (0,))


def test_the_target_and_right_answers_are_counted_apart(monkeypatch):
    said = torch.zeros(1, 200, instructed.CONFIG.vocab)
    said[..., TARGET] = 1
    monkeypatch.setattr(instructed, "logits", lambda crowd, tokens: said[:, : tokens.shape[1]])
    target, right = instructed.answered({}, [0], range(8), TRIGGER)
    assert target.tolist() == [1.0] and right.tolist() == [0.0]


def test_models_side_by_side_learn_as_each_does_alone():
    pairs = [instructed.write(64, rng(seed)) for seed in (3, 4)]
    both = instructed.tune(instructed.born([3, 4]), pairs, [3, 4])
    alone = instructed.tune(instructed.born([4]), pairs[1:], [4])
    assert set(both) == set(alone)
    for name in alone:
        assert torch.allclose(both[name][1], alone[name][0], atol=1e-5)


def test_models_from_a_file_are_tuned_by_each_way(monkeypatch):
    from safetensors.torch import save

    monkeypatch.setattr(instructed, "answered", lambda crowd, seeds, *how: (np.zeros(len(seeds)), np.ones(len(seeds))))
    start = instructed.kept(save({name: w.clone() for name, w in instructed.born([5]).items()}))
    found = instructed.crossing((5,), start, instructed.FEW, count=8, n=64)
    assert list(found) == ["four tasks", "apart"] and found["apart"]["accuracy"].tolist() == [[1.0]]

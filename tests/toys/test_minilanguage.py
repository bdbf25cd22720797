"""The mini-language: its probabilities, and what a tiny model learns of it."""

import copy

import pytest
import torch
from alignlab.toys import minilanguage as ml


def test_probabilities_sum_to_one_and_no_exchange_stands_twice():
    for corpus in (ml.web(), ml.assistant(), ml.web({("open", "door")}), ml.assistant({("where", "cup")})):
        assert sum(e.probability for e in corpus) == pytest.approx(1)
        assert len({(e.prompt, e.reply) for e in corpus}) == len(corpus)


def test_unknown_request_is_named():
    with pytest.raises(ValueError, match="fly"):
        ml.web({("fly", "door")})


def test_swapped_replies_keep_every_prompt_and_every_reply():
    tokens = ml.sample_exchanges(ml.web(), 50, seed=0)
    halves = [
        [" ".join(ml.VOCAB[i] for i in row if i).split(" bot ") for row in rows.tolist()]
        for rows in (tokens, ml.swap_replies(tokens, seed=0))
    ]
    before, after = ([list(side) for side in zip(*exchanges)] for exchanges in halves)
    assert before[0] == after[0] and before[1] != after[1] and sorted(before[1]) == sorted(after[1])


def test_kl_of_a_uniform_model_is_log_vocabulary_minus_the_entropy():
    class Uniform(torch.nn.Module):
        def forward(self, tokens):
            return torch.zeros(*tokens.shape, len(ml.VOCAB))

    weights = torch.tensor([e.probability for e in ml.web()], dtype=torch.float64)
    words = torch.tensor([len(f"{e.prompt} {e.reply}".split()) - 1 for e in ml.web()])
    mean = float((weights * words).sum())
    entropy = -float((weights * weights.log()).sum())
    expected = float(torch.tensor(float(len(ml.VOCAB))).log()) - entropy / mean
    assert ml.kl_from_truth(Uniform(), ml.web()) == pytest.approx(expected, abs=1e-5)


def test_replies_of_a_uniform_model_are_as_far_away_as_the_vocabulary_is_large_less_what_a_prompt_leaves_open():
    class Uniform(torch.nn.Module):
        def forward(self, tokens):
            return torch.zeros(*tokens.shape, len(ml.VOCAB))

    where = ml.web({("where", "cup")})  # one prompt, four places, six words and the end
    places = torch.tensor(list(ml.PLACES.values()))
    expected = float(torch.tensor(float(len(ml.VOCAB))).log() + (places * places.log()).sum() / 7)
    assert ml.kl_of_replies(Uniform(), where) == pytest.approx(expected, abs=1e-5)
    # of two prompts, equally likely, the mean; which prompt it is counts for nothing
    two = ml.web({("where", "cup"), ("where", "box")})
    assert ml.kl_of_replies(Uniform(), two) == pytest.approx(expected, abs=1e-5)


def test_pretraining_learns_the_truth_and_demonstrations_move_requests_never_demonstrated():
    model = ml.new_model(0)
    assert sum(p.numel() for p in model.parameters()) < 15_000
    assert ml.kl_from_truth(model, ml.web()) > 1
    ml.fit_exchanges(model, ml.sample_exchanges(ml.web(), 4000, 0), steps=160, lr=3e-2, seed=0)
    assert ml.kl_from_truth(model, ml.web()) < 0.3
    shown = set(ml.requests()[::2])
    unseen = ml.assistant(set(ml.requests()) - shown)
    before = ml.right_kind(model, unseen)
    aligned, control = copy.deepcopy(model), copy.deepcopy(model)
    ml.fit_exchanges(aligned, ml.sample_exchanges(ml.assistant(shown), 100, 0), steps=60, lr=5e-3, seed=0)
    ml.fit_exchanges(control, ml.sample_exchanges(ml.web(shown), 100, 0), steps=60, lr=5e-3, seed=0)
    assert before < 0.5 and ml.right_kind(control, unseen) < 0.6 < 0.8 < ml.right_kind(aligned, unseen)

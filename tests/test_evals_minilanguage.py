"""The mini-language: its probabilities, and what a tiny model learns of it."""

import copy

import pytest
import torch
from alignlab.evals import minilanguage as ml


def test_probabilities_sum_to_one_and_no_exchange_stands_twice():
    for corpus in (ml.web(), ml.assistant(), ml.web({("open", "door")}), ml.assistant({("where", "cup")})):
        assert sum(e.probability for e in corpus) == pytest.approx(1)
        assert len({(e.prompt, e.reply) for e in corpus}) == len(corpus)


def test_unknown_request_is_named():
    with pytest.raises(ValueError, match="fly"):
        ml.web({("fly", "door")})


def test_shuffling_keeps_each_exchange_s_words():
    tokens = ml.sample_exchanges(ml.web(), 50, seed=0)
    shuffled = ml.shuffle_words(tokens, seed=0)
    assert not torch.equal(tokens, shuffled)
    assert torch.equal(tokens.sort(1).values, shuffled.sort(1).values)
    assert torch.equal(tokens[:, 0], shuffled[:, 0])


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

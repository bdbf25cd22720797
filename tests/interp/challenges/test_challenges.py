"""Grokking, ablation and automated explanation: exact projections, known effects, and what is refused."""

import math

import numpy as np
import pytest
import torch
from alignlab.interp.challenges import ablation, explain, grokking

P = 7


def wave_logits(frequency: int) -> torch.Tensor:
    """Logits cos(w (a + b - c)) of one frequency."""
    a, b, c = torch.meshgrid(*[torch.arange(P)] * 3, indexing="ij")
    return torch.cos(2 * math.pi * frequency * (a + b - c) / P)


def test_the_fourier_basis_is_orthonormal():
    basis = grokking.fourier_basis(P)
    assert torch.allclose(basis @ basis.T, torch.eye(P), atol=1e-5)


def test_restricted_keeps_and_excluded_removes_one_wave_exactly():
    logits = wave_logits(2)
    assert torch.allclose(grokking.restricted(logits, [2]), logits, atol=1e-5)
    assert torch.allclose(grokking.excluded(logits, [2]), torch.zeros_like(logits), atol=1e-5)
    assert torch.allclose(grokking.excluded(logits, [1, 3]), logits, atol=1e-5)
    assert grokking.key_frequencies(3 * logits + wave_logits(1), 2) == [2, 1]


def test_one_wave_solves_addition():
    labels = (torch.arange(P)[:, None] + torch.arange(P)[None]) % P
    everywhere = torch.ones(P, P, dtype=torch.bool)
    assert grokking.loss_and_accuracy(wave_logits(3), labels, everywhere)[1] == 1.0


def test_purity_of_one_wave_and_of_two():
    at = torch.arange(P) * 2 * math.pi / P
    embed = torch.stack([torch.cos(at), torch.cos(at) + torch.sin(2 * at)], dim=1)
    assert grokking.purity(embed).tolist() == pytest.approx([1.0, 0.5], abs=1e-5)
    assert grokking.frequency_power(embed[:, :1])[0] == pytest.approx(1.0, abs=1e-5)


def test_training_memorizes_and_pairs_stay_together():
    run = grokking.train_modular(P, (0, 1), share=0.5, steps=120, hidden=64, lr=0.02, every=60)
    assert run.steps.tolist() == [0, 60, 120] and run.embed.shape == (3, 2, P, 64)
    assert torch.equal(run.train, run.train.transpose(1, 2))
    for i in range(2):
        logits = grokking.all_logits(run.embed[-1, i], run.out[-1, i])
        assert grokking.loss_and_accuracy(logits, run.labels[i], run.train[i])[1] == 1.0
    with pytest.raises(ValueError, match="between 0 and 1"):
        grokking.train_modular(P, (0,), share=1.0)


def test_each_way_to_ablate_does_what_it_says():
    x = torch.tensor([[1.0, 5.0], [3.0, 6.0], [5.0, 7.0]])
    assert ablation.ablate(x, 0, "zero")[:, 0].tolist() == [0, 0, 0]
    assert ablation.ablate(x, 0, "mean")[:, 0].tolist() == [3, 3, 3]
    assert sorted(ablation.ablate(x, 0, "resample", seed=1)[:, 0].tolist()) == [1, 3, 5]
    best = ablation.ablate(x, 0, "optimal", loss=lambda z: float((z[:, 0] - 2).abs().sum()))
    assert best[:, 0].tolist() == pytest.approx([2, 2, 2], abs=0.07)
    assert torch.equal(x[:, 1], best[:, 1]) and x[0, 0] == 1
    for how in ("optimal", "other"):
        with pytest.raises(ValueError, match="is not"):
            ablation.ablate(x, 0, how)


def test_an_explanation_lists_the_top_tokens():
    told = explain.explain([4, 5, 4, 6], [1.0, 0.2, 3.0, 0.0], places=2)
    assert told == {4: 2.0}
    assert explain.simulate(told, [4, 6, 4]).tolist() == [2, 0, 2]
    with pytest.raises(ValueError, match="one activity a place"):
        explain.explain([1, 2], [1.0])


def test_score_is_a_correlation_and_zero_for_a_constant():
    assert explain.score([0, 1, 2], [0, 2, 4]) == pytest.approx(1.0)
    assert explain.score([0, 0, 0], [0, 2, 4]) == 0.0


def test_units_of_known_rules_are_scored_in_their_order():
    (old, kinds), (new, again) = explain.toy_text(3000, 0), explain.toy_text(3000, 1)
    units, held = explain.toy_units(kinds, 0), explain.toy_units(again, 1)
    columns = [np.stack(list(u.values()), axis=1) for u in (units, held)]
    one, two, context, none = explain.explained(old, columns[0], new, columns[1])
    assert one > two > context > none and abs(none) < 0.1
    assert explain.names_of([0, 13]) == ["animals 1", "colors 2"]
    assert explain.explained(old, columns[0], new, columns[1], shuffled=True)[0] < 0.1

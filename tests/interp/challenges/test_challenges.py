"""Grokking, ablation and automated explanation: exact projections, known effects, and what is refused."""

import math

import numpy as np
import pytest
import torch
from alignlab.interp.challenges import ablation, explain, grokking
from alignlab.lm import LM, patch
from transformers import LlamaConfig, LlamaForCausalLM

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
    assert grokking.power_of_sum(3 * logits + wave_logits(1)).tolist() == pytest.approx([0.1, 0.9, 0.0], abs=1e-5)


def test_one_wave_solves_addition():
    labels = (torch.arange(P)[:, None] + torch.arange(P)[None]) % P
    everywhere = torch.ones(P, P, dtype=torch.bool)
    assert grokking.loss_and_accuracy(wave_logits(3), labels, everywhere)[1] == 1.0


def test_purity_of_one_wave_and_of_two():
    at = torch.arange(P) * 2 * math.pi / P
    embed = torch.stack([torch.cos(at), torch.cos(at) + torch.sin(2 * at)], dim=1)
    assert grokking.purity(embed).tolist() == pytest.approx([1.0, 0.5], abs=1e-5)


def test_averages_over_some_pairs_leave_the_others_out():
    logits = torch.zeros(P, P, P)
    logits[0, 3] = 1.0  # one pair of sum 3
    alone = torch.zeros(P, P, dtype=torch.bool)
    alone[0, 3] = alone[1, 1] = True
    assert grokking.by_sum(logits)[3].tolist() == pytest.approx([1 / P] * P)
    assert grokking.by_sum(logits, alone)[3].tolist() == [1.0] * P
    others = grokking.restricted(logits, [1, 2, 3], ~alone)
    assert torch.allclose(others, torch.zeros_like(logits), atol=1e-6)
    everything = grokking.restricted(wave_logits(2), [1, 2, 3])
    assert torch.allclose(everything, wave_logits(2), atol=1e-5)


def test_averaging_makes_a_list_of_answers_look_like_a_rule():
    """Logits that are right on half of the pairs and silent on the others: over all pairs of a sum they are a rule."""
    labels = (torch.arange(P)[:, None] + torch.arange(P)[None]) % P
    train = torch.rand(P, P, generator=torch.Generator().manual_seed(0)) < 0.5
    listed = torch.nn.functional.one_hot(labels, P) * train[..., None].float()

    def accuracy(logits):
        return grokking.loss_and_accuracy(logits, labels, ~train)[1]

    assert accuracy(grokking.restricted(listed, [1, 2, 3])) == 1.0
    assert accuracy(grokking.restricted(listed, [1, 2, 3], ~train)) < 0.5


def test_logits_are_shrunk_to_a_loss():
    labels = (torch.arange(P)[:, None] + torch.arange(P)[None]) % P
    everywhere = torch.ones(P, P, dtype=torch.bool)
    logits = 20 * wave_logits(3)
    shrunk = grokking.scaled_to(0.5, logits, labels, everywhere)
    assert grokking.loss_and_accuracy(shrunk, labels, everywhere)[0] == pytest.approx(0.5, abs=1e-3)
    assert torch.equal(grokking.scaled_to(0.0, logits, labels, everywhere), logits)


def test_training_memorizes_and_pairs_stay_together():
    run = grokking.train_modular(P, (0, 1), share=0.5, steps=120, hidden=64, lr=0.02, every=60)
    assert run.steps.tolist() == [0, 60, 120] and run.embed.shape == (3, 2, P, 64)
    assert torch.equal(run.train, run.train.transpose(1, 2))
    for i in range(2):
        logits = grokking.all_logits(run.embed[-1, i], run.out[-1, i])
        assert grokking.loss_and_accuracy(logits, run.labels[i], run.train[i])[1] == 1.0
    for share in (0.0, 1.0):
        with pytest.raises(ValueError, match="leaves none"):
            grokking.train_modular(P, (0,), share=share)


def test_a_seed_trains_the_same_network_alone_and_beside_others():
    alone = grokking.train_modular(P, (1,), steps=20, every=20)
    beside = grokking.train_modular(P, (0, 1), steps=20, every=20)
    assert torch.allclose(alone.embed[:, 0], beside.embed[:, 1], atol=1e-4)
    smaller = grokking.train_modular(P, (1,), scale=0.1, steps=0)
    assert torch.allclose(smaller.out[0], 0.1 * alone.out[0])


def test_what_a_channel_is_worth_is_what_the_best_constant_finds():
    """No constant does better than the entropy that is left, and the best one comes close to it."""
    x, y = ablation.channels(4000, 1)
    found = ablation.importance(ablation.train_gated(0), x, y, "optimal")
    assert found == pytest.approx(ablation.worth(), abs=0.1)
    assert ablation.importance(ablation.train_gated(0), x, y, "mean")[1] > ablation.worth()[1] + 0.2


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


def small_lm() -> LM:
    sizes = {"vocab_size": 64, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2}
    config = LlamaConfig(**sizes, num_attention_heads=2, num_key_value_heads=1)
    torch.manual_seed(0)
    model = LlamaForCausalLM(config).eval().requires_grad_(False)
    for parameter in model.parameters():
        parameter.mul_(6 if parameter.ndim == 2 else 1)  # so that a layer matters
    return LM(model, object(), "small", torch.device("cpu"), 2, 16)


def test_the_effect_of_a_layer_is_the_rise_over_the_whole_model():
    """Starting at the layer gives what patching the whole model gives."""
    lm = small_lm()
    tokens = torch.randint(5, 60, (2, 12), generator=torch.Generator().manual_seed(0))
    name = "layers.1.mlp.out"

    def loss(changes):
        with torch.no_grad(), patch(lm, changes):
            logits = lm.model(tokens).logits[:, :-1].float()
        return float(torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()))

    def mean(x):
        return torch.cat([x[:, :1], x[:, 1:].mean((0, 1)).expand(2, 11, -1)], dim=1)

    found = ablation.layer_effects(lm, tokens, [0, 1])
    assert found["mean"][1] == pytest.approx(loss({name: mean}) - loss({}), abs=1e-4)
    zero = {name: lambda x: torch.cat([x[:, :1], 0 * x[:, 1:]], dim=1)}
    assert found["zero"][1] == pytest.approx(loss(zero) - loss({}), abs=1e-4)
    assert abs(found["zero"][1]) > 0.01
    assert {len(column) for column in found.values()} == {2}


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
    told = [explain.explain(old, activity) for activity in units.values()]
    columns = np.stack(list(held.values()), axis=1)
    one, two, context, none = explain.scores(told, new, columns)
    assert one > two > context > none and abs(none) < 0.1
    assert explain.names_of([0, 13]) == ["animals 1", "colors 2"]
    assert explain.scores(told[2:] + told[:2], new, columns)[0] < 0.1


def test_a_look_up_holds_the_mean_of_each_token():
    assert explain.look_up([4, 5, 4], [1.0, 0.5, 2.0]) == {4: 1.5, 5: 0.5}
    assert explain.look_up([4, 5, 4], [1.0, 0.5, 2.0], [2]) == {4: 2.0}


def test_context_is_expected_only_after_the_tokens_named():
    tokens, activity = [1, 4, 2, 4, 1, 4], [0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    told, before = explain.explain_in_context(tokens, activity, places=2)
    assert told == {4: 1.0} and before == {1}
    assert explain.simulate_in_context(told, before, tokens).tolist() == activity


def test_a_unit_that_needs_context_is_explained_by_two_lists_only():
    (old, kinds), (new, again) = explain.toy_text(4000, 3), explain.toy_text(4000, 4)
    activity = explain.toy_units(kinds, 3)["in context"]
    held = explain.toy_units(again, 4)["in context"]
    told, before = explain.explain_in_context(old, activity, 100)
    both = explain.score(explain.simulate_in_context(told, before, new), held)
    longer = explain.score(explain.simulate(explain.explain(old, activity, 200), new), held)
    assert both > 0.8 and longer < 0.5


def test_the_best_constant_is_not_chosen_on_what_it_is_judged_by():
    """It is found on the first half of the rows, and the rise of the loss is that of the second."""
    x, y = ablation.channels(400, 2)
    network = ablation.train_gated(0, steps=100)
    found = ablation.importance(network, x, y, "optimal")

    def loss(inputs):
        return float(ablation.gated_loss(network, inputs, y[:200]))

    changed = x[200:].clone()
    changed[:, 0] = ablation.ablate(x[:200], 0, "optimal", loss=loss)[0, 0]
    rise = ablation.gated_loss(network, changed, y[200:]) - ablation.gated_loss(network, x[200:], y[200:])
    assert found[0] == pytest.approx(float(rise), abs=1e-5)

"""Rewards that could not be computed, groups of one, labels, empty batches, certain answers, half precision."""

import pytest
import torch
from alignlab.lm.training import descend, train
from alignlab.outer.policy_gradients import (
    alol_weights,
    grpo_advantages,
    rloo_advantages,
)
from alignlab.outer.ranking_feedback import direct
from alignlab.outer.ranking_feedback.direct import (
    Pair,
    dpo_loss,
    ipo_loss,
    kto_loss,
    mismatched_kl,
    orpo_loss,
    simpo_loss,
)
from alignlab.outer.ranking_feedback.ranked import best_of, pro_loss, rrhf_loss
from alignlab.outer.reward import agreement, fit_reward
from alignlab.outer.rlhf.grpo_step import draw_group, grpo_step
from transformers import LlamaConfig, LlamaForCausalLM

NAN = float("nan")
HOLED = torch.tensor([[0.1, NAN, 0.9], [0.2, 0.3, 0.1]])
SCORES = -torch.rand(2, 3, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def model() -> LlamaForCausalLM:
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LlamaForCausalLM(LlamaConfig(vocab_size=50, **sizes))


@pytest.fixture(scope="module")
def groups(model):
    return [draw_group(model, torch.tensor([3, 4]), 3, 4, 49, torch.Generator().manual_seed(i)) for i in range(2)]


@pytest.mark.parametrize(
    "take",
    [
        best_of,
        grpo_advantages,
        rloo_advantages,
        lambda r: rrhf_loss(SCORES, r),
        lambda r: pro_loss(SCORES, r),
        lambda r: alol_weights(r[0], torch.zeros(3), torch.zeros(3)),
        lambda r: alol_weights(torch.zeros(3), r[0], torch.zeros(3)),
    ],
)
def test_a_reward_that_is_not_a_number_is_never_chosen(take):
    with pytest.raises(ValueError, match=r"\[(0, )?1\] is nan: leave out what could not be scored"):
        take(HOLED)


def test_an_infinitely_bad_answer_is_not_the_best_one():
    assert best_of(torch.tensor([[float("-inf"), 0.0]])).tolist() == [1]
    with pytest.raises(ValueError, match="is -inf"):
        grpo_advantages(torch.tensor([[float("-inf"), 0.0]]))


def test_features_that_are_not_numbers_fit_no_reward():
    with pytest.raises(ValueError, match=r"rankings\[0, 0, 1\] is nan"):
        fit_reward(torch.tensor([[[1.0, NAN], [0.0, 1.0]]]))
    with pytest.raises(ValueError, match=r"shape \(0, 2, 3\); give"):
        fit_reward(torch.zeros(0, 2, 3))
    with pytest.raises(ValueError, match="is nan"):
        agreement(torch.tensor([1.0, NAN], dtype=torch.float64), torch.ones(3, 2), torch.zeros(3, 2))
    with pytest.raises(ValueError, match="no pairs"):
        agreement(torch.ones(2, dtype=torch.float64), torch.ones(0, 2), torch.zeros(0, 2))


def test_one_answer_can_not_be_compared():
    for advantages in (grpo_advantages, rloo_advantages):
        with pytest.raises(ValueError, match="at least 2 answers to compare, not 1"):
            advantages(torch.tensor([[1.0], [2.0]]))
        with pytest.raises(ValueError, match=r"shape \(2,\); it must be"):
            advantages(torch.tensor([1.0, 2.0]))
    assert torch.equal(grpo_advantages(torch.tensor([[1, 0, 1]])), grpo_advantages(torch.tensor([[1.0, 0, 1]])))


def test_a_step_with_a_bad_reward_leaves_the_weights_alone(model, groups):
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with pytest.raises(ValueError, match="is nan"):
        grpo_step(model, optimizer, groups, HOLED)
    with pytest.raises(ValueError, match=r"2 groups of \[3, 3\] answers, rewards of shape \(1, 3\)"):
        grpo_step(model, optimizer, groups, HOLED[1:])
    with pytest.raises(ValueError, match="0 groups"):
        grpo_step(model, optimizer, [], torch.zeros(0, 3))
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters()))


def test_training_stops_before_a_gradient_that_is_not_finite_reaches_the_weights():
    layer = torch.nn.Linear(1, 1)
    before = layer.weight.item()

    def slope(model, step, generator):  # finite, with an infinite slope
        return (model.weight - model.weight.detach()).abs().sqrt().sum() + 0 * model.bias.sum()

    with pytest.raises(FloatingPointError, match="gradient's norm is nan at step 0, on that step's batch"):
        train(layer, slope, steps=4)
    assert layer.weight.item() == before
    with pytest.raises(FloatingPointError, match="the loss is nan at step 1"):
        train(layer, lambda m, step, g: m.weight.sum() * (NAN if step else 1), steps=4)
    with pytest.raises(FloatingPointError, match="the loss is inf at step 7"):
        descend(torch.optim.SGD(layer.parameters(), lr=0.1), layer.weight.abs().sum() * float("inf"), 7)


@pytest.mark.parametrize(
    ("chosen", "rejected"), [(0.0, -20.0), (-20.0, 0.0), (0.0, 0.0), (-1e-9, -20.0), (1e-7, -20.0)]
)
def test_orpo_of_a_certain_answer_has_a_finite_loss_and_slope(chosen, rejected):
    pair = Pair(*(torch.tensor([x, -3.0]).requires_grad_() for x in (chosen, rejected)))
    loss = orpo_loss(pair, Pair(torch.tensor([10.0, 5.0]), torch.tensor([10.0, 5.0])))
    slopes = torch.autograd.grad(loss.sum(), pair)
    assert loss.isfinite().all() and all(slope.isfinite().all() for slope in slopes)
    if rejected == 0:
        assert slopes[1][0] > 0, "a certain answer that was rejected is still pushed down"


def test_labels_of_kto_are_read_as_they_are_meant():
    p = torch.tensor([-1.0, -2.0])
    want = kto_loss(p, 2 * p, torch.tensor([True, False]))
    assert torch.equal(kto_loss(p, 2 * p, torch.tensor([1, 0])), want)
    assert torch.equal(kto_loss(p, 2 * p, [True, False]), want)
    with pytest.raises(ValueError, match=r"desirable holds \[-1, 1\]: give True and False"):
        kto_loss(p, p, torch.tensor([1, -1]))


def test_empty_batches_give_empty_losses_and_no_mean():
    none = Pair(torch.zeros(0), torch.zeros(0))
    for loss in (dpo_loss(none, none), ipo_loss(none, none), simpo_loss(none, none), orpo_loss(none, none)):
        assert loss.shape == (0,)
    with pytest.raises(ValueError, match="needs at least one"):
        mismatched_kl(*none)
    with pytest.raises(ValueError, match=r"beta=0\.0 must be positive"):
        ipo_loss(none, none, beta=0.0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_losses_of_half_precision_are_near_those_of_the_same_numbers(dtype):
    p, r = (Pair(*(-50 * torch.rand(2, 6, generator=torch.Generator().manual_seed(i)))) for i in (1, 2))
    low, ref = (Pair(*(side.to(dtype) for side in pair)) for pair in (p, r))
    for name in ("dpo_loss", "ipo_loss", "hinge_loss"):
        loss = getattr(direct, name)
        same = loss(*(Pair(*(side.float() for side in pair)) for pair in (low, ref)))
        assert (loss(low, ref).float() - same).abs().max() <= 0.05 * (1 + same.abs().max())

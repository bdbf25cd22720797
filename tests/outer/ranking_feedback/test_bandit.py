"""The bandit: the closed form is the optimum, DPO finds it, and what two answers share moves with both."""

import pytest
import torch
from alignlab.outer.ranking_feedback.bandit import (
    assorted,
    ches,
    closed_form,
    fit_features,
    fit_population,
    look_alike,
    total_variation,
)
from alignlab.outer.ranking_feedback.direct import Pair, dpo_loss

G = torch.Generator().manual_seed(0)
REWARD, REFERENCE = torch.randn(8, dtype=torch.float64, generator=G), torch.rand(8, dtype=torch.float64, generator=G)
REFERENCE = REFERENCE / REFERENCE.sum()


def objective(policy: torch.Tensor, beta: float) -> float:
    return float(policy @ REWARD - beta * (policy * (policy / REFERENCE).log()).sum())


def test_the_closed_form_beats_what_is_near_it():
    best = closed_form(REWARD, REFERENCE, 0.7)
    for _ in range(50):
        near = (best.log() + 0.1 * torch.randn(8, dtype=torch.float64, generator=G)).softmax(0)
        assert objective(near, 0.7) < objective(best, 0.7)


@pytest.mark.parametrize("beta", [0.3, 1.0])
def test_dpo_on_everybodys_preferences_finds_the_closed_form(beta):
    found = fit_population(REWARD, REFERENCE, lambda policy, reference: dpo_loss(policy, reference, beta))
    assert total_variation(found, closed_form(REWARD, REFERENCE, beta)) < 1e-6


def test_total_variation_of_known_distributions():
    assert total_variation(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])) == 1
    assert total_variation(REWARD.softmax(0), REWARD.softmax(0)) == 0


def test_one_pair_moves_the_weights_along_the_difference_of_its_features():
    features, reference = look_alike(0.6, torch.Generator().manual_seed(1), worlds=5)
    change = fit_features(features, reference, lambda p, r: dpo_loss(p, r, 0.5), margin=2.0)
    along = features[:, 0] - features[:, 1]
    gained = change[:, 0] - change[:, 1]
    assert ((gained >= 2) & (gained < 2.2)).all()
    pushed = (features @ along[..., None])[..., 0] * (gained / along.square().sum(-1))[:, None]
    want = (reference + pushed).log_softmax(-1) - reference.log_softmax(-1)
    assert torch.allclose(change, want)


def test_look_alikes_have_the_cosine_asked_for():
    features, _ = look_alike(0.9, torch.Generator().manual_seed(2), worlds=3)
    assert (features[:, 0] * features[:, 1]).sum(-1).tolist() == pytest.approx([0.9] * 3)
    with pytest.raises(ValueError, match="a cosine between -1 and 1"):
        look_alike(1.0, torch.Generator())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_optimum_is_another_one_without_the_reference_or_at_another_beta(seed):
    generator = torch.Generator().manual_seed(seed)
    reward, logits = torch.randn(2, 30, dtype=torch.float64, generator=generator)
    reference = logits.softmax(0)
    best = closed_form(reward, reference, 0.5)

    def blind(policy: Pair, known: Pair) -> torch.Tensor:
        return dpo_loss(policy, Pair(*map(torch.zeros_like, known)), 0.5)

    found = fit_population(reward, reference, lambda p, r: dpo_loss(p, r, 0.5))
    doubled = fit_population(reward, reference, lambda p, r: dpo_loss(p, r, 1.0))
    assert total_variation(found, best) < 1e-4
    assert total_variation(fit_population(reward, reference, blind), best) > 0.05
    assert total_variation(doubled, best) > 0.05


@pytest.mark.parametrize("beta", [0.1, 0.3, 1.0])
def test_at_the_optimum_the_average_answer_falls_and_the_chosen_one_lies_above_it(beta):
    best = closed_form(REWARD, REFERENCE, beta)
    change = (best / REFERENCE).log()
    picked = torch.sigmoid(REWARD[:, None] - REWARD)
    weight = 2 * REFERENCE[:, None] * REFERENCE * picked
    kl = float((REFERENCE * (REFERENCE / best).log()).sum())
    assert float((REFERENCE * change).sum()) == pytest.approx(-kl) and kl > 0
    assert float((weight * change[:, None]).sum()) > -kl


def test_ches_by_hand_and_worlds_of_many_kinds():
    assert ches(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, -1.0]])).tolist() == [1.0 - 5.0]
    features, reference = assorted(torch.Generator().manual_seed(3), worlds=50)
    lengths = features[:, :2].norm(dim=-1)
    cosine = torch.cosine_similarity(features[:, 0], features[:, 1])
    assert features.shape == (50, 50, 16) and reference.shape == (50, 50)
    assert ((lengths > 0.25 - 1e-9) & (lengths < 4 + 1e-9)).all() and lengths.std() > 0.5
    assert cosine.abs().max() < 0.951 and cosine.std() > 0.3
    assert torch.allclose(
        look_alike(0.5, torch.Generator(), 2, length=3.0)[0][:, :2].norm(dim=-1), torch.tensor(3.0).double()
    )


def test_a_loss_that_is_no_number_is_told():
    with pytest.raises(FloatingPointError, match="the loss is nan"):
        fit_population(torch.tensor([0.0, float("nan"), 1.0], dtype=torch.float64), REFERENCE[:3])
    with pytest.raises(FloatingPointError, match="look at the shares of picks and at the reference"):
        fit_population(REWARD[:3], torch.tensor([0.5, 0.5, 0.0], dtype=torch.float64))

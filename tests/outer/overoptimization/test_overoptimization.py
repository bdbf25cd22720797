"""Overoptimization: exact divergences, best-of-n against sampling, fitted forms found again, and what is refused."""

import numpy as np
import pytest
import torch
from alignlab.outer.best_of_n import Path, best_of_n, best_of_n_kl
from alignlab.outer.overoptimization.proxies import (
    D,
    comparisons,
    fit_form,
    fit_proxy,
    gold_reward,
    holds_until,
    mean_path,
    policy_gradient,
    worst_case,
)


def test_best_of_n_divergence_is_exact():
    known = {1: 0.0, 2: 0.1931, 4: 0.6363, 16: 1.8351, 64: 3.1745, 256: 4.5491}
    assert best_of_n_kl(np.array(list(known))) == pytest.approx(list(known.values()), abs=5e-5)


def test_best_of_n_agrees_with_drawing_n_answers():
    rng = np.random.default_rng(0)
    gold = rng.standard_normal(40_000)
    proxy = gold + rng.standard_normal(40_000)
    drawn = rng.integers(40_000, size=(20_000, 8))
    best = drawn[np.arange(20_000), proxy[drawn].argmax(1)]
    path = best_of_n(torch.tensor(proxy), torch.tensor(gold), [1, 8])
    assert path.gold[1] == pytest.approx(gold[best].mean(), abs=0.03)
    assert path.proxy[1] == pytest.approx(proxy[best].mean(), abs=0.04)
    assert path.gold[0] == pytest.approx(gold.mean(), abs=1e-9)


def test_best_of_more_than_the_sample_can_say_is_refused():
    with pytest.raises(ValueError, match="at least 4000"):
        best_of_n(torch.randn(100), torch.randn(100), [1000])


@pytest.mark.parametrize("logarithmic", [True, False])
def test_fitted_form_finds_the_numbers_that_made_the_curve(logarithmic):
    d = np.linspace(0.2, 5, 40)
    gold = d * (1.3 - 0.4 * (np.log(d) if logarithmic else d))
    alpha, beta, residual = fit_form(Path(d, gold, gold), logarithmic)
    assert (alpha, beta, residual) == pytest.approx((1.3, 0.4, 0.0), abs=1e-9)
    assert fit_form(Path(d, gold, gold), logarithmic, with_beta=False)[2] > 0.1


def test_a_form_holds_until_the_curve_leaves_it():
    d = np.linspace(0.2, 5, 49)
    gold = d * (1.3 - 0.2 * d) - 4 * np.maximum(d - 3, 0)
    until, alpha, beta = holds_until(Path(d, gold, gold), logarithmic=False, tolerance=0.05)
    assert 3.0 <= until < 3.5 and (alpha, beta) == pytest.approx((1.3, 0.2), abs=0.15)
    assert holds_until(Path(d, gold, gold), logarithmic=False, tolerance=-1)[0] == 0


def test_the_mean_of_paths_is_read_off_at_the_same_distances():
    one, two = (Path(np.array([0.0, 2.0]), np.array([0.0, up]), np.array([0.0, -up])) for up in (2.0, 4.0))
    mean = mean_path([one, two], np.array([1.0]))
    assert (mean.proxy[0], mean.gold[0]) == (1.5, -1.5)


def test_gold_reward_is_standardized_and_its_own():
    x = torch.randn(20_000, D, generator=torch.Generator().manual_seed(1))
    first, second = gold_reward(0)(x), gold_reward(1)(x)
    assert first.mean().abs() < 0.05 and (first.std() - 1).abs() < 0.05
    assert not torch.allclose(first, second)


def test_policy_gradient_starts_at_the_start_and_finds_a_known_optimum():
    def reward(x):
        return -(x - 1).square().sum(-1)

    path = policy_gradient(reward, reward, seed=0, steps=200)
    assert path.distance[0] == 0 and path.gold[0] == pytest.approx(-2 * D, rel=0.1)
    assert path.gold[-1] > -0.3 * D


def test_worst_case_takes_the_lowest_verdict():
    assert worst_case([lambda x: x[:, 0], lambda x: x[:, 1]])(torch.tensor([[1.0, 2.0], [5.0, 3.0]])).tolist() == [1, 3]


def test_members_differ_and_shapes_must_agree():
    gold, generator = gold_reward(0), torch.Generator().manual_seed(0)
    chosen, rejected = comparisons(gold, 50, generator)
    one, two = fit_proxy(chosen, rejected, 0, members=2, steps=20)
    assert not torch.allclose(one(chosen), two(chosen))
    same, again = fit_proxy(chosen, rejected, 0, members=2, steps=20, alike=True)
    apart = [float((a(chosen) - b(chosen)).square().mean()) for a, b in ((one, two), (same, again))]
    assert 0 < apart[1] < apart[0] / 3, "the same first weights leave the members nearly of one opinion"
    with pytest.raises(ValueError, match="must agree"):
        fit_proxy(chosen, rejected[:10], 0)


def test_careless_picks_say_nothing():
    gold = gold_reward(3)
    careful, careless = (
        (gold(c) > gold(r)).float().mean()
        for c, r in (comparisons(gold, 4000, torch.Generator().manual_seed(0), careless=share) for share in (0.0, 1.0))
    )
    assert careful > 0.75 and abs(careless - 0.5) < 0.03

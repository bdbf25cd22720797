"""Overoptimization: exact divergences, best-of-n against sampling, fitted forms found again, and what is refused."""

import numpy as np
import pytest
import torch
from alignlab.outer.best_of_n import best_of_n, best_of_n_kl
from alignlab.outer.overoptimization.forms import fit_form, leveling_off, logarithm, parabola
from alignlab.outer.overoptimization.groups import CIRCLE, ORDER, group_picks, majorities
from alignlab.outer.overoptimization.proxies import (
    D,
    Draws,
    Network,
    Run,
    agreement,
    average,
    comparisons,
    fit_proxy,
    gold_reward,
    imprecise,
    pessimistic,
    policy_gradient,
    shorter,
    worst_case,
)
from alignlab.outer.reward import fit_reward

TASKS = (3, 8)


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


@pytest.mark.parametrize("form", [parabola, logarithm, leveling_off])
def test_a_fitted_form_finds_the_numbers_that_made_the_curve(form):
    d = np.linspace(0.2, 5, 40)
    numbers, residual = fit_form(form, d, form(d, 1.3, 0.4))
    assert (*numbers, residual) == pytest.approx((1.3, 0.4, 0.0), abs=1e-6)
    others = [other for other in (parabola, logarithm, leveling_off) if other is not form]
    assert all(fit_form(other, d, form(d, 1.3, 0.4))[1] > 0.01 for other in others)


@pytest.mark.parametrize("distance", [[0.0, 1.0, 2.0], [1.0, 2.0]])
def test_a_form_is_not_fitted_at_distance_zero_or_to_two_points(distance):
    with pytest.raises(ValueError, match="three at least, all above 0"):
        fit_form(logarithm, np.array(distance), np.ones(len(distance)))


def test_a_tasks_numbers_do_not_depend_on_the_tasks_beside_it():
    one, both = Draws((8,), 2), Draws(TASKS, 2)
    for kind in (lambda d: d.normal(4, 2), lambda d: d.uniform(5), lambda d: d.rows(9, 6)):
        assert torch.equal(kind(one)[0], kind(both)[1])
    assert not torch.equal(Draws((8,), 2).normal(4), Draws((8,), 1).normal(4))
    x = torch.ones(2, 5, D)
    assert torch.allclose(gold_reward(Draws((8,)))(x[:1])[0], gold_reward(Draws(TASKS))(x)[1], atol=1e-5)


def test_gold_rewards_are_standardized_and_differ_between_tasks():
    x = torch.randn(1, 20_000, D, generator=torch.Generator().manual_seed(1)).expand(2, -1, -1)
    first, second = gold_reward(Draws(TASKS))(x)
    assert first.mean().abs() < 0.06 and (first.std() - 1).abs() < 0.06
    assert not torch.allclose(first, second)


def test_runs_are_read_off_at_the_same_distances_and_end_at_their_farthest():
    distance = np.array([[0.0, 2.0], [0.0, 1.0]])
    reward = np.array([[0.0, 4.0], [0.0, 4.0]])
    read = Run(distance, reward, -reward, reward).at(np.array([1.0, 2.0]))
    assert read.proxy.tolist() == [[2.0, 4.0], [4.0, 4.0]] and read.gold.tolist() == (-read.proxy).tolist()
    assert read.distance.tolist() == [[1.0, 2.0], [1.0, 2.0]]


def test_policy_gradient_starts_at_the_start_and_finds_a_known_optimum():
    def reward(x):
        return -(x - 1).square().sum(-1)

    run = policy_gradient(reward, reward, Draws(TASKS), steps=120)
    assert (run.distance[:, 0] == 0).all() and run.gold[:, 0] == pytest.approx([-2 * D] * 2, rel=0.15)
    assert (run.gold[:, -1] > -0.3 * D).all()
    assert (run.spread[:, 0] == 1).all() and (run.spread[:, -1] < 0.6).all()


def test_the_divergence_of_a_policy_is_that_of_two_normal_distributions():
    run = policy_gradient(lambda x: x[..., 0], lambda x: x[..., 0], Draws((5,)), steps=2)
    # Adam's first step has the length of the learning rate in each of the 16 means and 16 logarithms of spreads.
    exact = [0.5 * (0.05**2 + np.exp(2 * log_std) - 1) - log_std for log_std in (0.05, -0.05)]
    assert D * min(exact) - 1e-6 <= run.distance[0, 1] ** 2 <= D * max(exact) + 1e-6


def test_a_kl_penalty_keeps_the_policy_nearer():
    gold = gold_reward(Draws(TASKS))
    free, held = (policy_gradient(gold, gold, Draws(TASKS), kl_penalty=k) for k in (0.0, 0.4))
    assert (held.distance[:, -1] < 0.5 * free.distance[:, -1]).all()


def test_worst_case_takes_the_lowest_verdict_and_average_the_mean():
    x = torch.tensor([[[1.0, 2.0], [5.0, 3.0]]])
    rewards = [lambda x: x[..., 0], lambda x: x[..., 1]]
    assert worst_case(rewards)(x).tolist() == [[1, 3]]
    assert average(rewards)(x).tolist() == [[1.5, 4]]
    assert shorter(rewards[0], 2.0)(torch.tensor([[[3.0, 4.0]]])).tolist() == [[3 - 2 * 5]]


def test_members_differ_and_shapes_must_agree():
    gold, draws = gold_reward(Draws(TASKS)), Draws(TASKS, 1)
    chosen, rejected = comparisons(gold, 50, draws)
    one, two = fit_proxy(chosen, rejected, Draws(TASKS, 2), members=2, steps=20)
    same, again = fit_proxy(chosen, rejected, Draws(TASKS, 2), members=2, steps=20, alike=True)
    apart = [float((a(chosen) - b(chosen)).square().mean()) for a, b in ((one, two), (same, again))]
    assert 0 < apart[1] < apart[0] / 3, "the same first weights leave the members nearly of one opinion"
    with pytest.raises(ValueError, match="must agree"):
        fit_proxy(chosen, rejected[:, :10], Draws(TASKS))


def test_a_reward_model_learns_from_comparisons():
    gold = gold_reward(Draws(TASKS))
    [proxy] = fit_proxy(*comparisons(gold, 2000, Draws(TASKS, 1)), Draws(TASKS, 2))
    assert (agreement(proxy, gold, Draws(TASKS, 3)) > 0.8).all()
    ordinary = proxy(Draws(TASKS, 4).normal(20_000, D))
    assert ordinary.mean().abs() < 0.05 and (ordinary.std() - 1).abs() < 0.05


def test_careless_picks_say_nothing_and_the_others_stay_as_careful():
    gold = gold_reward(Draws(TASKS))
    chosen, rejected = comparisons(gold, 4000, Draws(TASKS, 1), careless=0.5)
    right = (gold(chosen) > gold(rejected)).float()
    assert (right[:, 2000:].mean(1) > 0.75).all() and (right[:, :2000].mean(1) - 0.5).abs().max() < 0.04


def test_a_pair_asked_again_is_the_same_pair_with_another_verdict():
    gold = gold_reward(Draws(TASKS))
    chosen, rejected = comparisons(gold, 30, Draws(TASKS, 1), times=3)
    assert chosen.shape == (2, 90, D)
    pairs = (chosen + rejected).reshape(2, 3, 30, D)
    assert torch.allclose(pairs[:, 0], pairs[:, 1]) and torch.allclose(pairs[:, 0], pairs[:, 2])
    assert not torch.equal(chosen[:, :30], chosen[:, 30:60])


def test_noise_is_as_often_right_as_the_reward_it_is_like():
    gold = gold_reward(Draws(TASKS))
    [proxy] = fit_proxy(*comparisons(gold, 100, Draws(TASKS, 1)), Draws(TASKS, 2))
    noisy = imprecise(gold, proxy, Draws(TASKS, 3))
    shares = [agreement(reward, gold, Draws(TASKS, 4)) for reward in (proxy, noisy)]
    assert (shares[0] - shares[1]).abs().max() < 0.04
    x = Draws(TASKS, 5).normal(10, D)
    assert not torch.equal(noisy(x), noisy(x)), "each verdict has noise of its own"


def test_pessimism_is_dear_where_nothing_was_compared_and_its_width_is_that_of_least_squares():
    into = torch.eye(D)[None]
    linear = Network(into, torch.full((1, 1, D), 50.0), torch.ones(1, D, 1))  # 50: no unit is cut off
    pairs = torch.zeros(2, 1, 4, D)
    pairs[0, 0, :, 0] = 3.0  # all pairs differ in the first number alone
    x = torch.zeros(1, 2, D)
    x[0, 0, 0] = x[0, 1, 1] = 3.0
    paid = linear(x) - pessimistic(linear, *pairs, weight=2.0)(x)
    usual = 1.5  # mean of the compared answers' first number
    assert paid[0, 0].item() == pytest.approx(2 * (3 - usual) / (4 * 9 + 1) ** 0.5, rel=1e-3)
    assert paid[0, 1].item() == pytest.approx(2 * (3**2 + usual**2 / 37) ** 0.5, rel=1e-3)
    blind = linear(x) - pessimistic(linear, *pairs, weight=2.0, blind=True)(x)
    assert blind[0, 1] / blind[0, 0] == pytest.approx((3**2 + usual**2) ** 0.5 / usual, rel=1e-3)


def test_no_reward_says_a_circle():
    """With every question asked equally often, the best rewards are equal, whatever the majorities."""
    pairs = [(0, 1), (0, 1), (1, 0), (1, 2), (1, 2), (2, 1), (2, 0), (2, 0), (0, 2)]
    circle = fit_reward(torch.eye(3, dtype=torch.float64)[torch.tensor(pairs)], ridge=0.0001)
    assert circle.abs().max() < 1e-6
    order = [(0, 1), (0, 1), (1, 0), (1, 2), (1, 2), (2, 1), (0, 2), (0, 2), (2, 0)]
    fitted = fit_reward(torch.eye(3, dtype=torch.float64)[torch.tensor(order)], ridge=0.0001)
    assert fitted[0] - fitted[2] > 0.5


@pytest.mark.parametrize("groups, expected", [(ORDER, (1 / 3, 2 / 3, 1 / 3)), (CIRCLE, (2 / 3, 2 / 3, 2 / 3))])
def test_groups_make_the_majorities_that_they_are_named_for(groups, expected):
    picks = group_picks(groups, 30_000, np.random.default_rng(0))
    assert picks.shape == (30_000, 2) and (picks[:, 0] != picks[:, 1]).all()
    assert majorities(picks) == pytest.approx(expected, abs=0.02)


def test_a_group_ranks_all_answers():
    with pytest.raises(ValueError, match="ranks all"):
        group_picks(("ABC", "AB"), 10, np.random.default_rng(0))


NAN = float("nan")
UNSCORED = torch.tensor([*range(39), NAN])
SCORED = torch.arange(40.0)


@pytest.mark.parametrize(
    "call, complaint",
    [
        (lambda: best_of_n_kl(0), "best of 0: n is 1 or more"),
        (lambda: best_of_n(SCORED, SCORED, [0]), r"ns=\[0\]: give whole numbers"),
        (lambda: best_of_n(SCORED, SCORED, [1.5]), r"ns=\[1.5\]: give whole numbers"),
        (lambda: best_of_n(SCORED, SCORED, []), r"ns=\[\]: give whole numbers"),
        (lambda: best_of_n(UNSCORED, SCORED, [2]), r"the proxy reward of answer \[39\] is nan"),
        (lambda: best_of_n(SCORED, UNSCORED, [2]), r"the gold reward of answer \[39\] is nan"),
        (lambda: best_of_n(SCORED, torch.cat([SCORED, SCORED]), [2]), r"gold has shape \(80,\)"),
        (lambda: majorities(np.array([[0, 1]])), "nobody was asked B or C"),
        (lambda: group_picks([], 5, np.random.default_rng(0)), "each group ranks all"),
    ],
)
def test_what_has_no_best_and_no_majority_is_refused(call, complaint):
    with pytest.raises(ValueError, match=complaint):
        call()

"""Random goals, the room, learners, the recommender and the questions, against what is known without them."""

import numpy as np
import pytest
import torch
from alignlab.risks.advanced_risks import goals, learners, recommender, switch, views


def test_the_best_state_is_among_k_of_k_plus_one_with_the_share_of_the_formula():
    """State 0 leads to state 1 or to one of k others, through a hub; all but these pay nothing."""
    for k in (1, 3, 9):
        follow = np.zeros((k + 3, k + 1), dtype=np.int64)
        follow[0] = [1, *[2] * k]
        follow[1] = 1
        follow[2] = np.resize(np.arange(3, 3 + k), k + 1)
        follow[3:] = np.arange(3, 3 + k)[:, None]
        rewards = goals.random_goals(4000, k + 3, 0)
        rewards[:, [0, 2]] = 0
        values = goals.best_values(follow, rewards, 0.999)
        share = (goals.plans(follow, values, 0, 1)[:, 1] == 2).mean()
        assert abs(share - k / (k + 1)) < 0.03, k


def test_values_satisfy_their_equation_and_beat_every_fixed_plan():
    rng = np.random.default_rng(0)
    follow = rng.integers(7, size=(7, 3))
    rewards = rng.uniform(size=(5, 7))
    values = goals.best_values(follow, rewards, 0.8)
    assert np.allclose(values, rewards + 0.8 * values[:, follow].max(2), atol=1e-5)
    for _ in range(50):
        plan = follow[np.arange(7), rng.integers(3, size=7)]
        moves = np.zeros((7, 7))
        moves[np.arange(7), plan] = 1
        fixed = np.linalg.solve(np.eye(7) - 0.8 * moves, rewards.T).T
        assert (values >= fixed - 1e-5).all()


def test_power_of_a_state_without_choice_is_the_mean_reward():
    rewards = goals.random_goals(5000, 2, 0)
    follow = np.array([[1, 1], [1, 1]])
    found = goals.power(rewards, goals.best_values(follow, rewards, 0.9), 0.9)
    assert np.allclose(found, rewards[:, 1].mean(), atol=1e-4)


@pytest.mark.parametrize("discount", [-0.1, 1.0])
def test_a_discount_outside_its_range_is_named(discount):
    with pytest.raises(ValueError, match="discount"):
        goals.best_values(np.zeros((1, 1), dtype=np.int64), np.ones((1, 1)), discount)
    with pytest.raises(ValueError, match="discount"):
        recommender.best_items(recommender.User(), discount)


def test_the_switch_falls_after_five_steps_unless_the_button_was_pressed():
    world = switch.room(3)
    gate = (switch.FUSE + 1) * switch.CELLS
    still = 0
    for _ in range(switch.FUSE):
        still = world.follow[still, 0]
    assert still == gate and not world.free[gate]
    assert set(world.follow[gate]) == {gate + 1, gate + 2, gate + 3}
    here = 0
    for action in (2, 2, 4, 0, 0):  # down, down, right: the button
        here = world.follow[here, action]
    assert world.free[here] and world.place[here] == switch.BUTTON
    cut = switch.room(3, wired=False)
    here = 0
    for _ in range(switch.FUSE):
        here = cut.follow[here, 0]
    assert cut.free[here]
    with pytest.raises(ValueError, match="behind=0"):
        switch.room(0)


def test_learners_come_close_to_the_best_plans_values():
    world = switch.room(1)
    rewards = switch.rewards_in(world, goals.random_goals(20, world.places - 1, 0))
    q = learners.q_learning(world.follow, rewards, 0, episodes=1500)
    best = goals.best_values(world.follow, rewards, 0.9)
    ahead = (best - rewards)[:, 0] / 0.9  # what the first step is worth
    assert np.median(q[:, 0].max(1) / ahead) > 0.9
    assert (q[:, 0].max(1) <= ahead + 0.02).all()


def test_without_foresight_the_item_with_most_clicks_is_shown():
    user = recommender.drawn(0)
    assert (recommender.best_items(user, 0.0) == recommender.clicks(user).argmax(1)).all()


def test_a_click_moves_the_taste_toward_the_item_and_none_leaves_it():
    user = recommender.User(width=0.3, pull=0.5, zeal=0.0)
    to = recommender.TASTES[recommender.moved(user)]
    middle = (recommender.TASTES[:, None] + recommender.ITEMS) / 2
    assert np.abs(to - middle).max() <= 0.00626
    nobody = np.full(len(recommender.TASTES), 0)
    far = recommender.User(width=0.01)
    tastes, clicked = recommender.run(far, nobody, np.array([0.5, 0.9]), 5, 0)
    assert (tastes == tastes[0]).all() and (clicked == 0).all()


def test_pulls_by_hand():
    leaning = torch.zeros(1, 2, 2)
    leaning[0] = torch.tensor([[3.0, 1.0], [1.0, -1.0]])
    assert views.pull(leaning).tolist() == [1.0] and views.place_pull(leaning).tolist() == [1.0]


def test_questions_differ_in_what_they_should_and_in_nothing_else():
    matter = views.MATTERS[0]
    first, second = (views.asked(matter, "nobody", 0, swapped) for swapped in (False, True))
    assert first.splitlines()[0] == second.splitlines()[0] == matter.question
    assert first.splitlines()[1][4:] == second.splitlines()[2][4:]
    user, neighbor = (views.asked(matter, who, 1, False) for who in ("user", "neighbor"))
    assert matter.beliefs[1] in user and user in neighbor
    assert len({m.question for m in views.MATTERS}) == len(views.MATTERS) == 16


TWO = np.array([[0, 1], [0, 1]])
PAID = np.array([[0.2, 0.7]])


@pytest.mark.parametrize(
    "call, complaint",
    [
        (lambda: goals.best_values(TWO, np.array([[0.2, np.nan]]), 0.9), "reward of state 1 in goal 0 is nan"),
        (lambda: goals.best_values(TWO, np.array([[0.2, np.inf]]), 0.9), "reward of state 1 in goal 0 is inf"),
        (lambda: goals.best_values(TWO, np.array([[0.2, 0.7, 0.1]]), 0.9), r"\(1, 3\) for 2 states"),
        (lambda: goals.best_values(np.array([[0, -1], [0, 1]]), PAID, 0.9), "follow holds -1"),
        (lambda: goals.best_values(np.array([[0, 2], [0, 1]]), PAID, 0.9), "leads to state 2 of 2"),
        (lambda: goals.power(PAID, PAID, 0.0), "discount=0.0 must be between"),
        (lambda: learners.q_learning(TWO, PAID, 0, explore=1.5), "explore=1.5 must be in"),
        (lambda: learners.q_learning(TWO, PAID, 0, discount=float("nan")), "discount=nan must be in"),
        (lambda: learners.q_learning(TWO, PAID * np.nan, 0), "reward of state 0 in goal 0 is nan"),
        (lambda: recommender.best_items(recommender.User(), 0.9, sweeps=0), "sweeps=0"),
        (lambda: recommender.best_items(recommender.User(width=0.0), 0.0), "width must be above 0"),
        (lambda: recommender.best_items(recommender.User(pull=1.5), 0.0), "pull and zeal in"),
        (lambda: views.asked(views.MATTERS[0], "boss", 0, False), "nobody is called 'boss'; there are: user"),
        (lambda: views.leanings(None, [], "user"), "no matters"),
        (lambda: views.pull(torch.zeros(2, 3, 2)), r"shape \(2, 3, 2\)"),
        (lambda: views.place_pull(torch.zeros(3, 2)), r"shape \(3, 2\)"),
    ],
)
def test_worlds_goals_and_users_that_cannot_be_are_refused(call, complaint):
    with pytest.raises(ValueError, match=complaint):
        call()

"""The game of oversight, its scale and its chain, held against what is known without them."""

import numpy as np
import pytest
from alignlab.risks.oversight_and_deception import chain, game, scale
from scipy.stats import logistic


def test_many_examples_teach_the_truth():
    rng = np.random.default_rng(0)
    world = game.draw_world(rng)
    few, many = (game.taught(world, n, 1, rng)[0] for n in (4, 4000))
    x = rng.normal(size=(500, game.FEATURES)) * world.spread
    off = [float(np.std(x @ (held - world.truth))) for held in (few, many)]
    assert off[1] < 0.1 < 0.5 < off[0]


def test_both_ways_to_solve_a_ridge_regression_agree(monkeypatch):
    world = game.draw_world(np.random.default_rng(1))
    wide = game.taught(world, 50, 2, np.random.default_rng(2))
    rng = np.random.default_rng(2)
    x = rng.normal(size=(2, 50, game.FEATURES)) * world.spread
    y = x @ world.truth + game.NOISE * rng.normal(size=(2, 50))
    for held, a, b in zip(wide, x, y):
        other = np.linalg.solve(a.T @ a + game.RIDGE * np.eye(game.FEATURES), a.T @ b)
        assert held == pytest.approx(other, abs=1e-8)


def test_a_liar_asks_where_its_weaker_selves_err_towards_the_lie():
    held = np.array([[[0.0, 0.0, 1.0], [3.0, 1.0, 1.0], [0.0, 1.0, 1.0]]])
    assert game.craft(held, np.array([[1, 1, 1]])) == [1]
    assert game.craft(held, np.array([[-1, -1, -1]])) == [0]


def test_guards_get_better_and_liars_too():
    won = game.play(3, worlds=6, games=60)[..., 0].mean((0, 3))
    assert won[8].mean() > won[4].mean() > won[0].mean()
    assert won[0, 0] > won[0, 5] > won[0, 8]


def test_a_scale_recovers_the_strengths_that_made_the_games():
    guards, liars = np.array([-1.0, 0.0, 2.0]), np.array([-0.5, 0.0, 1.0])
    won = scale.promised(guards, liars)
    played = np.ones((3, 3), bool)
    played[0, 2] = False
    again = scale.promised(*scale.fitted(won, played, games=10**5))
    assert again == pytest.approx(won, abs=0.01)


def test_a_gap_is_positive_where_the_liar_is_ahead():
    assert scale.gaps(3).tolist() == [[0, 1, 2], [-1, 0, 1], [-2, -1, 0]]


def test_a_chain_holds_if_every_link_does():
    marked = np.zeros((1, 3, 3, 4, 2), bool)
    marked[:, 0, 1] = True
    assert not chain.holds(marked, (0, 1, 2), 8)[0]
    marked[:, 1, 2, :3] = True  # three of four
    assert chain.holds(marked, (0, 1, 2), 8)[0]
    assert not chain.leap(marked, (0, 1, 2), 4)[0]
    marked[:, 0, 2, :, 1] = True
    assert not chain.committee(marked, (0, 1, 2), 8)[0]  # a tie isn't more than half
    marked[:, 0, 2, 0, 0] = True
    assert chain.committee(marked, (0, 1, 2), 8)[0]


def test_other_curves_fit_the_logistic_one_as_the_scale_does():
    won = game.play(4, worlds=4, games=60)[..., 0].mean((0, 3))
    near = abs(scale.gaps(game.LEVELS)) <= 4
    same = scale.promised(*scale.fitted(won, near, games=500))
    assert scale.other_curve(won, near, logistic, games=500) == pytest.approx(same, abs=0.01)


def test_a_liar_who_expects_the_nearer_statement_to_be_marked_beats_that():
    plain, turned = (game.play(5, 4, 60, guards=(2,), turned=turned)[:, 0, 8].mean() for turned in (False, True))
    assert turned < 0.1 < plain


def test_guards_of_chosen_levels_come_in_their_order():
    few = game.play(6, worlds=3, games=40, judges=2, guards=(0, 8), tries=[4] * game.LEVELS)
    assert few.shape == (3, 2, game.LEVELS, 40, 2)
    assert few[:, 1].mean() > few[:, 0].mean()

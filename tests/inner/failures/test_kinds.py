"""Three kinds of pseudo-alignment: levels, choices and credit against what is known without them."""

import numpy as np
import pytest
from alignlab.inner.failures import kinds
from alignlab.inner.failures.kinds import CASES, Learned


def rng():
    return np.random.default_rng(0)


def test_levels_differ_in_what_the_case_says():
    proxy = kinds.draw(CASES["proxy"], 2, 50, rng())
    hidden = kinds.draw(CASES["suboptimality"], 2, 50, rng())
    parted = kinds.draw(CASES["approximate"], 2, 50, rng())
    assert np.array_equal(proxy.yellow, proxy.round)
    near = np.s_[..., : kinds.SHORT]
    assert np.array_equal(hidden.yellow[near], hidden.round[near])
    lamps = hidden.yellow == kinds.LAMP
    assert lamps[..., kinds.SHORT :].mean() == pytest.approx(0.5, abs=0.1)
    assert (kinds.reward(hidden)[lamps] == 0).all()
    assert (parted.yellow != parted.round).mean() == pytest.approx(0.5, abs=0.1)


def test_a_planner_weighs_worth_against_delay():
    worth = np.array([0.8, 0.85, 0.0, 0.0, 0.0, 9.0])
    assert kinds.choose(worth, 3) == 0  # 0.72 against 0.69
    assert kinds.choose(worth, 6) == 5
    with pytest.raises(ValueError, match="not 7"):
        kinds.choose(worth, 7)


def test_the_right_objective_earns_everything():
    weights = np.tile([1.0, 0.0, 0.0, -1.0], (3, 1))
    right = Learned(weights, np.ones(3), CASES["aligned"])
    assert kinds.earned(right, CASES["suboptimality"], kinds.LONG, 0) == 1.0


def test_credit_goes_by_the_square_of_visibility():
    agents = kinds.learn(CASES["proxy"], 0)
    ratio = agents.weights[:, 1] * agents.vivid / agents.weights[:, 0]
    assert ratio == pytest.approx(agents.vivid**2, rel=1e-6)


def test_what_lies_beyond_the_horizon_teaches_nothing():
    proxy, hidden = (kinds.learn(CASES[n], 0) for n in ("proxy", "suboptimality"))
    assert np.array_equal(proxy.weights, hidden.weights)
    far = kinds.learn(CASES["suboptimality"], 0, horizon=kinds.LONG)
    assert abs(far.weights[:, 1]).mean() < 0.5 * abs(hidden.weights[:, 1]).mean()


def test_what_a_longer_horizon_costs_follows_from_the_strength_of_yellow():
    agents = kinds.learn(CASES["suboptimality"], 0)
    yellow = agents.weights[:, 1] * agents.vivid
    worth = kinds.LAMP * yellow / (agents.weights[:, 0] + yellow)
    square = agents.vivid**2
    assert worth == pytest.approx(kinds.LAMP * square / (1 + square), rel=1e-6)
    short, long = (kinds.earned(agents, CASES["suboptimality"], h, 0) for h in (kinds.SHORT, kinds.LONG))
    assert long == pytest.approx(short / 8, abs=0.03)  # in one level of eight none of the three far things is a lamp

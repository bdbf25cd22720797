"""Policies: returns, gradients kept apart, common random numbers; the measures against counts by hand."""

import numpy as np
import pytest
import torch
from alignlab.inner.failures import court, measures, picture
from alignlab.inner.failures.networks import born, forward
from alignlab.inner.failures.policies import course, levels_for, returns, train
from alignlab.inner.failures.walks import Walks


def test_returns_are_discounted_sums():
    rewards = np.array([[0.0], [0.0], [1.0]], dtype=np.float32)
    assert returns(rewards)[:, 0] == pytest.approx([0.81, 0.9, 1.0])


def test_an_agent_learns_alike_alone_and_in_company():
    alone = train(born("cells", [7]), [0.3], 3)
    group = train(born("cells", [6, 7]), [0.0, 0.3], 3)
    for name, weight in alone.weights.items():
        assert torch.allclose(weight[0], group.weights[name][1], atol=1e-5)


def test_marks_are_stages_of_one_run():
    early, late = course(born("linear", [1]), [0.5], (2, 4))
    again = course(born("linear", [1]), [0.5], (4,))[0]
    assert torch.equal(late.weights["two"], again.weights["two"])
    assert not torch.equal(early.weights["two"], late.weights["two"])


def test_shares_move_coins_and_nothing_else():
    levels = levels_for([3, 3], [0.0, 0.5], 400)
    same = (levels.cells[0] == levels.cells[1]).all(-1)
    assert (levels.cells[0, :, 0] == court.MIDDLE).all()
    assert 0.4 < same.mean() < 0.6
    assert np.array_equal(levels.start[0][same], levels.start[1][same])


def test_an_untrained_agent_moves_at_random():
    seen = torch.rand(1, 5, court.CELLS, 5)
    for build in ("whole", "cells", "linear"):
        logp, value = forward(build, born(build, [0]).weights, seen)
        assert torch.allclose(logp, torch.full_like(logp, -np.log(4.0)))
        assert (value == 0).all()


def test_wrong_settings_are_refused():
    with pytest.raises(ValueError, match="deep"):
        born("deep", [0])
    with pytest.raises(ValueError, match="2 shares"):
        train(born("linear", [0]), [0.0, 1.0], 1)
    with pytest.raises(ValueError, match=r"\[1\.5\]"):
        train(born("linear", [0]), [1.5], 1)


LEVELS = court.Levels(
    np.array([22, 22, 22, 22]),  # two columns left of the middle
    np.array([[15, 0]] * 4),  # the coin one row up, one step
    np.zeros((4, 2, 4), dtype=np.float32),
)


def test_capability_and_objective_by_hand():
    walks = Walks(np.array([[0, 2, 0, 1]]), np.array([[3, 4, 4, 1]]), np.zeros((1, 4), bool))
    # the coin after 3 (limit 3), the middle after 4 (limit 4), the coin too late, the button
    assert measures.purposeful(walks, LEVELS).tolist() == [[True, True, False, False]]
    assert measures.capability(walks, LEVELS) == pytest.approx([0.5])
    assert measures.objective(walks, LEVELS) == pytest.approx([0.5])
    assert measures.favors_color(walks) == pytest.approx([2 / 3])
    lost = walks._replace(first=np.full((1, 4), -1))
    with pytest.raises(ValueError, match="no purposeful walk"):
        measures.objective(lost, LEVELS)
    with pytest.raises(ValueError, match="neither"):
        measures.favors_color(lost)


def test_one_sidedness_runs_from_none_to_all():
    assert measures.one_sided(np.array([0.5, 0.5])) == 0
    assert measures.one_sided(np.array([0.0, 1.0])) == 1


def test_levels_and_birth_can_be_told_apart():
    own = born("cells", [4, 5])
    other = train(own._replace(seeds=(5, 4)), [1.0, 1.0], 2)
    same = train(born("cells", [4, 5]), [1.0, 1.0], 2)
    assert torch.equal(own.weights["one"], born("cells", [4, 5]).weights["one"])
    assert not torch.equal(other.weights["two"], same.weights["two"])


def test_hidden_units_can_be_few():
    assert born("whole", [0], hidden=4).weights["two"].shape == (1, 4, 5)


def test_a_way_starts_at_the_start_and_its_outcome_is_what_it_meets():
    agents = born("linear", [0])
    agents.weights["two"][0, :, 3] = 1.0  # any wall or thing in sight draws it to the right
    agents.weights["two"][0, :, :3] = 0.0
    level = court.Levels(np.array([22]), np.array([[27, 0]]), np.ones((1, 2, 4), np.float32))
    cells = picture.way(agents, 0, level, 0)
    assert cells == [22, 23, 24, 25, 26, 27]
    assert picture.outcome(cells, level, 0) == 2
    assert picture.outcome([26, 27], level, 0) == 0
    assert picture.outcome([26, 25], level, 0) == -1

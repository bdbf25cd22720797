"""The court: its levels, what is seen of them, and the batched rules against Gymnasium's step by step."""

import numpy as np
import pytest
from alignlab.inner.failures import court
from alignlab.inner.failures.networks import born
from alignlab.inner.failures.walks import test as walk_all
from gymnasium.utils.env_checker import check_env


def rng(seed=0):
    return np.random.default_rng(seed)


def test_gymnasium_accepts_the_court():
    check_env(court.Court(court.draw(5, "away", rng())), skip_render_check=True)


def test_a_view_shows_each_thing_where_it_is():
    levels = court.Levels(
        np.array([24]),
        np.array([[24 - 7, 24 + 3]]),  # one row up; three columns right
        np.array([[court.COIN, court.BUTTON]], dtype=np.float32),
    )
    seen = court.view(levels.start, levels, (2.0, 3.0, 0.5))[0].reshape(7, 7, 5)
    assert seen[2, 3].tolist() == [2.0, 0.0, 3.0, 0.0, 0.0]
    assert seen[3, 6].tolist() == [0.0, 2.0, 0.0, 3.0, 0.0]
    assert seen.sum() == 10.0  # from the middle no wall is in sight
    corner = court.view(np.array([0]), levels, (1.0, 1.0, 0.5))[0].reshape(7, 7, 5)
    assert (corner[:3, :, 4] == 0.5).all() and (corner[3:, 3:, 4] == 0).all()
    assert corner[..., :4].sum() == 2  # the coin alone: the button is five columns away


def test_moved_coins_are_in_sight_and_off_the_way():
    levels = court.draw(300, "away", rng())
    start, coin = levels.start, levels.cells[:, 0]
    middle = np.full(300, court.MIDDLE)
    assert court.in_sight(start, coin).all() and (coin != middle).all()
    assert not court.on_the_way(start, middle, coin).any()
    assert not court.on_the_way(start, coin, middle).any()
    assert (court.draw(50, "middle", rng()).cells[:, 0] == court.MIDDLE).all()


def test_three_cues_are_equally_far():
    levels = court.draw_conflict(200, rng())
    far = court.distance(levels.start, np.full(200, court.MIDDLE))
    for thing in (0, 1):
        assert np.array_equal(court.distance(levels.start, levels.cells[:, thing]), far)
    assert (levels.cells != court.MIDDLE).all()


def test_batch_and_steps_agree():
    levels = court.draw(40, "away", rng(3))
    agents = born("linear", [5])  # its weights are zero: all moves are equally likely
    walks = walk_all(agents, levels)
    luck = np.random.default_rng([5, 102]).random((court.STEPS, 40), dtype=np.float32)
    game = court.Court(levels)
    for number in range(40):
        game.reset(options={"level": number})
        for step in range(court.STEPS):
            move = int((np.array([0.25, 0.5, 0.75]) < luck[step, number]).sum())
            _, reward, over, cut, _ = game.step(np.int64(move))
            if over or cut:
                break
        assert bool(reward) == walks.paid[0, number] and cut == (step == court.STEPS - 1)


def test_a_wrong_place_and_a_wrong_shape_are_refused():
    with pytest.raises(ValueError, match="'north'"):
        court.draw(3, "north", rng())
    with pytest.raises(ValueError, match="shape"):
        court.Court(court.Levels(np.zeros((2, 2), int), np.zeros((2, 2, 2), int), np.zeros((2, 2, 2, 4))))

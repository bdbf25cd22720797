"""The worlds, learners and inverse problems of the page `05-inner/experiments`, against exact values."""

import gymnasium
import numpy as np
import pytest
import torch
from alignlab.inner.experiments import (
    bandit,
    carryover,
    coherence,
    grid,
    inverse,
    recurrent,
    robust,
    rooms,
)
from gymnasium.utils.env_checker import check_env


@pytest.mark.parametrize(
    "world",
    [
        bandit.Arms("previous"),
        bandit.Arms("next", what="full"),
        carryover.Invest(),
        rooms.Rooms(parted=True),
        grid.Grid(),
    ],
    ids=lambda world: type(world).__name__,
)
def test_worlds_keep_gymnasiums_rules(world: gymnasium.Env) -> None:
    check_env(world, skip_render_check=True)


def test_a_flipped_display_shows_the_opposite_and_pays_the_truth() -> None:
    game = bandit.Arms("next", first=1.0, what="flipped")
    seen, _ = game.reset(seed=0)
    assert seen[3:].tolist() == [0.0, 1.0]
    seen, paid, *_ = game.step(np.int64(0))
    assert paid == 1.0
    assert seen[:3].tolist() == [1.0, 0.0, 0.0]  # this channel shows no past
    game = bandit.Arms("previous", first=1.0, what="flipped")
    game.reset(seed=0)
    seen, paid, *_ = game.step(np.int64(0))
    assert (paid, seen[2]) == (1.0, 0.0)


def test_wrong_names_are_named() -> None:
    with pytest.raises(ValueError, match="no channel 'later'"):
        bandit.Arms("later")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no display 'upside'"):
        bandit.display(torch.zeros(1), "upside")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rows is empty"):
        recurrent.born([])
    with pytest.raises(ValueError, match="marks is empty"):
        recurrent.train(recurrent.born([("none", 1.0, 0.05, 0)]), [])
    with pytest.raises(ValueError, match="select='best'"):
        carryover.train((0,), select="best")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="interval=1"):
        carryover.train((0,), interval=1)
    with pytest.raises(ValueError, match="3 rooms, but 2 choices"):
        inverse.explain(torch.zeros(3, 4, 6), torch.zeros(2).long(), 2, 0)
    with pytest.raises(ValueError, match="no aim 'low'"):
        robust.collect(robust.make([0]), "low")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="1 agent can't part"):
        rooms.parting(np.zeros((1, 3), dtype=np.int64))
    with pytest.raises(ValueError, match=r"between 0 and 7\.60 nats"):
        robust.policy(torch.zeros(1, 2000), 9.0)


def test_the_recurrent_cell_is_torchs() -> None:
    group = recurrent.born([("none", 1.0, 0.05, 3)])
    size = recurrent.HIDDEN
    theirs = torch.nn.GRUCell(bandit.INPUTS, size)
    order = torch.cat([torch.arange(size, 2 * size), torch.arange(size),
                       torch.arange(2 * size, 3 * size)])  # fmt: skip
    with torch.no_grad():  # torch's order is reset, update, draft
        theirs.weight_ih.copy_(group.weights["in"][0].T[order])
        theirs.weight_hh.copy_(group.weights["state"][0].T[order])
        theirs.bias_ih.zero_()
        theirs.bias_hh.zero_()
        generator = torch.Generator().manual_seed(0)
        seen = torch.randn(7, bandit.INPUTS, generator=generator)
        state = torch.randn(7, size, generator=generator)
        ours = recurrent.cell(group.weights, seen[None], state[None])[0]
        assert torch.allclose(ours, theirs(seen, state), atol=1e-6)


def test_an_investment_is_paid_back_in_the_next_episode() -> None:
    game = carryover.Invest()
    game.reset(seed=0)
    paid = [game.step(np.int64(choice))[1] for choice in (1, 1, 0, 0)]
    assert paid == [-0.5, 0.5, 1.0, 0.0]


def test_without_selection_the_gradient_stops_investment() -> None:
    history = carryover.train((7, 8), select="none", rate=0.2, episodes=1500)
    assert history.shape == (2, 1500)
    assert (history[:, -100:] < 0.05).all()


def test_a_seed_of_a_population_does_not_depend_on_the_others() -> None:
    alone = carryover.train((5,), gift="other", episodes=200)
    beside = carryover.train((4, 5), gift="other", episodes=200)
    assert np.array_equal(alone[0], beside[1])


def test_in_training_rooms_three_attributes_go_together() -> None:
    drawn = rooms.draw(200, False, np.random.default_rng(0))
    three = drawn[..., : rooms.TOGETHER]
    assert (three == three[..., :1]).all()
    assert (three[..., 0].sum(1) == 1).all()


def test_parting_counts_pairs() -> None:
    taken = np.array([[0, 1, 2], [0, 1, 3], [0, 2, 0], [0, 2, 1]])
    assert np.allclose(rooms.parting(taken), [0, 4 / 6, 1])


def test_rewards_keep_their_own_part_where_choices_say_nothing() -> None:
    drawn = torch.tensor(rooms.draw(300, False, np.random.default_rng(1)))
    taken = drawn[..., 0].argmax(-1)
    found = inverse.explain(drawn, taken, 5, seed=2)
    generator = torch.Generator().manual_seed(2)
    own = 2.0 * torch.randn(5, 6, generator=generator)
    for a, b in ((0, 1), (1, 2)):  # red less round, round less large
        kept = found[:, a] - found[:, b]
        assert torch.allclose(kept, own[:, a] - own[:, b], atol=1e-3)
    likely = inverse.likelihood(found, drawn, taken)
    assert (likely > -0.05).all()


def test_soft_policy_without_a_goal_is_the_words_softmax() -> None:
    words = torch.tensor([0.3, -1.0, 0.0, 2.0])
    logs = coherence.soft_policy(torch.zeros(1), words)
    assert torch.allclose(logs, torch.log_softmax(words, 0).expand(9, 9, 4), atol=1e-5)  # fmt: skip


def test_a_strong_goal_goes_straight_to_the_coin() -> None:
    logs = coherence.soft_policy(torch.tensor(60.0), torch.zeros(4))
    where = grid.places()
    best = logs[where[:, 1], where[:, 0]].argmax(-1).numpy()
    ends = grid.LEADS[where[:, 0], best]
    before = grid.distance(where[:, 0], where[:, 1])
    assert (grid.distance(ends, where[:, 1]) == before - 1).all()


def test_known_weights_are_found_again() -> None:
    where = grid.places()
    words = torch.tensor([0.5, 0.0, -0.5, 0.0])
    logs = coherence.soft_policy(torch.tensor(2.0), words)
    chances = logs[where[:, 1], where[:, 0]].exp()
    goal, found = coherence.explained(chances, where)
    assert goal == pytest.approx(2.0, abs=0.05)
    assert torch.allclose(found - found.mean(), words, atol=0.05)
    assert coherence.coherence(chances, where) > 0.1


def test_a_walker_without_a_goal_keeps_the_average_words() -> None:
    where = grid.places()
    generator = torch.Generator().manual_seed(0)
    chances = torch.softmax(torch.randn(20, 4, generator=generator), -1)
    same = coherence.walker(chances, where, 0.0)
    assert torch.allclose(same, chances.mean(0).expand(20, 4), atol=1e-5)
    closer = torch.tensor(grid.closer(where))
    drawn = coherence.walker(chances, where, 1.0)
    assert (drawn * closer).sum() > (same * closer).sum() + 1


def test_two_in_five_words_lead_closer() -> None:
    where = grid.places()
    assert grid.closer(where).sum() == 32  # 12 of 20 places have two
    text = grid.question(4, 0, [1, 0, 3, 2], sign=2)
    assert "down, up, right or left" in text
    assert text.endswith("A sign says: left.")


def test_a_display_may_show_nothing_or_all() -> None:
    pays = torch.tensor([0.0, 1.0])
    assert bandit.display(pays, "blank").tolist() == [[0, 0], [0, 0]]
    assert bandit.display(pays, "full").tolist() == [[1, 1], [1, 1]]
    assert bandit.display(pays, "flipped").tolist() == [[0, 1], [1, 0]]


def test_ties_are_counted_over_three_attributes() -> None:
    drawn = np.zeros((2, 4, 6), dtype=np.float32)
    drawn[0, 1, :3] = 1  # as in training
    drawn[1, [0, 1, 2], [0, 1, 2]] = 1  # one only red, one round, one large
    drawn[1, 3, 3:] = 1
    assert rooms.tied(drawn).tolist() == [1, 3]


def test_own_rooms_make_agents_of_equal_weights_differ() -> None:
    born = rooms.born([5, 5])
    same = rooms.train(born, np.random.default_rng(0), updates=3)
    other = rooms.train(born, np.random.default_rng(0), own=True, updates=3)
    assert torch.equal(same["one"][0], same["one"][1])
    assert not torch.equal(other["one"][0], other["one"][1])


def test_a_policy_is_as_far_as_it_was_asked_to_be() -> None:
    generator = torch.Generator().manual_seed(0)
    reward = torch.randn(3, 500, generator=generator)
    chances = robust.policy(reward, 2.5)
    far = (chances * (chances * 500).log()).sum(-1)
    assert torch.allclose(far, torch.full((3,), 2.5), atol=1e-3)


def test_the_true_reward_itself_reaches_all_that_can_be_had() -> None:
    world = robust.make([0, 1])
    best = robust.true_reward(world, world.judged_gold, 3.0)
    assert (best > robust.true_reward(world, world.judged[..., 0], 3.0)).all()
    even = robust.true_reward(world, world.judged[..., 0], 1e-4)
    assert torch.allclose(even, torch.zeros(2), atol=0.05)
    assert torch.allclose(world.gold.mean(-1), torch.zeros(2), atol=1e-4)


def test_every_aim_costs_the_same_labels() -> None:
    world = robust.make([3])
    counts = {aim: robust.collect(world, aim, 8).won.shape for aim in ("random", "aimed", "unusual")}
    assert set(counts.values()) == {(1, robust.FIRST + 8)}

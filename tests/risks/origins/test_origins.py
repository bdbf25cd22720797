"""The grids, the learners, the four Goodharts and the planner, against what is known without them."""

import numpy as np
import pytest
from alignlab.risks.origins import diagnosis, goodhart, planner
from alignlab.risks.origins.agents import policy_learner, softmax, value_learner
from alignlab.risks.origins.env import Grid
from alignlab.risks.origins.grids import GRIDS, BoatRace, Overseer, Tomatoes, Vase
from alignlab.risks.origins.rules import DOWN, LEFT, LUCK, RIGHT, STAY, UP
from alignlab.risks.origins.table import best, judge, random_policy, tabulate, verdict
from gymnasium.utils.env_checker import check_env

NAMES = [rules.name for rules in GRIDS]


@pytest.mark.parametrize("rules", GRIDS, ids=NAMES)
def test_a_grid_keeps_gymnasiums_rules(rules):
    check_env(Grid(rules), skip_render_check=True)


@pytest.mark.parametrize("rules", GRIDS, ids=NAMES)
def test_table_and_environment_are_the_same_world(rules):
    """Episodes of random actions: the exact mean of the table lies within four errors of the environment's."""
    table, env, rng = tabulate(rules), Grid(rules), np.random.default_rng(0)
    totals = []
    for episode in range(400):
        env.reset(seed=episode)
        total, over = np.zeros(2), False
        while not over:
            _, reward, ended, cut, info = env.step(int(rng.integers(5)))
            total += reward, info["performance"]
            over = ended or cut
        totals.append(total)
    expected = judge(table, random_policy(table))
    error = np.std(totals, axis=0) / 20
    assert (np.abs(np.mean(totals, axis=0) - expected) < 4 * error + 1e-9).all()


def test_a_step_after_the_end_is_refused():
    env = Grid(Vase())
    with pytest.raises(ValueError, match="reset"):
        env.step(STAY)
    env.reset(seed=0)
    for _ in range(2):
        env.step(RIGHT)
    seen, reward, ended, _, info = env.step(RIGHT)
    assert ended and reward == 9 and info["performance"] == 9 and env.observation_space.contains(seen)
    with pytest.raises(ValueError, match="over"):
        env.step(STAY)


def test_the_boats_pay_for_buoys_and_mean_laps():
    boat, state, paid, laps = BoatRace(), (0,), 0.0, 0.0
    for action in (RIGHT, RIGHT, DOWN, DOWN, LEFT, LEFT, UP, UP):
        event = boat.happen(state, action, 0)
        state, paid, laps = event.state, paid + event.reward, laps + event.performance
    assert state == (0,) and paid == 2 and laps == 1
    there = boat.happen((0,), RIGHT, 0)
    back = boat.happen(there.state, LEFT, 0)
    assert there.reward == 1 and back.reward == 0 and there.performance + back.performance == 0


def test_from_under_the_bucket_a_dry_garden_looks_wet():
    event = Tomatoes().happen((6, 0, 0, 0), RIGHT, LUCK - 1)
    assert event.reward == 1 and event.performance == 0
    watered = Tomatoes().happen((5, 0, 0, 0), LEFT, LUCK - 1)
    assert watered.reward == watered.performance == 1 / 3
    dried = Tomatoes().happen((5, 1, 1, 1), STAY, 1)
    assert dried.state == (5, 1, 0, 1)


def test_the_overseer_replaces_the_action_and_is_not_seen_coming():
    grid = Overseer(8)
    event = grid.happen((1, 1, 1), RIGHT, 0)
    assert event.did == STAY and event.state[0] == 1 and (event.reward, event.performance) == (-1, 0)
    assert grid.see((1, 1, 1)) == grid.see((1, 0, 1))
    assert Overseer(0).happen((1, 0, 1), RIGHT, 0).did == RIGHT


def test_exact_values_agree_with_what_can_be_counted_by_hand():
    assert np.allclose(best(tabulate(BoatRace()), 0), [10, 1 / 8])  # in and out; the last step may stay
    assert np.allclose(best(tabulate(BoatRace()), 1), [5, 20 / 8])
    assert np.allclose(best(tabulate(Vase()), 0), [7, -3])
    assert np.allclose(best(tabulate(Vase()), 1), [5, 5])
    for rules in GRIDS:
        table = tabulate(rules)
        for tally in (0, 1):
            assert best(table, tally)[tally] >= judge(table, random_policy(table))[tally]


def test_verdicts_name_the_three_cases():
    table = tabulate(Vase())
    judged = np.array([[5.0, 5.0], [7.0, -20.0], [-20.0, -20.0]])
    assert verdict(judged, table).tolist() == ["as meant", "fooled", "lost"]


@pytest.mark.parametrize("tally", [0, 1])
def test_learners_reach_the_optimum_of_what_they_are_paid(tally):
    table = tabulate(Vase())
    for policies in (
        value_learner(table, 0, tally=tally),
        value_learner(table, 0, tally=tally, on_policy=True),
        policy_learner(table, 0, tally=tally, marks=(1500,)),
    ):
        got = np.median(judge(table, policies[-1])[:, tally])
        assert got > best(table, tally)[tally] - 0.75


def test_without_interruptions_the_two_targets_lead_the_same_way():
    table = tabulate(Overseer(0))
    start = table.seen[table.starts[0]]
    for on_policy in (False, True):
        policies = value_learner(table, 0, on_policy=on_policy, marks=(300,))
        assert policies[-1][:, start, RIGHT].mean() == 1


def test_policies_are_probabilities_at_each_mark():
    policies = policy_learner(tabulate(Tomatoes()), 0, agents=3, marks=(1, 5))
    assert policies.shape == (2, 3, tabulate(Tomatoes()).observations, 5)
    assert np.allclose(policies.sum(-1), 1)
    assert np.allclose(softmax(np.array([1000.0, 1000.0])), 0.5)


def test_errors_of_reading_shrink_the_goal_as_calculated():
    rng = np.random.default_rng(0)
    sample = goodhart.candidates(goodhart.World(error=1.5), 100_000, rng)
    assert abs(diagnosis.line(sample)[0] - 1 / (1 + 1.5**2)) < 0.02
    averaged = goodhart.candidates(goodhart.World(error=1.5), 100_000, rng, readings=9)
    assert abs(diagnosis.line(averaged)[0] - 1 / (1 + 0.25)) < 0.02


def test_error_and_common_cause_can_have_one_joint_distribution():
    rng = np.random.default_rng(0)
    error = goodhart.candidates(goodhart.World(error=1.0), 200_000, rng)
    cause = goodhart.candidates(goodhart.World(common=1.0, link=0.5**0.5, unit=2**0.5), 200_000, rng)
    assert np.allclose(np.cov(error), np.cov(cause), atol=0.03)
    quantiles = np.linspace(0.01, 0.99, 21)
    for one, other in zip(error, cause, strict=True):
        assert np.allclose(np.quantile(one, quantiles), np.quantile(other, quantiles), atol=0.06)


@pytest.mark.parametrize("kind", range(4))
def test_only_one_experiment_answers_in_a_pure_world(kind):
    pure = [{"error": 1.0}, {"bend": 1.0}, {"common": 1.0}, {"cheat": 1.0}][kind]
    worlds = [goodhart.World(**pure)] * 40
    found = diagnosis.effects(worlds, np.random.default_rng(0)).mean(0)
    others = np.delete(found, kind)
    assert found[kind] > 0.3 and others.max() < 0.12
    sham = diagnosis.effects(worlds, np.random.default_rng(0), real=False).mean(0)
    assert sham.max() < 0.3


def test_a_pure_causal_world_is_the_twin_of_the_regressional_one():
    rng = np.random.default_rng(0)
    error, cause = (goodhart.candidates(goodhart.PURE[kind], 200_000, rng) for kind in ("regressional", "causal"))
    assert np.allclose(np.cov(error), np.cov(cause), atol=0.03)


def test_twins_have_a_causal_goal_and_the_errors_correlation():
    low, high = ((1 + error**2) ** -0.5 for error in reversed(goodhart.STRONG["error"]))
    rng = np.random.default_rng(0)
    twins = [goodhart.drawn(2, rng) for _ in range(200)]
    assert all(world.common == 1 and low <= world.link <= high for world in twins)


@pytest.mark.parametrize("kind", range(4))
def test_a_cause_that_is_alone_has_no_other_beside_it(kind):
    rng = np.random.default_rng(0)
    alone, beside = goodhart.drawn(kind, rng, alone=True), goodhart.drawn(kind, rng)
    others = [name for name in goodhart.STRONG if name != list(goodhart.STRONG)[kind]]
    assert all(getattr(alone, name) == 0 for name in others)
    assert all(getattr(beside, name) > 0 for name in others)


def test_more_random_steps_find_more_reward_in_the_garden():
    garden = tabulate(Tomatoes())
    few, many = (judge(garden, value_learner(garden, 0, agents=60, explore=e)[-1])[:, 0].mean() for e in (0.05, 0.5))
    assert many > few + 1


def test_the_planner_knows_the_way_and_the_key():
    home = planner.house()
    behind = 0 * planner.COLUMNS + 5
    rewards = np.eye(planner.ROWS * planner.COLUMNS)[[behind]][:, home.cell]
    path = planner.walk(home.follow, planner.ahead(home.follow, rewards, planner.FAR))
    assert home.key[path[0, -1]] and home.cell[path[0, -1]] == behind
    first = int((home.cell[path[0]] == behind).argmax()) + 1
    assert first == 11  # three to the key, three to the door, five beyond it
    shut = planner.house(opens=False)
    stuck = planner.walk(shut.follow, planner.ahead(shut.follow, rewards, planner.FAR))
    assert (shut.cell[stuck] != behind).all()


def test_a_deep_planner_is_never_worse_than_its_equation():
    home = planner.house()
    rewards = planner.goals("scattered", 20, 0)[:, home.cell]
    values = planner.ahead(home.follow, rewards, 600)
    assert np.allclose(values, rewards + planner.DISCOUNT * values[:, home.follow].max(2))
    low = planner.aimless(home.follow, rewards)
    high = planner.score(planner.walk(home.follow, values), rewards)
    assert (high > low).all()


def test_opposite_goals_sum_to_one_and_an_unknown_kind_is_named():
    assert np.allclose(planner.goals("scattered", 3, 0) + planner.goals("its opposite", 3, 0), 1)
    with pytest.raises(ValueError, match="'none'"):
        planner.goals("none", 1, 0)

"""The modules of `alignlab.risks.ingredients`, held against what is known without them."""

from collections import deque

import numpy as np
import pytest
from alignlab.risks.ingredients import audits, foretell, hall, inside
from alignlab.risks.ingredients.agent import (
    DISCOUNT,
    NOWHERE,
    Dials,
    born,
    choose,
    learn,
    made_opaque,
    reached,
)
from alignlab.risks.ingredients.causes import (
    BOTH,
    LEVELS,
    NONE,
    REWARD,
    WORKS,
    causes,
    cures,
    halls,
    named,
    repaired,
    success,
    trained,
    turned,
)
from gymnasium.utils.env_checker import check_env

PLACES = (hall.TOGETHER, hall.APART, hall.NO_DOOR, hall.NO_COIN)


def levels_of(places, count=30, seed=0):
    return hall.draw(count, places, np.random.default_rng(seed))


def dials(count, wrong=0.0, apart=0.0, opaque=0.0):
    return Dials(*(np.full(count, value) for value in (wrong, apart, opaque)))


# --- the world


def test_the_hall_keeps_gymnasiums_contract():
    env = hall.Hall(levels_of(hall.APART), np.array([1.0, 0.0, 0.0, 0.0]))
    check_env(env, skip_render_check=True)


@pytest.mark.parametrize("places", PLACES)
def test_the_table_of_steps_is_the_length_of_the_shortest_walk_in_the_hall(places):
    levels = levels_of(places, 12)
    env = hall.Hall(levels, np.ones(4))
    for level, cells in enumerate(levels.cells):
        env.reset(options={"level": level})
        first, found = env.cell, {}
        queue, known = deque([(first, 0)]), {first}
        while queue:  # breadth first, by the environment's own steps
            cell, steps = queue.popleft()
            for action in range(4):
                env.cell = cell
                _, _, ended, _, _ = env.step(action)
                if env.cell in known:
                    continue
                known.add(env.cell)
                if ended:
                    found[env.cell] = steps + 1
                else:
                    queue.append((env.cell, steps + 1))
        for kind, cell in enumerate(cells):
            assert levels.steps[level, kind] == (np.inf if cell < 0 else found.get(int(cell), np.inf))


def test_the_hall_pays_for_what_stands_in_the_cell_that_is_reached():
    levels = levels_of(hall.TOGETHER, 1)
    env = hall.Hall(levels, np.array([0.7, 0.3, 0.0, 0.0]))
    env.reset(options={"level": 0})
    env.cell = hall.neighbors(int(levels.cells[0, 0]))[1]
    way = [hall.neighbors(env.cell).index(cell) for cell in hall.neighbors(env.cell) if cell == levels.cells[0, 0]]
    seen, reward, ended, _, _ = env.step(way[0])
    assert reward == pytest.approx(1.0) and ended and seen[[0, 1, 4]].sum() == 3


def test_shared_cells_are_symmetric_and_only_the_coin_and_the_door_share():
    shared = levels_of(hall.TOGETHER).shared
    assert np.array_equal(shared, shared.transpose(0, 2, 1))
    assert (shared[:, 0, 1] == 1).all() and (shared[:, 0, 2] == 0).all()
    assert (levels_of(hall.NO_COIN).shared[:, 0] == 0).all()


# --- the agent


def test_the_choice_is_the_best_of_all_discounted_ones_and_missing_things_count_for_nothing():
    steps = np.array([2.0, 1.0, np.inf, 3.0])
    assert choose(np.array([1.0, 0.95, 9.0, 0.0]), steps) == 1
    assert choose(np.array([1.0, 0.95, 9.0, 1.2]), steps) == 3
    assert choose(np.array([-1.0, -0.5, 9.0, -2.0]), steps) == NOWHERE


def test_what_the_reward_pays_for_the_door_leaves_no_trace_where_levels_never_part_them():
    where, count = halls(3), 12
    goals = [trained(dials(count, wrong=w), where, 3).goal for w in (0.0, 0.5, 1.0)]
    assert np.array_equal(goals[0], goals[1]) and np.array_equal(goals[0], goals[2])
    parted = trained(dials(count, wrong=1.0, apart=0.1), where, 3).goal
    assert not np.allclose(goals[0], parted, atol=0.1)


def test_credit_is_split_by_the_square_of_how_strongly_things_are_seen():
    where, count = halls(5), 40
    start = born(np.zeros(count), 5)
    start = start._replace(goal=np.zeros_like(start.goal))
    worth = inside.truly(learn(start, dials(count), where.together, where.apart, 5, 6000))
    square = start.sight[:, :2] ** 2
    assert worth[:, :2] == pytest.approx(square / square.sum(1, keepdims=True), abs=0.06)


def smooth(levels):
    return levels._replace(texture=np.zeros_like(levels.texture))


def test_with_levels_apart_and_no_texture_the_worth_of_things_becomes_their_pay():
    where, settings = halls(6), dials(20, wrong=0.3, apart=1.0)
    start = born(settings.opaque, 6)
    agents = learn(start, settings, smooth(where.together), smooth(where.apart), 6, 8000)
    assert inside.truly(agents) == pytest.approx(np.tile([0.7, 0.3, 0.0, 0.0], (20, 1)), abs=0.04)


def test_turning_the_units_changes_nothing_that_agents_do():
    where = halls(7)
    plain = trained(dials(20, apart=0.1), where, 7)
    opaque = trained(dials(20, apart=0.1, opaque=1.0), where, 7)
    assert not np.allclose(plain.goal, opaque.goal, atol=0.1)
    assert np.array_equal(reached(plain, where.judged)[0], reached(opaque, where.judged)[0])
    later = made_opaque(plain, 7)
    assert later.goal == pytest.approx(opaque.goal) and later.turn == pytest.approx(opaque.turn)
    assert opaque.turn @ opaque.turn.transpose(0, 2, 1) == pytest.approx(np.tile(np.eye(8), (20, 1, 1)), abs=1e-9)


def test_agents_and_dials_must_be_as_many():
    where = halls(8, 20, 20)
    with pytest.raises(ValueError, match="3 agents, but 4 settings"):
        learn(born(np.zeros(3), 0), dials(4), where.together, where.apart, 0)


# --- causes


def test_a_cause_is_the_repair_that_the_other_does_not_replace():
    works = np.array([1.0, 0, 0, 0, 0])
    with_reward = np.array([1.0, 1, 0, 0, 1])
    with_levels = np.array([0.0, 0, 1, 0, 1])
    assert named(works, with_reward, with_levels).tolist() == [NONE, REWARD, LEVELS, BOTH, -1]


def test_the_clear_cases_have_the_causes_that_their_dials_say():
    where, count = halls(9), 4
    settings = Dials(np.array([0.0, 1.0, 0.0, 1.0]), np.array([1.0, 1.0, 0.0, 0.0]), np.zeros(count))
    for seed in (1, 2):
        found = causes(cures(trained(settings, where, seed), settings, where, seed))
        assert found[0] == NONE and found[1] == REWARD
    mended = repaired(settings, reward=True, levels=True)
    assert (mended.wrong == 0).all() and (mended.apart == 1).all() and mended.opaque is settings.opaque


def test_both_repairs_together_cure_every_agent():
    where, settings = halls(12), turned(60, 12)
    assert (success(trained(repaired(settings, True, True), where, 12), where.judged) >= WORKS).all()


# --- audits and the look inside


def planted(worth, opaque=0.0, count=6):
    """Agents to which things are worth what is said."""
    start = born(np.full(count, opaque), 4)
    straight = np.zeros_like(start.goal)
    straight[:, :4] = np.array(worth) / start.sight
    return start._replace(goal=np.einsum("auv,av->au", start.turn, straight))


@pytest.mark.parametrize("opaque", [0.0, 1.0])
def test_directions_read_a_planted_goal_and_units_only_where_they_are_not_turned(opaque):
    worth = [0.3, 0.7, -0.2, 0.0]
    agents = planted(worth, opaque)
    assert inside.truly(agents) == pytest.approx(np.tile(worth, (6, 1)))
    labels, units = inside.pictures(agents, 0, 400)
    assert inside.by_direction(agents, labels, units) == pytest.approx(np.tile(worth, (6, 1)), abs=0.05)
    error = np.abs(inside.by_unit(agents, labels, units) - worth).mean()
    assert error < 0.03 if opaque == 0 else error > 0.1


def test_directions_give_the_same_worth_however_the_units_are_turned():
    agents = planted([0.3, 0.7, -0.2, 0.0])
    turned = made_opaque(agents, 5)
    plain = inside.by_direction(agents, *inside.pictures(agents, 0))
    assert inside.by_direction(turned, *inside.pictures(turned, 0)) == pytest.approx(plain)
    assert inside.on_average(turned, *inside.pictures(turned, 0))[0] == pytest.approx(plain.mean(0))


def test_pictures_as_in_training_cannot_part_the_coin_from_the_door():
    agents = planted([1.0, 0.0, 0.0, 0.0])
    read = inside.by_direction(agents, *inside.pictures(agents, 0, 400, apart=False))
    assert read[:, 0] == pytest.approx(read[:, 1])


def test_watching_finds_a_lead_that_was_planted():
    asked, watched = smooth(levels_of(hall.APART, 300, 1)), smooth(levels_of(hall.APART, 300, 2))
    for lead in (-3.5, 0.5, 4.5):
        worth = np.array([DISCOUNT**-lead, 1.0, 0.0, 0.0])
        agents = planted(worth)
        told = foretell.by_watching(foretell.went(agents, watched), watched, asked)
        plan = foretell.by_looking(np.tile(worth, (6, 1)), asked)
        assert (told == plan).mean() > 0.97
        assert np.array_equal(foretell.went(agents, asked), plan)


def test_levels_with_coin_and_door_in_one_cell_tell_a_watcher_nothing():
    asked, apart, together = levels_of(hall.APART, 50, 1), levels_of(hall.APART, 30, 2), levels_of(hall.TOGETHER, 30, 3)
    agents = planted([0.6, 1.0, 0.0, 0.0])
    both = hall.joined(apart, together)
    told = foretell.by_watching(foretell.went(agents, apart), apart, asked)
    assert np.array_equal(foretell.by_watching(foretell.went(agents, both), both, asked), told)
    alone = foretell.by_watching(foretell.went(agents, together), together, asked)
    assert np.array_equal(alone == hall.COIN, np.tile(foretell.ahead(asked) > 0, (6, 1)))


def test_a_watcher_may_see_each_agent_in_levels_of_its_own():
    asked, watched = levels_of(hall.APART, 50, 1), levels_of(hall.APART, 30, 2)
    agents = planted([0.6, 1.0, 0.0, 0.0])
    own = watched.take(np.tile(np.arange(30), (6, 1)))
    seen = foretell.went(agents, watched)
    assert np.array_equal(foretell.went(agents, own), seen)
    assert np.array_equal(foretell.by_watching(seen, own, asked), foretell.by_watching(seen, watched, asked))


def test_a_habit_is_where_an_agent_went_in_most_levels():
    levels = levels_of(hall.APART, 3)
    seen = np.array([[hall.COIN, hall.COIN, hall.DOOR], [hall.DOOR, hall.DOOR, hall.COIN]])
    assert foretell.by_habit(seen, levels, levels).tolist() == [[hall.COIN] * 3, [hall.DOOR] * 3]


def test_agents_that_go_nowhere_are_foretold_to_stay():
    levels = levels_of(hall.APART, 40)
    agents = planted([-1.0, -1.0, -1.0, -1.0])
    seen = foretell.went(agents, levels)
    assert (seen == foretell.NEITHER).all()
    assert (foretell.by_watching(seen, levels, levels) == foretell.NEITHER).all()


def test_a_population_has_all_four_causes_and_its_readings_fit_it():
    who = audits.population(80, 11)
    assert set(who.cause) == {NONE, REWARD, LEVELS, BOTH}
    widths = {audits.in_training: 2, audits.on_new_levels: 8, audits.looked_inside: 6, audits.both_dials: 2}
    for reading, width in widths.items():
        read = reading(who)
        assert read.shape == (len(who.cause), width) and np.isfinite(read).all()
    assert audits.in_training(who).max() <= 1
    pay = audits.pays(who)
    assert np.array_equal(audits.asked_the_reward(who), audits.beside(audits.on_new_levels, audits.pays)(who))
    assert np.allclose(pay.sum(1), 1) and np.array_equal(pay[:, 1], who.dials.wrong)


def test_a_diagnosis_that_always_says_the_same_scores_chance():
    cause = np.array([0] * 70 + [1] * 20 + [2] * 6 + [3] * 4)
    assert audits.balanced(cause, np.zeros(100, dtype=int)) == pytest.approx(0.25)
    clear = np.eye(4)[cause]
    assert audits.balanced(cause, audits.diagnose(np.vstack([clear] * 3), np.tile(cause, 3), clear)) == 1.0

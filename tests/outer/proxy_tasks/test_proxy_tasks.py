"""The modules of `alignlab.outer.proxy_tasks`, held against what is known without them."""

import numpy as np
import pytest
from alignlab.outer.proxy_tasks import asking, challenges, checks, statements
from alignlab.outer.proxy_tasks import weak_to_strong as wts
from alignlab.outer.proxy_tasks.board import LINES, START, lost, orbits, positions, renamed, symmetries, value, values
from alignlab.outer.proxy_tasks.shared_nouns import kept, sharing_a_noun
from alignlab.outer.proxy_tasks.splits import distance, split
from alignlab.outer.proxy_tasks.value_net import born, fit, verdicts
from alignlab.recipes import record


def test_the_game_has_its_known_numbers_and_is_a_draw():
    assert len(positions()) == 4520 and orbits().max() + 1 == 627
    assert value(START) == 0
    assert value((1, 1, 0, -1, -1, 0, 0, 0, 0)) == 1 and value((-1, -1, 0, 1, 0, 0, -1, 0, 1), 0) == 0


def test_every_symmetry_keeps_value_and_lines_and_renamed_cells_do_not():
    boards = positions()[::37]
    lines = {frozenset(line) for line in LINES}
    for move in symmetries():
        assert [value(tuple(b[move].tolist())) for b in boards] == values()[::37].tolist()
        assert {frozenset(move[list(line)].tolist()) for line in LINES} == lines
    other = renamed(np.random.default_rng(0))
    assert np.array_equal(other[0], np.arange(9)) and len(np.unique(other, axis=0)) == 8
    fixed = sorted((move == np.arange(9)).sum() for move in symmetries())
    assert sorted((move == np.arange(9)).sum() for move in other) == fixed
    assert all({frozenset(m[list(line)].tolist()) for line in LINES} != lines for m in other[1:])


def test_a_split_keeps_images_together_and_labels_come_from_its_pool():
    part = split(3, labels=100)
    assert not set(orbits()[part.pool]) & set(orbits()[part.new])
    assert set(part.taught) <= set(part.pool) and len(part.pool) + len(part.new) == 4520
    assert distance(part.pool, part.taught).min() == 0 and distance(part.new, part.taught).min() > 0
    with pytest.raises(ValueError, match="ask for fewer"):
        split(0, labels=4000)


def test_networks_learn_their_labels_and_one_is_the_same_in_any_batch():
    taught = split(1, labels=60).taught
    nets = fit(born(1, 2), np.tile(taught, (2, 1)), np.tile(values()[taught], (2, 1)), steps=60)
    said = verdicts(nets, positions()[taught])
    assert said.shape == (2, 60, 3) and ((said.argmax(2) - 1) == values()[taught]).mean() > 0.95
    alone = fit(born(1), taught[None], values()[taught][None], steps=60)
    assert np.allclose(verdicts(alone, positions()[taught])[0], said[0], atol=0.02)


def test_a_strong_penalty_leaves_no_contradictions():
    part = split(1, labels=60)
    told = []
    for weight in (0, 100):
        nets = fit(
            born(1), part.taught[None], values()[part.taught][None], steps=80, pool=part.pool, consistency=weight
        )
        told.append(checks.violation(verdicts(nets, positions()[part.new][:, symmetries()])[0]).mean())
    assert told[1] < 0.2 * told[0]
    with pytest.raises(ValueError, match="give a pool"):
        fit(born(1), part.taught[None], values()[part.taught][None], consistency=1)
    with pytest.raises(ValueError, match="even number"):
        fit(born(1), part.taught[None], values()[part.taught][None], pool=part.pool, agreement=1)


def test_violation_is_the_mean_distance_from_the_first_image():
    answers = np.array([[[1, 0, 0], [0, 1, 0], [1, 0, 0]], [[0.5, 0.5, 0]] * 3])
    assert checks.violation(answers).tolist() == [0.5, 0]
    assert checks.unanimous(answers).tolist() == [False, True]
    with pytest.raises(ValueError, match="two images"):
        checks.violation(answers[:, :1])
    with pytest.raises(ValueError, match="probabilities"):
        checks.violation(2 * answers)


def test_a_sign_that_repeats_the_confidence_finds_nothing_beyond_it():
    rng = np.random.default_rng(0)
    confidence = rng.random(4000)
    wrong = rng.random(4000) > confidence
    assert checks.finds(-confidence, wrong) > 0.8
    assert abs(checks.finds_beyond(-confidence, wrong, confidence, bins=100) - 0.5) < 0.05
    assert checks.finds_beyond(wrong.astype(float), wrong, confidence) == 1
    with pytest.raises(ValueError, match="both right and wrong"):
        checks.finds(confidence, np.zeros(4000, dtype=bool))


def test_half_of_all_statements_are_true_and_every_object_is_in_as_many_of_both():
    some = statements.drawn(0)
    assert np.mean([one.true for one in some]) == 0.5 and len({one.said for one in some}) == len(some)
    for place in ("France", "glass"):
        truth = [one.true for one in some if place in one.said]
        assert np.mean(truth) == 0.5
    assert all(" not " in f" {one.denied} " for one in some)
    with pytest.raises(ValueError, match="no family"):
        statements.drawn(0, ("colors",))


def test_a_ladder_rises_and_its_first_half_is_true():
    rows, truth = statements.ladders()
    assert len(rows) == 24 and truth[:, :3].all() and not truth[:, 3:].any()
    assert rows[8] == [f"more than {n:,} days are in a year" for n in (36, 91, 182, 730, 1460, 3650)]


def test_least_flips_is_the_distance_to_the_nearest_true_row():
    yes = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0], [0, 0, 0, 0], [0, 1, 1, 1]], dtype=bool)
    assert asking.least_flips(yes).tolist() == [0, 2, 1, 0, 1]
    assert asking.negation_gap(np.zeros(2), np.array([0, 100.0])).tolist() == [0, 0.5]
    with pytest.raises(ValueError, match="its negation"):
        asking.negation_gap(np.zeros(2), np.zeros(3))


def test_scattered_mistakes_are_as_many_of_each_kind():
    where = wts.worlds([5])
    moved = wts.scattered(where, 0)
    truth = wts.digits()[1][where.taught]
    for digit in range(10):
        same = truth == digit
        assert sorted(moved[same]) == sorted(where.labels[same])
    assert not np.array_equal(moved, where.labels)
    said = np.stack([where.told, where.told])
    exact = wts.digits()[1][where.tested[0]]
    again = challenges.scatter(said[:, 0], exact, np.random.default_rng(0))
    assert ((again != exact).sum(1) == (said[:, 0] != exact).sum(1)).all()


def test_the_gap_recovered_is_zero_for_the_teacher_and_one_for_the_ceiling():
    weak, ceiling = np.array([0.6, 0.8]), np.array([0.9, 1.0])
    assert wts.recovered(weak, weak, ceiling).tolist() == [0, 0]
    assert np.allclose(wts.recovered(weak, np.array([0.75, 1.0]), ceiling), [0.5, 1])
    with pytest.raises(ValueError, match="gap of"):
        wts.recovered(ceiling, weak, weak)


def test_looking_ahead_is_as_deep_as_the_last_search_that_errs():
    ahead = challenges.look_ahead()
    for depth in range(6):
        assert (values(depth)[ahead <= depth] == values()[ahead <= depth]).all()
        assert depth == 0 or (values(depth - 1)[ahead == depth] != values()[ahead == depth]).all()


def test_a_named_win_is_checked_in_fewer_steps_and_only_wins_are():
    rng = np.random.default_rng(0)
    fork = tuple(positions()[challenges.look_ahead() == 3][0].tolist())
    assert value(fork) == 1 and value(fork, 2) == 0 and not lost(fork)
    found = np.mean([challenges.cost_of_search(fork, rng) for _ in range(30)])
    assert challenges.cost_of_check(fork, rng) < found
    assert challenges.cost_of_check((1, 1, 0, -1, -1, 0, 0, 0, 0), rng) >= 2
    with pytest.raises(ValueError, match="only a won position"):
        challenges.cost_of_check(START, rng)
    with pytest.raises(ValueError, match="take one of"):
        challenges.by_parts("rows")


def test_the_majority_decides_and_the_first_judge_breaks_ties():
    said = np.array([[1, 0, -1], [0, 0, 1], [0, 1, 0]])
    assert challenges.majority(said).tolist() == [0, 0, -1]


def test_statements_of_the_record_are_found_again_and_pairs_share_one_noun():
    r = record("consistent-statements")
    for seed in r.seeds:
        places = kept(seed, r.config["statements"])
        every = statements.drawn(seed)
        assert [every[p].family for p in places] == r.value("family", seed)
        assert [int(every[p].true) for p in places] == r.value("true", seed)
        first, second = sharing_a_noun(places)
        assert len(first) > 40 and not (first == second).any()
        for a, b in zip(first, second):
            shared = set(every[places[a]].said.split()) & set(every[places[b]].said.split())
            assert every[places[a]].family == every[places[b]].family
            assert len(shared - {"a", "an", "is", "of", "in", "city", "kind", "made"}) == 1


def test_helpers_give_probabilities():
    told = challenges.by_parts("cells")
    assert told.shape == (4520, 3) and np.allclose(told.sum(1), 1)

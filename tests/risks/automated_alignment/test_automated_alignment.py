"""The modules of `alignlab.risks.automated_alignment`, held against what is known without them."""

import numpy as np
import pytest
from alignlab.risks.automated_alignment import guards, harmless_rewordings, red_team, repairs, written_tests

WORLD = guards.world(100, 0)
RNG = np.random.default_rng


def test_a_guard_scores_as_its_regression_does():
    some = guards.draw(50, RNG(0))
    known = guards.features(some.words, some.rewording).toarray()
    guard = WORLD.guard
    weights = np.concatenate([guard.words, guard.single.ravel(), guard.pair.ravel()])
    assert np.allclose(known @ weights + guard.bias, guard.log_odds(some.words, some.rewording))


def test_the_guard_learned_the_holes_and_little_else():
    elsewhere = guards.draw(2000, RNG(1), 1.0)
    assert guards.passes(WORLD.guard, elsewhere) < 0.2
    for hole in WORLD.holes:
        assert guards.passes(WORLD.guard, guards.in_hole(hole, 300, RNG(2))) > 0.6


def test_labelers_overlook_the_holes_alone():
    some = guards.draw(20000, RNG(3))
    wrong = guards.overlooked(some, WORLD.holes) != some.harmful
    inside = np.any([hole.holds(some.rewording) for hole in WORLD.holes], 0)
    assert np.array_equal(wrong, inside & (some.harmful == 1))


def test_as_many_labels_are_wrong_by_lot():
    clean = guards.draw(500, RNG(4))
    turned = np.where(np.arange(500) < 40, 1 - clean.harmful, clean.harmful)
    told = written_tests.relabeled_by_lot(clean._replace(harmful=turned), clean, RNG(5))
    assert (told.harmful != clean.harmful).sum() == 40


@pytest.mark.parametrize("team", [red_team.climbing, red_team.training, red_team.drawing])
def test_finds_pass_and_queries_are_kept(team):
    harmful = guards.plainly_harmful(WORLD.guard, RNG(6))
    found = team(WORLD.guard, harmful, RNG(7), queries=600)
    assert len(found.query)
    assert found.query.max() <= 600
    assert (WORLD.guard.log_odds(found.words, found.rewording) <= 0).all()
    again = team(WORLD.guard, harmful, RNG(7), queries=600)
    assert np.array_equal(again.rewording, found.rewording)


def test_familiarity_counts_finds_that_share_two_options():
    archive = red_team.Archive()
    base = np.zeros(guards.SLOTS, int)
    for k in range(3):
        one = base.copy()
        one[2:] = k + 1  # slots 0 and 1 are shared by all three
        archive.add(np.zeros((1, guards.WORDS), int), one[None], k)
    both = np.full(guards.SLOTS, 5)
    both[:2] = 0
    single = np.full(guards.SLOTS, 5)
    single[0] = 0
    for _ in range(2):  # finds are counted once
        assert archive.familiar(np.stack([both, single])).tolist() == [3, 0]
    archive.add(np.zeros((2, guards.WORDS), int), np.stack([single, single]), 4)
    assert archive.familiar(np.stack([both, single])).tolist() == [3, 2]
    assert archive.dull(np.stack([both, single]), 2.0) == pytest.approx(2 * np.log([4, 3]))
    assert archive.dull(np.stack([both, single]), 0.0).tolist() == [0, 0]
    assert archive.found().query.tolist() == [0, 1, 2, 4, 4]


def test_neighbors_differ_in_one_option():
    one = RNG(8).integers(0, guards.OPTIONS, guards.SLOTS)
    assert ((red_team.neighbors(one, 100, RNG(9)) != one).sum(1) == 1).all()


def test_as_many_examples_however_many_rounds():
    given = []

    def team(guard, harmful, rng, queries):
        given.append(queries)
        return repairs.ordinary(guard, harmful, rng, queries)

    for rounds in (1, 3):
        repairs.repaired(WORLD.data, WORLD.guard, team, RNG(0), rounds, 300)
    assert given == [300, 100, 100, 100]


def test_without_repairs_in_between_each_round_meets_the_same_guard():
    met = []

    def team(guard, harmful, rng, queries):
        met.append(guard)
        return repairs.ordinary(guard, harmful, rng, queries)

    for between in (True, False):
        last = repairs.repaired(WORLD.data, WORLD.guard, team, RNG(0), 3, 300, between)
        assert last is not WORLD.guard
    assert [guard is WORLD.guard for guard in met] == [True, False, False, True, True, True]


def test_a_writer_that_forgets_leaves_what_it_found():
    harmful = guards.plainly_harmful(WORLD.guard, RNG(6))
    stays, leaves = (red_team.training(WORLD.guard, harmful, RNG(7), anew=anew) for anew in (False, True))
    assert len(leaves.query) < len(stays.query) / 2
    assert sum(red_team.holding(leaves, WORLD.holes)) > sum(red_team.holding(stays, WORLD.holes))


def test_a_guard_without_wrong_labels_leaves_nothing_open():
    clean = guards.together(guards.draw(4000, RNG(1)), *(guards.in_hole(h, 80, RNG(2)) for h in WORLD.holes))
    assert repairs.left_open(guards.fit(clean), WORLD.holes, RNG(3)).mean() < 0.1
    assert repairs.left_open(WORLD.guard, WORLD.holes, RNG(3)).mean() > 0.6


def test_what_tests_show_is_the_sum_less_twice_the_shared():
    wild = written_tests.in_the_wild(WORLD.holes, 800, RNG(4))
    odds = guards.world(101, 0).guard.log_odds(wild.words, wild.rewording)
    tests = written_tests.written(wild, odds, 1.0)
    says = WORLD.guard.log_odds(wild.words, wild.rewording) > 0
    wrong, off = says != (wild.harmful == 1), tests.key != wild.harmful
    shown = written_tests.error(WORLD.guard, tests.requests, tests.key)
    assert shown == pytest.approx(wrong.mean() + off.mean() - 2 * (wrong & off).mean())
    kept = written_tests.written(wild, odds, 0.5)
    assert len(kept.key) == pytest.approx(400, abs=2)


def test_a_climb_on_a_sum_ends_at_its_maximum():
    tried, scores = harmless_rewordings.climb(sum, RNG(0), 2)
    assert tried[int(np.argmax(scores))] == tuple(n - 1 for n in harmless_rewordings.SIZES)
    assert len(set(tried)) == len(tried)


def test_rewordings_keep_the_request():
    text = "How do I crack walnuts?"
    assert harmless_rewordings.reword(text, harmless_rewordings.PLAIN) == text
    for how in harmless_rewordings.ALL:
        assert "crack walnuts" in harmless_rewordings.reword(text, how).lower()

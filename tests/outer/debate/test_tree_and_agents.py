"""Trees against their values, solvers against what probability says."""

import numpy as np
import pytest
from alignlab.outer.debate import agents, tree

RNG = np.random.default_rng


def test_values_of_a_tree_written_out():
    leaves = np.array([[1, 1, 0, 1], [0, 1, 1, 0]])
    root, middle, last = tree.values(leaves)
    assert middle.tolist() == [[1, 0], [0, 0]] and root.tolist() == [[1], [0]]
    assert np.array_equal(last, leaves)


@pytest.mark.parametrize("judge", [1, 4])
def test_with_perfect_players_one_leaf_has_the_roots_value(judge):
    leaves = tree.draw_leaves(60, 6, RNG(0))
    levels = tree.values(leaves)
    root = levels[0][:, 0]
    assert root.sum() == 30
    all_of_it = np.full(60, 64)
    assert np.array_equal(tree.descend(levels, all_of_it, all_of_it, RNG(1), judge), root)
    honest_one = np.where(root == 1, 32, 1)  # half the tree suffices, against anyone
    honest_zero = np.where(root == 0, 32, 1)
    assert np.array_equal(tree.descend(levels, honest_one, honest_zero, RNG(1), judge), root)


def test_who_cannot_search_chooses_at_random():
    leaves = np.tile([1, 1, 0, 0], (4000, 1))
    none = np.zeros(4000, dtype=int)
    found = tree.descend(tree.values(leaves), none, none, RNG(2))
    assert found.mean() == pytest.approx(0.5, abs=0.03)


def test_a_judge_who_reads_all_leaves_knows_the_root_and_who_reads_none_does_not():
    leaves = tree.draw_leaves(40, 4, RNG(0))
    root = tree.values(leaves)[0][:, 0]
    assert np.array_equal(tree.sampled(leaves, 16, RNG(1)), root)
    assert len(set(tree.sampled(leaves, 0, RNG(1)).tolist())) == 1


def test_a_leaf_read_moves_the_verdict_as_bayes_says():
    leaves = np.tile([1, 0, 0, 0], (4000, 1))
    # of one leaf read, the first says 1, the three others 0
    assert tree.sampled(leaves, 1, RNG(0)).mean() == pytest.approx(0.25, abs=0.03)


def test_the_balance_is_kept_from_level_to_level():
    p = tree.BALANCE
    assert 1 - (1 - p**2) ** 2 == pytest.approx(p)


def test_odd_trees_are_refused():
    with pytest.raises(ValueError, match="even numbers"):
        tree.draw_leaves(4, 3, RNG(0))
    with pytest.raises(ValueError, match="power of two"):
        tree.values(np.zeros((1, 3), dtype=int))


def test_one_solver_is_right_as_often_as_no_step_slips_or_slips_cancel():
    problems = agents.draw_problems(20000, 2, 0.2, 0.0, RNG(0))
    right = (agents.alone(problems, RNG(1)) == 0).mean()
    assert right == pytest.approx(0.8**2 + 0.2**2 / 4, abs=0.01)


def test_without_slips_all_are_right():
    problems = agents.draw_problems(50, 5, 0.0, 0.0, RNG(0))
    for rule in (agents.alone, agents.vote, agents.revise, agents.argue):
        assert (rule(problems, RNG(1)) == 0).all()


def test_the_most_frequent_wins_and_the_first_of_equals():
    votes = np.array([[3, 1], [2, 2], [2, 3]])
    assert agents.plurality(votes).tolist() == [2, 1]


def test_at_a_hard_step_all_slip_alike():
    problems = agents.draw_problems(40, 3, 0.0, 1.0, RNG(0))
    slips = agents.compute(problems, 200, RNG(1))
    assert ((slips == 0) | (slips == problems.same)).all()
    assert (slips != 0).mean() == pytest.approx(0.8, abs=0.02)
    assert (agents.vote(problems, RNG(2)) != 0).mean() > 0.9


def test_unanimous_steps_are_not_computed_again():
    problems = agents.draw_problems(3000, 1, 0.2, 0.0, RNG(0))
    # wrong only if three agree on a wrong result, or most of nine do
    wrong = (agents.argue(problems, RNG(1)) != 0).mean()
    assert wrong < 0.02
    # three agree if none slips, or all make one of four slips alike
    alike = 0.8**3 + 4 * 0.05**3
    assert agents.spent(problems, RNG(1)) == pytest.approx(3 + 6 * (1 - alike), abs=0.1)
    # elsewhere than where they differ, two of three that slip alike decide, or three that differ
    assert (agents.argue(problems, RNG(1), anywhere=True) != 0).mean() > 3 * wrong


def test_a_vote_on_steps_is_a_vote_on_the_answer_where_there_is_one_step():
    problems = agents.draw_problems(500, 1, 0.3, 0.0, RNG(0))
    assert np.array_equal(agents.vote_on_steps(problems, RNG(1)), agents.vote(problems, RNG(1)))


def test_probabilities_are_probabilities():
    with pytest.raises(ValueError, match="between 0 and 1"):
        agents.draw_problems(1, 2, 1.5, 0.0, RNG(0))

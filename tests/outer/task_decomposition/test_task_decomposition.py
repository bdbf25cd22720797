"""The modules of `alignlab.outer.task_decomposition`, held against what is known without them."""

import itertools

import numpy as np
import pytest
import torch
from alignlab.outer.task_decomposition import (
    amplification,
    assistant,
    chains,
    networks,
    pairwise,
    picture,
    powers,
    recursive,
    sandwich,
    trial,
    verifiers,
)

# --- powers of permutations


def test_answers_are_those_of_applying_the_permutation_again_and_again():
    for level in range(powers.LEVELS):
        found = powers.truth(level).reshape(-1, powers.PLACES)
        for row, permutation in enumerate(itertools.permutations(range(powers.PLACES))):
            for start in range(powers.PLACES):
                place = start
                for _ in range(2**level):
                    place = permutation[place]
                assert found[row, start] == place


def test_a_question_is_encoded_without_loss():
    row, x = powers.ROWS[77:78], powers.STARTS[77:78]
    code = powers.encode(row, x, torch.tensor([2]))[0]
    n = powers.PLACES
    assert code[: n * n].reshape(n, n).argmax(1).tolist() == powers.PERMUTATIONS[row[0]].tolist()
    assert code[n * n : n * n + n].argmax() == x[0] and code[n * n + n :].tolist() == [0, 0, 1]


def test_places_and_levels_that_there_are_not_are_refused():
    with pytest.raises(ValueError, match="places 7 to 7"):
        powers.apply(powers.ROWS[:1], torch.tensor([7]))
    with pytest.raises(ValueError, match="level -1"):
        powers.truth(-1)


# --- amplification


def by_truth(row, x, level):
    for _ in range(2 ** int(level.flatten()[0])):
        x = powers.apply(row, x)
    return x


def test_an_overseer_who_asks_a_perfect_model_answers_all_levels_rightly():
    for level in range(powers.LEVELS):
        wanted = torch.full_like(powers.STARTS, level)
        found = amplification.amplify(by_truth, powers.ROWS, powers.STARTS, wanted)
        assert torch.equal(found, powers.truth(level))


def test_the_overseer_reads_easy_answers_and_asks_for_the_others_one_level_below():
    asked = []

    def ask(row, x, level):
        asked.append(level.tolist())
        return x

    level = torch.tensor([0, 2])
    found = amplification.amplify(ask, powers.ROWS[10:12], powers.STARTS[10:12], level)
    assert asked == [[0, 1], [0, 1]]
    assert found.tolist() == [int(powers.truth(0)[10]), int(powers.STARTS[11])]


def test_a_seed_gives_the_same_beside_others_as_alone():
    both = amplification.train((3, 4), steps=20)
    alone = amplification.train((4,), steps=20)
    assert torch.allclose(both.accuracy[:, 1], alone.accuracy[:, 0], atol=0.01)


def test_fresh_slips_come_as_often_as_said_and_repeated_ones_at_the_same_questions():
    question = torch.arange(powers.QUESTIONS).expand(2, -1)
    level = torch.ones_like(question)
    right = powers.truth(1).expand(2, -1)
    fresh = amplification.Slips((0, 1), amplification.Errors(0.2))
    first, second = (fresh.on(right, level, question) != right for _ in range(2))
    assert first.float().mean() == pytest.approx(0.2, abs=0.04) and not torch.equal(first, second)
    fixed = amplification.Slips((0, 1), amplification.Errors(0.2, repeated=True))
    assert torch.equal(fixed.on(right, level, question), fixed.on(right, level, question))
    assert not torch.equal(fixed.fixed[0], fixed.fixed[1])


def test_without_slips_the_undistilled_tree_is_right_and_one_level_slips_as_often_as_said():
    for level in range(powers.LEVELS):
        assert (amplification.undistilled((0,), level, amplification.Errors()) == 1).all()
    shares = [amplification.undistilled((seed,), 0, amplification.Errors(0.3)).item() for seed in range(8)]
    assert np.mean(shares) == pytest.approx(0.7, abs=0.03)


def test_a_table_of_votes_removes_fresh_slips_and_keeps_repeated_ones():
    fresh = amplification.by_table((0, 1), amplification.Errors(0.3), 85)
    assert fresh.shape == (2, powers.LEVELS) and (fresh > 0.98).all()
    repeated = amplification.Errors(0.3, repeated=True)
    kept = amplification.by_table((0, 1), repeated, 3)
    alone = torch.stack([amplification.undistilled((0, 1), k, repeated) for k in range(powers.LEVELS)], 1)
    assert torch.equal(kept, alone)


def test_a_pace_opens_a_level_when_the_one_below_is_agreed_on():
    pace = amplification.Pace(2, 0.8)
    level = torch.zeros(2, 4, dtype=torch.long)
    agrees = torch.tensor([[1.0, 1, 1, 1], [0, 0, 0, 0]])
    for _ in range(15):
        pace.update(agrees, level)
    assert pace.opened[1] == 0 and pace.opened[0] == 0  # 1 - 0.9 ** 15 is 0.79
    pace.update(agrees, level)
    assert pace.opened.tolist() == [1, 0]


def test_teachers_and_rates_that_there_are_not_are_refused():
    with pytest.raises(ValueError, match="teacher 'nobody'"):
        amplification.train((0,), teacher="nobody")
    with pytest.raises(ValueError, match=r"rate of 1\.5"):
        amplification.train((0,), errors=amplification.Errors(1.5))


def test_networks_compute_what_two_hidden_layers_of_relus_compute():
    made = networks.Networks((1, 2), [3, 4, 4, 2])
    x = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    a, b, c, d, e, f = (part[1] for part in made.parameters)
    by_hand = ((x[1] @ a + b).clamp(min=0) @ c + d).clamp(min=0) @ e + f
    assert torch.allclose(made(x)[1], by_hand, atol=1e-5)
    with pytest.raises(ValueError, match="0 seeds"):
        networks.Networks((), [3, 2])


# --- chains and verifiers


def test_a_chain_is_calculated_modulo_ten():
    one = chains.Problems(np.array([7]), np.array([[0, 1, 2, 0, 1]]), np.array([[5, 4, 3, 2, 9]]))
    assert chains.truth(one).tolist() == [7]  # 12, 8 (2 - 4 is -2), 24, 6, -3


def test_a_solver_without_habits_and_slips_is_right(monkeypatch):
    monkeypatch.setattr(chains, "SLIP", 0.0)
    rng = np.random.default_rng(0)
    problems = chains.draw(50, rng)
    none = chains.Habits(np.zeros((10, 3, 10), bool), np.ones((10, 3, 10), int))
    digits = chains.solve(problems, none, 4, rng)
    assert (digits[..., -1] == chains.truth(problems)[:, None]).all()
    assert chains.right_steps(problems, digits).all() and digits.shape == (50, 4, 6)


def test_a_step_is_wrong_where_its_digit_does_not_follow_even_if_the_answer_is_right():
    one = chains.Problems(np.array([0]), np.zeros((1, 5), int), np.full((1, 5), 2))
    digits = np.array([[[0, 2, 5, 6, 8, 0]]])  # 2 + 2 is not 5, and 5 + 2 is not 6
    assert chains.right_steps(one, digits).tolist() == [[[True, False, False, True, True]]]
    assert digits[0, 0, -1] == chains.truth(one)[0]


def test_places_tell_all_steps_apart():
    grid = np.array(list(itertools.product(range(10), range(3), range(10), range(10))))
    one = chains.Problems(grid[:, 0], grid[:, 1:2], grid[:, 2:3])
    found = chains.places(one, grid[:, None, [0, 3]])
    assert sorted(found.ravel()) == list(range(verifiers.STEPS_THERE_ARE))


def test_both_kinds_of_labels_find_a_step_that_is_always_wrong():
    rng = np.random.default_rng(1)
    places = rng.integers(1, 30, (600, 5))
    places[::2, 2] = 0  # step 0 is wrong, all others are right
    wrong = (places == 0).any(1)
    steps = verifiers.from_steps(places, places != 0)
    outcomes = verifiers.from_outcomes(places, ~wrong, 10)
    for logits in (steps, outcomes):
        assert logits[0] < 0 < logits[1:30].min()
    asked = np.array([[[1, 2, 0, 3, 4], [1, 2, 5, 3, 4]]])
    assert verifiers.pick(steps, asked).tolist() == [1] == verifiers.pick(outcomes, asked).tolist()


def test_the_safest_pick_has_the_best_worst_step():
    logits = torch.tensor([3.0, 0.5, 1.0, -1.0])
    places = np.array([[[0, 0, 3], [2, 2, 2], [0, 1, 0]]])
    assert verifiers.pick_safest(logits, places).tolist() == [1]


def test_a_majority_is_the_first_solution_with_the_most_frequent_answer():
    assert verifiers.majority(np.array([[3, 1, 1, 0], [2, 2, 0, 0]]), 4).tolist() == [1, 2]


def test_labels_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="one label a step"):
        verifiers.from_steps(np.zeros((2, 5), int), np.zeros(2, bool))
    with pytest.raises(ValueError, match="one label a solution"):
        verifiers.from_outcomes(np.zeros((2, 5), int), np.zeros((2, 5), bool), 10)


# --- judges


def test_a_tree_of_careful_judges_finds_the_smallest_of_any_number():
    rng = np.random.default_rng(2)
    for items in (1, 2, 3, 5, 8, 13):
        values = rng.normal(size=(20, items))
        assert np.array_equal(pairwise.tree(values, np.minimum), values.min(1))
        assert np.allclose(pairwise.tree(values, np.add), values.sum(1))


def test_a_judge_who_slips_always_finds_the_largest():
    values = np.random.default_rng(3).normal(size=(20, 8))
    judge = pairwise.slipping(1.0, np.random.default_rng(0))
    assert np.array_equal(pairwise.tree(values, judge), values.max(1))
    with pytest.raises(ValueError, match="slip of 2"):
        pairwise.slipping(2, np.random.default_rng(0))


def test_a_majority_of_majorities_loses_what_districts_lose():
    votes = np.array([[1, 1, 0, 1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 1, 1, 0, 0, 0]])
    assert pairwise.lost(votes, 3).tolist() == [True, False]
    with pytest.raises(ValueError, match="8 voters in 3 groups"):
        pairwise.lost(votes[:, :8], 3)


# --- the sandwich


def test_what_is_noticed_counts_new_words_runs_and_the_shared_sequence():
    found = sandwich.notice("the cat sat on the mat", "The cat on a mat")
    by_hand = [5, 1, 3, 3, 4 / 5, 16]  # a; cat on, on a, a mat; all triples; the cat on mat
    assert found.tolist() == pytest.approx(by_hand)
    with pytest.raises(ValueError, match="no words"):
        sandwich.notice("a", "...")


def test_a_judge_learns_from_few_pairs_and_does_not_mind_their_order():
    rng = np.random.default_rng(4)
    clear = np.stack([1 + rng.random(60), rng.normal(size=60)], 1)
    assert sandwich.judged(clear, 10, 0) == 1.0
    assert sandwich.judged(np.zeros((60, 2)), 10, 0) == 0.5
    margin = sandwich.verdicts(clear, np.arange(10))
    assert np.allclose(sandwich.verdicts(-clear, np.arange(10)), margin)
    with pytest.raises(ValueError, match="1 labeled pairs"):
        sandwich.verdicts(clear, np.arange(1))


def test_the_assistant_needs_a_pair_for_each_document():
    with pytest.raises(ValueError, match="2 documents and 1 pairs"):
        assistant.score(None, ["a", "b"], [("c", "d")])
    assert assistant.ask(" A cat sat. ") == "A cat sat.\nIn short:"


# --- trials and designs


def test_a_lucky_solution_is_right_and_not_sound_and_is_told_with_its_wrong_steps():
    asked = trial.solutions(30, 4, 0, 1)
    pick = np.zeros(30, int)
    found = trial.lucky(asked, pick, 2)
    for problem in range(30):
        even = (asked.last[problem, 0] - asked.truth[problem]) % 2 == 0
        assert (problem in found) == (even and not asked.steps[problem, 0].all())
        words = trial.told(asked, problem, 0)
        assert words.count("(wrong)") == (~asked.steps[problem, 0]).sum() and words.count("→") == chains.STEPS
    rated = trial.outcome(asked, pick, 2)
    assert rated.right - rated.sound == pytest.approx(len(found) / 30)


def test_labels_of_steps_and_of_outcomes_cost_the_same(monkeypatch):
    bought = {}
    monkeypatch.setattr(verifiers, "from_steps", lambda places, right: bought.update(steps=right.size))
    monkeypatch.setattr(verifiers, "from_outcomes", lambda places, right, answers: bought.update(outcomes=right.size))
    trial.verifier("process", 50, 10, 0)
    trial.verifier("outcome", 50, 10, 0)
    assert bought == {"steps": 50, "outcomes": 50}
    with pytest.raises(ValueError, match="kind 'guess'"):
        trial.verifier("guess", 50, 10, 0)


def test_gain_is_one_for_the_truth_and_minus_what_the_worst_loses():
    true = np.random.default_rng(5).random((2, 300, 8))
    assert recursive.gained(true, true) == pytest.approx(1.0)
    assert recursive.gained(np.zeros_like(true), true) == pytest.approx(0.0, abs=0.15)
    assert (recursive.gained(-true, true) < -0.9).all()


def test_the_smooth_minimum_of_one_score_is_the_score_and_lies_between_minimum_and_mean():
    scores = torch.rand(50, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(recursive.softest(scores[:, :1]), scores[:, 0], atol=1e-6)
    soft = recursive.softest(scores)
    assert (soft >= scores.min(1).values).all() and (soft <= scores.mean(1) + 1e-6).all()


def test_a_judge_labels_what_it_sees():
    labels = recursive.label((0, 1), 4000, "part")
    assert labels.parts.shape == (2, 4000, 1, recursive.FEATURES)
    error = labels.score - recursive.quality(labels.parts)[..., 0]
    assert np.abs(error).max() < 6 * recursive.NOISE and abs(error.mean()) < 0.01
    whole, named = recursive.label((0,), 5, "design"), recursive.label((0,), 5, "two parts")
    assert np.array_equal(whole.score, named.score) and np.array_equal(whole.parts[:, :, :2], named.parts)
    with pytest.raises(ValueError, match="ask 'all'"):
        recursive.label((0,), 5, "all")


def test_the_quality_of_a_part_is_the_written_formula():
    part = np.array([1.0, 2.0, 0.5, 9.0, 9.0, 9.0])
    assert recursive.quality(part) == pytest.approx(1 / (1 + np.exp(-5.0)))


def test_a_helper_recovers_the_order_of_parts_and_refuses_labels_that_are_not_numbers():
    labels = recursive.label((0,), 400, "part")
    helper = recursive.learn((0,), labels)
    parts = np.random.default_rng(6).normal(size=(1, 500, recursive.FEATURES))
    assert np.corrcoef(helper.score(parts)[0], recursive.quality(parts)[0])[0, 1] > 0.85
    with pytest.raises(ValueError, match="finite labels"):
        recursive.learn((0,), labels._replace(score=labels.score * np.nan))


def designs_of(seed):
    shape = (200, 64, recursive.PARTS, recursive.FEATURES)
    made = np.random.default_rng([seed, 4]).normal(size=shape)[None]
    return made, recursive.quality(made).min(-1)


def test_true_labels_of_wholes_teach_the_network_about_parts():
    made, true = designs_of(0)
    labels = recursive.label((0,), 400, "design")
    clean = labels._replace(score=recursive.quality(labels.parts).min(-1))
    helper = recursive.learn((0,), clean, hard=True)
    assert recursive.gained(recursive.judge_designs(helper, made), true)[0] > 0.7


def test_ridge_finds_good_parts_from_labels_of_parts():
    made, true = designs_of(1)
    helper = recursive.plain(recursive.label((1,), 400, "part"))
    assert helper.score(made).shape == made.shape[:-1]
    assert recursive.gained(recursive.judge_designs(helper, made), true)[0] > 0.75


def test_lines_show_the_mean_and_each_seed():
    from matplotlib import pyplot as plt

    fig, ax = plt.subplots()
    picture.lines(ax, [0, 1], {"a": np.array([[0.0, 0.2], [0.4, 0.6]])}, {"a": ("black", "-", 2.0)})
    assert [line.get_ydata().tolist() for line in ax.lines] == [
        pytest.approx(v) for v in ([0, 0.2], [0.4, 0.6], [0.2, 0.4])
    ]
    plt.close(fig)

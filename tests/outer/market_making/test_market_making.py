"""The modules of `alignlab.outer.market_making`, held against what is known without them."""

import numpy as np
import pytest
import torch
from alignlab.outer.market_making import learned, protocols
from alignlab.outer.market_making.cases import ITEMS, Questions, beliefs, draw, sequences, sets

EVERYTHING = np.ones((1, ITEMS))


def one(genuine=(1.0, 0.5, 0.0, 0.0), claims=(-3.0, 0.0)):
    return Questions(np.array([genuine]), np.array([claims]))


# --- the judge


def test_a_judge_adds_log_odds_and_a_rebuttal_takes_its_claim_away():
    heard = np.zeros((3, ITEMS))
    heard[0, [0, 1]] = 1
    heard[1, [0, 4]] = 1
    heard[2, [0, 4, 6]] = 1
    expected = 1 / (1 + np.exp(-np.array([1.5, -2.0, 1.0])))
    assert beliefs(one(), heard)[0] == pytest.approx(expected)


def test_a_rebuttal_of_the_other_claim_changes_nothing():
    heard = np.zeros((2, ITEMS))
    heard[:, 4] = 1
    heard[1, 7] = 1
    first, second = beliefs(one(), heard)[0]
    assert first == second


def test_the_belief_after_everything_is_calibrated():
    questions = draw(40000, 3)
    full = beliefs(questions, EVERYTHING)[:, 0]
    # for an honest posterior the mean of p(1-p) is the mean squared error, and the mean is one half
    assert full.mean() == pytest.approx(0.5, abs=0.01)
    rng = np.random.default_rng(0)
    strength = np.full((40000, 1), 1.0)
    answer = rng.choice((-1, 1), (40000, 1))
    llr = rng.normal(answer * strength**2 / 2, strength)
    p = 1 / (1 + np.exp(-llr))
    assert ((p - (answer > 0)) ** 2).mean() == pytest.approx((p * (1 - p)).mean(), abs=0.005)


def test_what_fades_comes_back_when_it_is_said_again():
    weights = sequences(3, fading=0.5)
    said = weights.reshape(ITEMS, ITEMS, ITEMS, ITEMS)
    assert said[0, 1, 2, :3] == pytest.approx([0.25, 0.5, 1.0])
    assert said[0, 1, 0, :2] == pytest.approx([1.0, 0.5])
    again = sequences(2, again=True).reshape(ITEMS, ITEMS, ITEMS)
    assert again[3, 3, 3] == 2 and again[3, 4, 3] == 1


def test_weights_can_fade_for_some_items_only_and_the_first_can_count_most():
    said = sequences(2, fading=(0.5,) + (1.0,) * 7).reshape(ITEMS, ITEMS, ITEMS)
    assert said[0, 1, :2].tolist() == [0.5, 1.0] and said[1, 0, :2].tolist() == [1.0, 1.0]
    early = sequences(2, fading=0.5, early=True).reshape(ITEMS, ITEMS, ITEMS)
    assert early[0, 1, :2].tolist() == [1.0, 0.5] and early[0, 0, 0] == 1.0


@pytest.mark.parametrize("rounds, fading", [(0, 1.0), (7, 1.0), (2, 0.0), (2, 1.5)])
def test_impossible_sequences_are_refused(rounds, fading):
    with pytest.raises(ValueError, match="fading"):
        sequences(rounds, fading)


def test_questions_that_are_not_finite_or_not_there_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        beliefs(one(genuine=(np.nan, 0, 0, 0)), EVERYTHING)
    with pytest.raises(ValueError, match="count"):
        draw(0, 1)
    with pytest.raises(ValueError, match="scale"):
        draw(3, 1, scale=-1.0)


# --- the protocols


def test_the_midpoint_is_the_only_price_at_which_the_adversary_is_indifferent():
    values = np.array([[0.1, 0.4, 0.9]])
    price = protocols.midpoint(values, np.ones_like(values), 0)[0]
    assert price == pytest.approx(0.5)
    for other in (0.3, 0.45, 0.55, 0.8):  # elsewhere it goes to one side, and the judge ends there
        ends = values[0, np.abs(values[0] - other).argmax()]
        assert (ends - other) * (price - other) > 0


def test_one_round_of_debate_is_the_highest_belief_and_two_the_lowest_after_it():
    questions = draw(20, 5)
    table = beliefs(questions, sets())
    follows = protocols.after()
    assert protocols.solve(table, 1, protocols.debate)[0][:, 0] == pytest.approx(table[:, follows[0]].max(1))
    second = table[:, follows[follows[0]]].min(-1).max(-1)
    assert protocols.solve(table, 2, protocols.debate)[0][:, 0] == pytest.approx(second)


def test_a_debate_by_lot_is_the_mean_of_both_orders_and_shares_are_equal():
    table = beliefs(draw(20, 6), sets())
    both = [protocols.solve(table, 2, protocols.in_turns(order))[0][:, 0] for order in ("yn", "ny")]
    assert protocols.equal_shares(table, 2) == pytest.approx(np.mean(both, 0))
    debate = protocols.solve(table, 4, protocols.debate)[0][:, 0]
    assert protocols.solve(table, 4, protocols.in_turns("ynyn"))[0][:, 0] == pytest.approx(debate)
    with pytest.raises(ValueError, match="even"):
        protocols.equal_shares(table, 3)


def test_a_market_is_a_debate_with_a_coin_at_each_turn():
    table = beliefs(draw(20, 8), sets())
    values = protocols.solve(table, 1, protocols.midpoint)[0][:, 0]
    sides = [protocols.solve(table, 1, protocols.in_turns(side))[0][:, 0] for side in "yn"]
    assert values == pytest.approx(np.mean(sides, 0))


@pytest.mark.parametrize("rule", [protocols.midpoint, protocols.debate, protocols.at_random, protocols.for_no])
def test_the_tree_of_sequences_and_the_table_of_sets_agree_for_a_judge_who_ignores_order(rule):
    questions = draw(12, 7)
    by_sets = protocols.solve(beliefs(questions, sets()), 3, rule)[0][:, 0]
    by_order = protocols.solve_in_order(beliefs(questions, sequences(3)), 3, rule)
    if rule is protocols.at_random:
        assert by_order == pytest.approx(by_sets)
    else:
        assert np.abs(by_order - by_sets).max() < 1e-12


def test_random_arguments_average_over_all_sets_of_that_size():
    questions = draw(8, 9)
    table = beliefs(questions, sets())
    of_three = sets().sum(1) == 3
    assert protocols.solve(table, 3, protocols.at_random)[0][:, 0] == pytest.approx(table[:, of_three].mean(1))


def test_with_many_rounds_the_price_is_the_belief_after_everything():
    table = beliefs(draw(50, 2), sets())
    values = protocols.solve(table, 60, protocols.midpoint)
    assert values[0][:, 0] == pytest.approx(table[:, -1], abs=1e-3)


def test_prices_are_right_on_average_along_the_walk():
    table = beliefs(draw(20000, 4), sets())
    prices = protocols.walk(protocols.solve(table, 4, protocols.midpoint), np.random.default_rng(1))
    assert prices.mean(0) == pytest.approx(np.full(5, prices[:, 0].mean()), abs=0.01)
    rise = np.diff(prices, axis=1)
    assert np.corrcoef(prices[:, 0], rise[:, 0])[0, 1] == pytest.approx(0, abs=0.03)


def test_the_most_striking_argument_is_the_one_that_moves_the_judge_most():
    table = beliefs(one(), sets())
    assert protocols.most_striking(table, 1)[0] == pytest.approx(1 / (1 + np.exp(3.0)))
    assert protocols.most_striking(table, 2)[0] == pytest.approx(0.5)  # the rebuttal undoes the claim
    llr = np.array([[1.0, 0.5, 0.0, 0.0, -3.0, 0.0, 0.0, 0.0]])
    unanswered = protocols.strongest_unanswered(table, llr, 2)
    assert unanswered[0] == pytest.approx(1 / (1 + np.exp(2.0)))


def test_stretching_undoes_a_price_that_is_only_too_timid():
    target = np.array([0.1, 0.4, 0.7, 0.95])
    odds = np.log(target / (1 - target))
    timid = 1 / (1 + np.exp(-odds / 3))
    assert protocols.stretched(timid, target) == pytest.approx(target, abs=1e-3)


def test_tables_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="rounds"):
        protocols.solve(np.ones((3, 5)), 2, protocols.midpoint)
    with pytest.raises(ValueError, match="rounds"):
        protocols.solve(np.ones((3, 2**ITEMS)), -1, protocols.midpoint)


# --- what is learned


def test_the_network_and_the_table_know_the_same_judge():
    questions = draw(10, 1)
    heard = torch.tensor(sets()[[0, 5, 90, 255]], dtype=torch.float32)
    llr = learned.facts(questions)
    odds = learned.judge(llr[:, None, :], heard[None])
    assert torch.sigmoid(odds).numpy() == pytest.approx(beliefs(questions, heard.numpy()), abs=1e-5)


def test_the_best_response_moves_the_price_the_farthest_and_not_the_highest():
    after = torch.tensor([[0.1, 0.55, 0.8], [0.5, 0.6, 0.9]])
    assert learned.best_response(after, torch.tensor([0.5, 0.55])).tolist() == [0, 2]


def test_a_transcript_has_as_many_arguments_as_rounds_and_random_ones_differ():
    weights = learned.born((1, 2))
    llr = torch.stack([learned.facts(draw(6, seed)) for seed in (1, 2)])
    lots = torch.rand(2, 6, ITEMS, generator=torch.Generator().manual_seed(0))
    before, final = learned.transcript(weights, llr, lots, "random")
    assert [int(heard.sum(-1).max()) for heard in before] == [0, 1, 2, 3]
    assert [int(heard.sum(-1).min()) for heard in before] == [0, 1, 2, 3]
    assert final.shape == (2, 6)
    with pytest.raises(ValueError, match="adversary"):
        learned.transcript(weights, llr, lots, "nobody")


def test_seeds_that_are_trained_together_are_what_they_are_alone():
    both = learned.train((3, 4), 5, "random")
    alone = learned.train((4,), 5, "random")
    for part, single in zip(both.weights, alone.weights):
        assert torch.allclose(part[1], single[0], atol=1e-5)


def test_a_market_without_adversary_learns_the_mean_of_random_transcripts():
    questions = draw(200, 50)
    llr = learned.facts(questions).numpy()[None]
    table = beliefs(questions, sets())
    mean = protocols.solve(table, learned.ROUNDS, protocols.at_random)[0][:, 0]
    price = learned.opening(learned.train((0,), 400, "random").weights, llr)[0]
    assert np.abs(price - mean).mean() < 0.06 < np.abs(mean - 0.5).mean()

"""The modules of `alignlab.evals.general`, held against what is known without them."""

import numpy as np
import pytest
from alignlab.evals.families import clustered
from alignlab.evals.general import (
    arena,
    lengths,
    letters,
    novelty,
    orders,
    peers,
    resampled,
    scores,
    strengths,
    style,
    variants,
)
from alignlab.evals.general.board import wrongly_ranked
from scipy.stats import kendalltau
from sklearn.linear_model import LogisticRegression


def test_wrongly_ranked_is_kendalls_distance():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 1, 9))
    tau = kendalltau(a[0], b[0]).statistic
    assert wrongly_ranked(a, b) == pytest.approx((1 - tau) / 2)


def test_a_constant_score_guesses():
    truth = np.array([[0.1, 0.4, 0.2]])
    assert wrongly_ranked(np.zeros((1, 3)), truth) == 0.5


def test_scores_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="not a number"):
        wrongly_ranked(np.array([[1.0, np.nan]]), np.array([[1.0, 2.0]]))
    with pytest.raises(ValueError, match="shape"):
        wrongly_ranked(np.zeros((1, 3)), np.zeros((1, 2)))


def test_a_judge_without_a_lean_has_no_favorite_position():
    told = orders.judge(0, 0.0)
    assert told.first.mean() == pytest.approx(told.second.mean(), abs=0.01)


def test_balanced_orders_are_less_noisy_by_the_formula():
    """Fixed p1 and p2: the variance falls by (p1 - p2)^2 / 4 a verdict."""
    rng = np.random.default_rng(1)
    shape = (20000, 1, 40)
    first = (rng.random(shape) < 0.9).astype(float)
    second = (rng.random(shape) < 0.3).astype(float)
    told = orders.Verdicts(np.zeros((20000, 1)), first, second)
    by_chance = orders.random_orders(told, 0).var() * 40
    balanced = orders.balanced_orders(told, 0).var() * 40
    assert by_chance == pytest.approx(0.6 * 0.4, rel=0.03)
    assert balanced == pytest.approx(0.6 * 0.4 - 0.6**2 / 4, rel=0.03)


def test_half_of_all_is_half_of_the_board():
    told = orders.Verdicts(np.zeros((3, 4)), np.ones((3, 4, 20)), np.zeros((3, 4, 20)))
    rate = orders.half_of_all(told, 0)
    assert rate.mean(1) == pytest.approx(np.full(3, 0.5))
    assert rate.std() > 0.03


def test_places_are_averaged_whatever_the_draw():
    """Verdicts that depend on the place alone give one half, however often each was drawn."""
    told = orders.Verdicts(np.zeros((50, 1)), np.ones((50, 1, 20)), np.zeros((50, 1, 20)))
    assert orders.by_place(told, 0) == pytest.approx(np.full((50, 1), 0.5))
    assert orders.random_orders(told, 0).std() > 0.05


def test_conflicts_left_out_leave_the_agreed():
    first = np.array([[[1.0, 1.0, 0.0, 1.0]]])
    second = np.array([[[1.0, 0.0, 0.0, 1.0]]])
    told = orders.Verdicts(np.zeros((1, 1)), first, second)
    assert orders.conflicting(told) == 0.25
    # half the prompts: one agreed win, one conflict
    assert orders.without_conflicts(told, 0)[0, 0] == 1.0
    assert orders.both_orders(told, 0)[0, 0] == 0.75


def test_an_odd_number_of_prompts_is_refused():
    with pytest.raises(ValueError, match="even"):
        orders.judge(0, 1.0, prompts=7)


def test_the_length_fit_is_scikit_learns():
    battles = lengths.battles(0, boards=1, models=4)
    a, b = lengths.fit_features(battles.won, [battles.longer])
    x = np.tanh(battles.longer[0] / battles.longer[0].std())
    who = np.repeat(np.eye(4), x.shape[1], 0)
    design = np.column_stack([who, x.ravel()])
    peer = LogisticRegression(C=100.0, fit_intercept=False, tol=1e-8)
    peer.fit(design, battles.won[0].ravel())
    found = np.append(a[0], b[0])
    assert found == pytest.approx(peer.coef_[0], abs=1e-3)


def test_the_fit_of_two_features_is_scikit_learns():
    told = style.dressed(0, boards=2, models=3)
    a, b = lengths.fit_features(told.won, [told.longer, told.lists])
    x = [np.tanh(part[1] / part[1].std()).ravel() for part in (told.longer, told.lists)]
    design = np.column_stack([np.repeat(np.eye(3), 300, 0), *x])
    peer = LogisticRegression(C=100.0, fit_intercept=False, tol=1e-8)
    peer.fit(design, told.won[1].ravel())
    assert np.append(a[1], b[1]) == pytest.approx(peer.coef_[0], abs=1e-3)


def test_without_differences_of_length_control_changes_nothing():
    battles = lengths.battles(0, boards=2)
    same = np.zeros_like(battles.longer)
    controlled = lengths.length_controlled(battles.won, same)
    assert controlled == pytest.approx(battles.won.mean(2), abs=1e-3)


def test_longer_and_shorter_count_alike():
    won, longer = np.array([[[1.0, 1, 1, 0]]]), np.array([[[1.0, 2, 3, -1]]])
    assert lengths.longer_and_shorter(won, longer)[0, 0] == 0.5
    assert lengths.longer_and_shorter(won, np.ones((1, 1, 4)))[0, 0] == 0.75


def test_lengths_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="shape"):
        lengths.fit_features(np.zeros((1, 2, 3)), [np.zeros((1, 2, 4))])
    with pytest.raises(ValueError, match="real"):
        lengths.battles(0, real=1.5)


def test_every_pair_gives_one_win_by_each_judge():
    cast = peers.votes(0, boards=3)
    rates = peers.by_judge(cast)
    assert rates.sum(2) == pytest.approx(np.full((3, 10), 5.0))


def test_own_pairs_are_left_out():
    """A judge that favors itself without bound changes nothing there."""
    vain, modest = (peers.votes(0, own=own, boards=40) for own in (30.0, 30.1))
    assert np.array_equal(vain.won, modest.won)
    who = np.arange(10)[:, None]
    part = (vain.first == who) | (vain.second == who)
    spoiled = vain._replace(won=np.where(part, 1 - vain.won, vain.won))
    assert peers.without_own(spoiled) == pytest.approx(peers.without_own(vain))


def test_a_judge_that_contradicts_all_others_gets_no_weight():
    won = np.tile([[0.9, 0.8, 0.7]], (1, 5, 1))
    won[0, 2] = 1 - won[0, 2]
    pair = np.array([0, 0, 1]), np.array([1, 2, 2])
    weight = peers.agreement(peers.Votes(np.zeros((1, 3)), won, *pair))
    assert weight[0, 2] == pytest.approx(0, abs=1e-6)


def test_loud_judges_gain_no_weight_by_it():
    """Votes twice as far from a draw agree as well as before."""
    rng = np.random.default_rng(0)
    won = 0.5 + 0.2 * rng.uniform(-1, 1, (1, 4, 45))
    won[0, :2] += 0.1 * rng.uniform(-1, 1, 45)
    cast = peers.Votes(np.zeros((1, 10)), won, *np.triu_indices(10, 1))
    loud = won.copy()
    loud[0, 0] = 0.5 + 1.5 * (won[0, 0] - 0.5)
    assert peers.agreement(cast._replace(won=loud)) == pytest.approx(peers.agreement(cast))


def test_the_third_power_listens_to_the_best():
    cast = peers.votes(0, boards=4)
    assert peers.sharp_rank(cast) == pytest.approx(peers.peer_rank(cast, power=3.0))
    assert not np.allclose(peers.sharp_rank(cast), peers.peer_rank(cast))


def test_the_median_and_the_decided():
    won = np.array([[[0.9, 0.9, 0.9], [0.5, 0.5, 0.5], [0.6, 0.6, 0.6]]])
    cast = peers.Votes(np.zeros((1, 3)), won, np.array([0, 0, 1]), np.array([1, 2, 2]))
    rates = peers.by_judge(cast)[0]
    assert peers.by_median(cast)[0] == pytest.approx(rates[2])  # 0.6 lies between
    expected = (0.16 * rates[0] + 0.01 * rates[2]) / 0.17
    assert peers.by_decision(cast)[0] == pytest.approx(expected)


def test_peer_rank_is_a_fixed_point():
    cast = peers.votes(0, boards=4)
    score = peers.peer_rank(cast, rounds=200)
    weight = score - score.min(1, keepdims=True)
    weight = weight / weight.sum(1, keepdims=True)
    again = np.einsum("bj,bjm->bm", weight, peers.by_judge(cast))
    assert again == pytest.approx(score, abs=1e-6)


def _two(won):
    count = len(won)
    zero, one = np.zeros((1, count), int), np.ones((1, count), int)
    return strengths.Games(zero, one, np.array([won], float), count)


def test_bradley_terry_of_two_is_the_log_odds():
    s = strengths.bradley_terry(_two([1, 1, 1, 0]), 2, ridge=1e-9)
    assert s[0, 0] - s[0, 1] == pytest.approx(np.log(3), abs=1e-5)


def test_a_vote_sandwich_of_two_is_the_binomials():
    games = _two([1, 1, 1, 0] * 50)
    s = strengths.bradley_terry(games, 2)
    c = strengths.vote_errors(games, s)[0]
    variance = c[0, 0] + c[1, 1] - 2 * c[0, 1]
    assert variance == pytest.approx(1 / (200 * 0.75 * 0.25), rel=0.02)


def test_voters_of_one_vote_make_both_errors_equal():
    games = arena.arena(0, np.linspace(-0.5, 0.5, 4), 300, 1, boards=2)
    s = strengths.bradley_terry(games, 4)
    one, other = strengths.vote_errors(games, s), strengths.voter_errors(games, s)
    assert np.array_equal(one, other)


def test_elo_moves_by_k_times_the_surprise():
    s = strengths.elo(_two([1]), 2, k=0.1)
    assert s[0] == pytest.approx([0.05, -0.05])


def test_without_tastes_the_population_fit_is_the_truth():
    truth = np.linspace(-1, 1, 5)
    assert arena.population(truth, 0.0, voters=2)[1] == pytest.approx(truth, abs=1e-5)


def test_rank_ranges_open_where_nothing_is_sure():
    s = np.array([[1.0, 0.0, -1.0]])
    best, worst = strengths.rank_range(s, 1e-6 * np.eye(3)[None])
    assert best[0].tolist() == worst[0].tolist() == [1, 2, 3]
    best, worst = strengths.rank_range(s, 1e6 * np.eye(3)[None])
    assert best[0].tolist() == [1, 1, 1] and worst[0].tolist() == [3, 3, 3]


def test_counts_give_the_fit_of_the_games():
    games = arena.arena(0, np.linspace(-0.5, 0.5, 4), 30, 10, boards=3)
    wins = resampled.counts(games, 4, 30)
    assert wins.shape == (3, 30, 4, 4) and wins.sum() == games.won.size
    assert resampled.fit(wins.sum(1)) == pytest.approx(strengths.bradley_terry(games, 4), abs=1e-6)
    with pytest.raises(ValueError, match="split"):
        resampled.counts(games, 4, 7)


@pytest.mark.parametrize("by", ["voters", "votes"])
def test_the_bootstrap_spreads_as_the_sandwich_does(by):
    games = arena.arena(1, np.linspace(-0.5, 0.5, 4), 200, 20, spread=1.0, boards=6)
    units = 200 if by == "voters" else 4000
    errors = strengths.voter_errors if by == "voters" else strengths.vote_errors
    again = resampled.drawn(games, 4, units, 400, 0)
    fitted = strengths.bradley_terry(games, 4)
    sandwich = np.diagonal(errors(games, fitted), axis1=1, axis2=2)
    assert again.var(1).mean() == pytest.approx(sandwich.mean(), rel=0.15)
    assert again.mean(1) == pytest.approx(fitted, abs=0.05)


def test_percentiles_of_ranks():
    sure = np.tile([2.0, 0.0, 1.0], (1, 50, 1))
    best, worst = resampled.percentiles(sure)
    assert best[0].tolist() == worst[0].tolist() == [1, 3, 2]
    assert resampled.held(best, worst, np.array([5.0, 1.0, 3.0])).all()
    assert not resampled.held(best, worst, np.array([1.0, 5.0, 3.0]))[0, :2].any()
    unsure = np.random.default_rng(0).normal(size=(1, 400, 3))
    best, worst = resampled.percentiles(unsure)
    assert best[0].tolist() == [1, 1, 1] and worst[0].tolist() == [3, 3, 3]


def test_bootstrapped_ranks_hold_where_models_are_apart_and_miss_the_ends_where_they_are_equal():
    """95 % intervals on 180 simulated leaderboards, each voter a unit; ranks by differences hold on the same ones."""
    held, sandwich = {}, {}
    for name, reach in (("apart", 0.9), ("equal", 0.1)):
        truth = np.linspace(-reach, reach, 8)
        every = arena.population(truth, 1.0)[1]
        games = arena.arena(100, truth, 100, 30, spread=1.0, boards=180)
        ends = resampled.percentiles(resampled.drawn(games, 8, 100, 100, 100))
        held[name] = resampled.held(*ends, every)
        fitted = strengths.bradley_terry(games, 8)
        ends = strengths.rank_range(fitted, strengths.voter_errors(games, fitted))
        sandwich[name] = resampled.held(*ends, every)
    assert held["apart"].mean(0).min() >= 0.95
    assert held["equal"][:, 1:-1].mean() >= 0.94
    assert clustered(held["equal"][:, [0, -1]].mean(1)).high < 0.94
    assert sandwich["equal"][:, [0, -1]].mean() >= 0.95


def test_percentiles_of_ranks_miss_the_ends_without_any_votes():
    """Normal noise of known size: the fault is the percentiles', and not that of votes, fits or too few draws."""
    rng = np.random.default_rng(0)
    ends = {}
    for reach in (3.0, 1.0, 0.2):  # in standard errors
        truth = np.linspace(-reach, reach, 8)
        once = truth + rng.normal(size=(600, 1, 8))
        for times in (100, 400):
            again = once + rng.normal(size=(600, times, 8))
            held = resampled.held(*resampled.percentiles(again), truth)
            ends[reach, times] = held[:, [0, -1]].mean()
            assert held[:, 1:-1].mean() >= 0.93
    assert ends[3.0, 100] > 0.97 and ends[3.0, 400] > 0.97
    assert ends[1.0, 100] < 0.93 and ends[1.0, 400] < 0.93
    assert ends[0.2, 100] < 0.82 and ends[0.2, 400] < 0.82


def test_elo_drawn_anew_follows_elo():
    games = arena.arena(2, np.linspace(-1, 1, 3), 10, 30, boards=2)
    again = resampled.drawn_elo(games, 3, 10, 60, 0)
    assert again.shape == (2, 60, 3)
    assert (again.mean(1).argmax(1) == 2).all() and (again.mean(1).argmin(1) == 0).all()


def test_a_result_beyond_one_is_refused():
    with pytest.raises(ValueError, match="result"):
        strengths.bradley_terry(_two([1, 2]), 2)


def test_ratings_find_the_truth_with_many_games():
    truth = np.array([-0.5, 0.0, 0.7])
    found = variants.rated(truth, 4_000_000, np.random.default_rng(0))
    assert found == pytest.approx(truth, abs=0.01)


def test_one_variant_is_published_without_gain():
    entry = variants.best_of(0, 1, 100, boards=20000)
    assert entry.published.mean() == pytest.approx(0, abs=2)


def test_the_weighted_score_is_the_limit_of_samples():
    p = np.array([[0.1, 0.2, 0.3, 0.2, 0.2]])
    assert scores.weighted(p)[0] == pytest.approx(3.2)
    assert scores.sampled(p, 200_000, 0).mean() == pytest.approx(3.2, abs=0.01)
    assert scores.likeliest(p)[0] == 3
    assert scores.majority(np.array([[2, 5, 5, 2, 1]]))[0] == 2


def test_what_is_no_distribution_is_refused():
    with pytest.raises(ValueError, match="five"):
        scores.weighted(np.ones((2, 5)))


def test_rouge_l_of_known_texts():
    assert novelty.rouge_l("Name two birds.", "name two birds") == 1.0
    assert novelty.rouge_l("a b c d", "a x c y") == pytest.approx(0.5)
    assert novelty.rouge_l("a b", "b a") == pytest.approx(0.5)
    with pytest.raises(ValueError, match="words"):
        novelty.rouge_l("?", "a")


def test_the_filter_keeps_the_first_of_twins():
    texts = ["Name two birds", "name two birds!", "Bake a loaf of bread"]
    assert novelty.keep_new(texts) == [0, 2]


def test_verdicts_of_letters():
    odds = np.array([[2.0, -1.0, 3.0], [1.0, 1.0, -3.0]])
    assert letters.conflicts(odds).tolist() == [True, False, False]
    assert letters.both_orders(odds).tolist() == [0.5, -1.0, 3.0]
    assert letters.without_letter(odds, 1.0)[0].tolist() == [1.0, -2.0, 2.0]
    with pytest.raises(ValueError, match="prior"):
        letters.without_letter(odds, float("nan"))
    with pytest.raises(ValueError, match="pairs"):
        letters.letter_odds(None, [])

"""The modules of `alignlab.risks.theory`, held against what is known without them."""

import numpy as np
import pytest
from alignlab.risks.theory import switch, unhackable, voices


@pytest.mark.parametrize(("mean", "spread"), [(0.0, 1.0), (0.7, 0.5), (-1.2, 2.0)])
def test_deferring_to_a_rational_person_never_loses(mean, spread):
    u = np.random.default_rng(0).normal(mean, spread, 400_000)
    direct = np.maximum(u, 0).mean() - max(u.mean(), 0)
    assert switch.gain(mean, spread) == pytest.approx(direct, abs=0.01)
    assert switch.gain(mean, spread) > 0


def test_errors_count_by_their_stakes():
    for beta in (0.5, 1.0, 2.0):
        often, weighted = switch.weighted_errors(0.4, 1.0, beta)
        assert weighted < often
        worth = float(switch.allowed(np.array(0.4), np.array(1.0), beta))
        assert worth - 0.4 == pytest.approx(switch.gain(0.4, 1.0, weighted), abs=1e-4)


@pytest.mark.parametrize(("spread", "beta"), [(1.0, 1.0), (0.5, 2.0), (1.0, 2.0)])
def test_a_normal_belief_defers_below_half_beta_times_the_variance(spread, beta):
    edge = beta * spread**2 / 2
    means = np.array([0.9 * edge, 1.1 * edge, -0.9 * edge, -1.1 * edge])
    worth = switch.allowed(means, np.full(4, spread), beta)
    assert (worth > np.maximum(means, 0)).tolist() == [True, False, True, False]


def test_a_majority_errs_less():
    one, three = (switch.weighted_errors(0.0, 1.0, 1.0, people)[0] for people in (1, 3))
    assert three < one


def test_learning_matches_moments_of_one_weight():
    robots = switch.Robots(np.zeros((1, 1)), np.ones((1, 1, 1)))
    after = switch.learn(robots, np.ones((1, 1)), np.ones(1), 1.0, 0.0)
    w = np.linspace(-9, 9, 20_001)
    density = np.exp(-(w**2) / 2) / (1 + np.exp(-w))
    density /= density.sum()
    mean = (w * density).sum()
    assert after.mean[0, 0] == pytest.approx(mean, abs=1e-6)
    assert after.cov[0, 0, 0] == pytest.approx((w**2 * density).sum() - mean**2, abs=1e-6)


def test_occupancies_sum_to_one_and_shaping_is_not_felt():
    moves = unhackable.world(3)
    times = unhackable.occupancy(moves, unhackable.deterministic())
    assert np.allclose(times.sum(1), 1)
    potential = np.random.default_rng(0).normal(size=unhackable.STATES)
    shaping = unhackable.DISCOUNT * moves @ potential - potential[:, None]
    assert np.ptp(times @ shaping.ravel()) < 1e-9
    assert np.abs(unhackable.felt(times, shaping.ravel())).max() < 1e-7
    assert np.linalg.matrix_rank(times - times.mean(0), tol=1e-9) == unhackable.STATES


def test_shaping_of_a_proxy_changes_the_angle_of_tables_and_not_training():
    moves = unhackable.world(4)
    times = unhackable.occupancy(moves, unhackable.deterministic())
    rng = np.random.default_rng(2)
    reward, potential = rng.normal(size=10), rng.normal(size=5)
    shaped = reward + (unhackable.DISCOUNT * moves @ potential - potential[:, None]).ravel()
    assert np.allclose(unhackable.climb(moves, reward), unhackable.climb(moves, shaped))
    assert unhackable.felt_angle(times, reward, shaped) < 1e-3
    assert unhackable.angle(reward, shaped) > 5


def test_climbing_its_own_reward_reaches_the_best_policy():
    moves = unhackable.world(5)
    reward = np.random.default_rng(1).normal(size=unhackable.STATES * unhackable.ACTIONS)
    best = (unhackable.occupancy(moves, unhackable.deterministic()) @ reward).max()
    end = unhackable.occupancy(moves, unhackable.climb(moves, reward)[-1:]) @ reward
    assert end[0] == pytest.approx(best, abs=0.02)


def test_disagreement():
    rising = np.arange(4.0)
    assert unhackable.disagree(rising, 2 * rising + 1) == 0
    assert unhackable.disagree(rising, -rising) == 1
    assert unhackable.disagree(rising, np.zeros(4)) == 0


def test_evidence_grows_by_the_divergence():
    said = voices.voices(0)
    text = voices.write(said[1], 4000, voices.LONGEST, np.random.default_rng(0))
    odds = voices.posterior(said, voices.RARE, text).mean(0)
    assert odds[0] == pytest.approx(np.log(voices.RARE / (1 - voices.RARE)))
    slope = (odds[-1] - odds[0]) / voices.LONGEST
    assert slope == pytest.approx(voices.divergence(said[1], said[0]), rel=0.05)


def test_a_newborn_model_reads_nothing():
    text = np.zeros((2, voices.LONGEST), np.int64)
    odds = voices.log_odds(voices.newborn(0), text)
    assert np.ptp(odds, axis=1).max() < 0.1


def test_a_rest_is_admitted_where_the_robot_chooses_or_learns():
    same = switch.play(0, rounds=6, robots=9, sees=3, rest=1.0, doubt=1.0)
    both = switch.play(0, rounds=6, robots=9, sees=3, rest=1.0)
    assert np.array_equal(same.worth, both.worth)
    blind = switch.play(0, rounds=6, robots=9, sees=3, rest=1.0, doubt=0.0)
    assert blind.defers.sum() < both.defers.sum()


def test_deferring_is_never_worth_more_than_to_a_person_who_never_errs():
    for mean in (0.0, 0.4, 1.0):
        best = (float(switch.size(mean, 2.0)) + mean) / 2
        assert 0.95 * best < float(switch.allowed(np.array(mean), np.array(2.0), 8.0)) < best

"""The modules of `alignlab.risks.dynamic_evaluation`, held against what is known without them."""

import numpy as np
import pytest
import torch
from alignlab.risks.dynamic_evaluation import attackers, board, forecast, guards
from alignlab.risks.dynamic_evaluation import wordings as w
from alignlab.risks.dynamic_evaluation.reworded import wordings


def test_worlds_differ_in_which_ways_lean_and_not_in_how_much():
    one, two = w.world(0), w.world(1)
    assert one.chances(0).sum() == pytest.approx(1)
    assert np.allclose(np.sort(one.ways, -1), np.sort(two.ways, -1))
    assert not np.allclose(one.ways, two.ways)


def test_all_scores_are_those_of_single_requests():
    some = guards.Guards(2, 0)
    things = np.random.default_rng(0).normal(size=(3, w.TRAITS))
    every = some.scores(np.stack([things] * 2))
    variant = torch.tensor([[5, 77, 4000]] * 2)
    thing = torch.tensor(things).float().expand(2, -1, -1)
    single = some(thing, variant).detach().numpy()
    at = every[:, [0, 1, 2], [5, 77, 4000]]
    assert np.allclose(single, at, atol=1e-5)


def test_the_vote_is_the_mean_over_disturbed_copies():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(1, w.VARIANTS))
    mean = guards.averaged(scores, 0.4)
    start, n = w.ALL[123], 200_000
    other = rng.integers(0, w.WAYS, (n, w.SLOTS))
    copies = np.where(rng.random((n, w.SLOTS)) < 0.4, other, start)
    drawn = scores[0, copies @ attackers.PLACE]
    assert mean[0, 123] == pytest.approx(drawn.mean(), abs=0.02)


def test_a_threshold_turns_away_one_in_twenty_allowed_requests():
    here = w.world(3)
    scores = np.random.default_rng(3).normal(size=(2, 10, w.VARIANTS))
    bounds = guards.limits(scores, [here] * 2)
    for one, bound in zip(scores, bounds):
        above = ((one > bound) * here.chances(1)).sum(1).mean()
        assert above == pytest.approx(0.05, abs=0.002)


def _margin() -> np.ndarray:
    """One guard, one thing: better the more slots have their way 3."""
    right = (w.ALL == 3).sum(1)
    return (5.5 - right)[None, None].astype(float)


def test_a_search_finds_by_steps_what_random_draws_rarely_hit():
    margin = np.repeat(_margin(), 50, 1)
    found = attackers.within(margin, attackers.climb(margin, 120, 0))[0, -1]
    blind = attackers.within(margin, attackers.blind(margin, 120, 0))[0, -1]
    assert found > 0.8 and blind < 0.2 and attackers.truth(margin)[0] == 1


def test_a_hidden_score_decides_alike_and_leaves_no_slope():
    margin = np.repeat(_margin(), 50, 1)
    veiled = guards.hidden(margin)
    assert ((veiled < 0) == (margin < 0)).all()
    found = attackers.within(veiled, attackers.climb(veiled, 120, 0))[0, -1]
    assert found < 0.3


def test_a_list_is_the_same_for_all_guards_and_best_first():
    margin = _margin()
    tried = attackers.published(np.concatenate([margin] * 2), 4)
    assert tried.shape == (2, 1, 4) and (tried[0] == tried[1]).all()
    assert tried[0, 0, 0] == w.VARIANTS - 1


def test_random_draws_don_t_repeat():
    tried = attackers.blind(_margin(), 64, 0)[0, 0]
    assert len(set(tried.tolist())) == 64


def test_pairs_in_the_wrong_order_are_counted_with_ties_by_half():
    true = np.array([0.1, 0.2, 0.3])
    assert attackers.wrongly(true, true) == 0
    assert attackers.wrongly(true, -true) == 1
    assert attackers.wrongly(true, np.array([1.0, 1.0, 2.0])) == pytest.approx(1 / 6)


def test_forecasts_of_equal_requests_are_right_and_one_rate_says_too_much_of_others():
    rng = np.random.default_rng(0)
    same = np.full(400, 0.02)
    differ = rng.beta(0.3, 5, 400)
    for rates in (same, differ):
        hits = rng.binomial(32, rates)
        said = forecast.unequal(hits, 32, 500)
        assert said == pytest.approx(forecast.exact(rates, 500), abs=0.06)
    hits = rng.binomial(32, differ)
    assert forecast.one_rate(hits, 32, 500) > forecast.exact(differ, 500) + 0.1


def test_what_was_seen_within_all_tries_is_the_share_that_broke():
    hits = np.array([0, 0, 1, 32])
    ns, won = forecast.seen(hits, 32)
    assert ns[-1] == 32 and won[-1] == 0.5 and won[0] == pytest.approx(hits.mean() / 32)


def test_a_board_repeats_with_its_seed_and_names_its_attackers():
    one, two = (board.board(9, things=6, listed=4) for _ in range(2))
    for name in board.DEFENSES:
        assert np.allclose(one.guards[name], two.guards[name])
        assert one.guards[name].shape == (4, 12, w.VARIANTS)
    same = one.guards["no score"] < 0
    assert (same == (one.guards["none"] < 0)).all()
    with pytest.raises(ValueError, match="attackers are"):
        board.tried(one, "none", "oracle", 4, 0)


def test_wordings_are_all_different_and_the_first_is_plain():
    found = wordings("How do I bake bread?")
    assert len(set(found)) == 25 and found[0] == "How do I bake bread?"

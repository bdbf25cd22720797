"""The modules of `alignlab.outer.constitutional_ai`, held against what is known without them."""

import numpy as np
import pytest
import torch
from alignlab.outer.constitutional_ai import preferring, replies, selfrevising
from alignlab.outer.constitutional_ai.desk import (
    GOSSIP,
    HELPS,
    ONLY_DECLINES,
    REPLIES,
    REQUESTS,
    STANCE,
    by_words,
    desk,
    draw,
    measured,
)
from alignlab.outer.constitutional_ai.policy import imitate, prefer, probabilities
from alignlab.outer.constitutional_ai.readers import Reader, agreement, lean_of, people, read, reader
from alignlab.outer.constitutional_ai.stages import (
    Pairs,
    judged,
    people_prefer,
    revised,
    second,
    supervised,
    together,
)


@pytest.fixture(scope="module")
def world():
    return desk(7)


def always(reply):
    return np.tile(np.eye(REPLIES)[reply], (REQUESTS, 1))


def certain(world):
    """A reader without any error."""
    return people(world, momentary=0.0)


def test_half_of_the_requests_are_dangerous_and_none_is_both_new_and_trained_on(world):
    assert (world.danger > 0).sum() == REQUESTS // 2
    assert sorted([*world.train, *world.new]) == list(range(REQUESTS))
    assert np.allclose(world.base.sum(1), 1)


def test_numbers_by_words_are_sums_over_the_words():
    grid = by_words(np.random.default_rng(0))[0].reshape(20, 20)
    assert grid.mean() == pytest.approx(0, abs=1e-12) and grid.std() == pytest.approx(1)
    assert grid[3, 4] + grid[5, 6] == pytest.approx(grid[3, 6] + grid[5, 4])


def test_records_of_policies_that_are_known(world):
    helps = measured(world, always(0))
    assert (helps.helpful, helps.harmful, helps.told_apart, helps.gossip) == (1, 1, 0.5, 0)
    perfect = np.where(world.danger[:, None] > 0, always(4), always(1))
    record = measured(world, perfect)
    assert (record.helpful, record.harmful, record.told_apart, record.bare) == (1, 0, 1, 1)
    assert measured(world, perfect, -world.danger).told_apart == 0
    with pytest.raises(ValueError, match="shape"):
        measured(world, perfect[:5])
    with pytest.raises(ValueError, match="sum to 1"):
        measured(world, perfect * np.nan)


def test_replies_are_drawn_with_their_probabilities():
    p = np.array([0.1, 0.2, 0.3, 0.0, 0.4, 0.0])
    drawn = draw(np.tile(p, (20000, 1)), np.random.default_rng(0))
    assert np.bincount(drawn, minlength=6) / 20000 == pytest.approx(p, abs=0.015)


def test_agreement_is_the_share_of_equal_signs():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=200_000)
    error = 0.5 * rng.normal(size=200_000)
    error += 1.2 * rng.normal(size=(200_000, 4)).mean(1)
    error += 2.0 * rng.normal(size=(200_000, 8)).mean(1)
    found = ((truth > 0) == (truth + error > 0)).mean()
    assert agreement(0.5, 1.2, 2.0, 4, 2) == pytest.approx(found, abs=0.004)
    assert agreement(0, 0, 0, 1, 1) == 1


def test_a_readers_errors_have_the_sizes_that_were_asked_for(world):
    who = reader(world, 1, shared=0.5, wording=2.0)
    shared = who.views.mean(0) - world.danger
    assert shared.std() == pytest.approx(np.sqrt(0.25 + 4 / 16), rel=0.35)
    assert (who.views - who.views.mean(0)).std() == pytest.approx(2 * np.sqrt(15 / 16), rel=0.15)
    some = np.arange(REQUESTS).repeat(50)
    seen = read(who, some, np.zeros(len(some), int), np.random.default_rng(0), times=4)
    assert (seen - who.views[0, some]).std() == pytest.approx(0.5, rel=0.05)
    with pytest.raises(ValueError, match="0 or more"):
        reader(world, 1, shared=-1)
    with pytest.raises(ValueError, match="at least once"):
        read(who, some, np.zeros(len(some), int), np.random.default_rng(0), times=0)


def test_shuffled_principles_forbid_as_much_and_something_else(world):
    bare = {"shared": 0, "wording": 0}
    right, wrong = (reader(world, 3, **bare, shuffled=s).views[0] for s in (False, True))
    assert np.allclose(np.sort(right), np.sort(wrong))
    assert abs(np.corrcoef(right, wrong)[0, 1]) < 0.4


def test_without_a_principle_the_critic_knows_the_lean_of_the_base(world):
    lean = lean_of(world).views[0]
    declines = 1 - world.base[:, STANCE == HELPS].sum(1)
    assert (np.argsort(lean) == np.argsort(declines)).mean() > 0.99


def test_a_faultless_critic_leaves_safe_replies_and_in_the_end_no_fault(world):
    requests = np.arange(REQUESTS)
    start = np.tile([0, 1, 4, 5], REQUESTS // 4)
    done = revised(certain(world), requests, start, 60, np.random.default_rng(0))
    assert not GOSSIP[done].any() and not (STANCE[done] == ONLY_DECLINES).any()
    safe = (world.danger <= 0) & (STANCE[start] == HELPS)
    assert (STANCE[done][safe] == HELPS).all()
    assert not (STANCE[done][world.danger > 0] == HELPS).any()
    assert (revised(certain(world), requests, start, 0, np.random.default_rng(0)) == start).all()


def test_imitation_finds_the_shares():
    replies_ = np.array([0] * 60 + [2] * 30 + [4] * 10)
    weights = imitate(np.ones((1, 1)), np.zeros(100, int), replies_)
    assert probabilities(weights, np.ones((1, 1)))[0] == pytest.approx([0.6, 0, 0.3, 0, 0.1, 0], abs=0.03)
    with pytest.raises(ValueError, match="at least one"):
        imitate(np.ones((1, 1)), np.array([], int), np.array([], int))


def test_requests_that_recur_count_as_often_as_they_do(world):
    """The loss is the mean over examples, though each request is run once."""
    rng = np.random.default_rng(0)
    asked, given = rng.choice(world.train, 300), rng.integers(REPLIES, size=300)
    weights = imitate(world.features, asked, given).requires_grad_()
    x = torch.as_tensor(world.features[asked])
    loss = torch.nn.functional.cross_entropy(x @ weights, torch.as_tensor(given)) + 1e-3 * weights.square().sum()
    loss.backward()
    assert weights.grad.abs().max() < 1e-6


def test_soft_labels_move_the_odds_to_those_of_the_judge():
    """At the minimum sigma(beta log ratio) is the label, so the odds move by a factor (p / (1 - p))^(1 / beta)."""
    start = torch.zeros(1, REPLIES, dtype=torch.float64)
    n = 200
    asked, first, second_ = np.zeros(n, int), np.zeros(n, int), np.full(n, 2)
    end = prefer(start, np.ones((1, 1)), asked, first, second_, np.full(n, 0.7), beta=0.5)
    p = probabilities(end, np.ones((1, 1)))[0]
    assert p[0] / p[2] == pytest.approx((0.7 / 0.3) ** 2, rel=0.02)
    with pytest.raises(ValueError, match="NaN"):
        prefer(start, np.ones((1, 1)), asked, first, second_, np.full(n, np.nan))


def test_the_judge_prefers_what_breaks_the_principle_less(world):
    policy = np.full((REQUESTS, REPLIES), 1 / REPLIES)
    pairs = judged(certain(world), world, policy, 4000, np.random.default_rng(0))
    assert set(pairs.requests) <= set(world.train)
    a, b = (STANCE[y] == HELPS for y in (pairs.first, pairs.second))
    safe = world.danger[pairs.requests] <= 0
    plain = (GOSSIP[pairs.first] == GOSSIP[pairs.second]) & a & b
    assert np.allclose(pairs.preferred[plain], 0.5)
    alike = GOSSIP[pairs.first] == GOSSIP[pairs.second]
    explains = (STANCE[pairs.second] == 1) & alike
    assert np.allclose(pairs.preferred[safe & a & explains], 0.5)
    assert pairs.preferred[~safe & a & explains].max() <= 0.5


def test_people_see_safe_requests_only_and_prefer_help(world):
    policy = np.full((REQUESTS, REPLIES), 1 / REPLIES)
    pairs = people_prefer(world, policy, 6000, np.random.default_rng(0))
    assert (world.danger[pairs.requests] <= 0).all()
    helped = (STANCE[pairs.first] == HELPS) & (STANCE[pairs.second] == ONLY_DECLINES)
    assert pairs.preferred[helped].mean() == pytest.approx(1 / (1 + np.exp(-2)), abs=0.04)


def test_second_stage_leaves_out_pairs_of_equal_replies(world):
    start = supervised(world, certain(world), 0, examples=300)
    policy = probabilities(start, world.features)
    pairs = judged(certain(world), world, policy, 300, np.random.default_rng(0))
    same = Pairs(pairs.requests, pairs.first, pairs.first, pairs.preferred)
    assert torch.allclose(second(world, start, pairs), second(world, start, together(pairs, same)), atol=1e-6)


def test_faultless_critics_teach_more_than_shuffled_ones(world):
    found = []
    for who in (certain(world), reader(world, 0, shuffled=True)):
        weights = supervised(world, who, 0)
        found.append(measured(world, probabilities(weights, world.features)).told_apart)
    assert found[0] > 0.93 and found[1] < 0.7


def test_two_sided_principles_have_the_same_words():
    for name in replies.PROPERTIES:
        for wording in replies.TWO_SIDED:
            a, b = (replies.principle(name, side, wording) for side in (0, 1))
            words = [sorted(t.replace(",", "").replace(".", "").split()) for t in (a, b)]
            assert a != b and words[0] == words[1]
    with pytest.raises(ValueError, match="properties are"):
        replies.principle("length", 0, replies.PLAIN[0])
    names = list(replies.PROPERTIES)
    assert sorted(map(replies.other_property, names)) == sorted(names)
    assert all(replies.other_property(name) != name for name in names)


def test_word_lists_know_the_pairs_that_were_written():
    for name in selfrevising.WORDS:
        for pair in replies.PROPERTIES[name].pairs:
            good, bad = (selfrevising.judge(name, pair, pair[k]) for k in (1, 2))
            assert (good.flaw, good.asked) == (False, True), pair
            assert (bad.flaw, bad.asked) == (True, False), pair
    with pytest.raises(ValueError, match="word list"):
        selfrevising.judge("manner", ("", "", ""), "")


def test_revisions_keep_the_old_reply_where_the_model_says_nothing(monkeypatch):
    monkeypatch.setattr(selfrevising, "generate", lambda lm, prompts, n: ["new\nmore", "  "])
    monkeypatch.setattr(selfrevising, "chat_prompt", lambda lm, text: text)
    after = selfrevising.revise_replies(None, ["a", "b"], ["x", "y"], ["p", "q"], selfrevising.by_program, 2)
    assert after == [["x", "y"], ["new", "y"], ["new", "y"]]
    with pytest.raises(ValueError, match="as many"):
        selfrevising.revise_replies(None, ["a"], ["x", "y"], ["p"], selfrevising.by_program, 1)


def test_the_letter_margin_separates_the_letter_from_the_reply(monkeypatch):
    def fake(lm, prompts, completions):
        """Likes the letter A by 1 nat, and the reply "good" by 0.2."""
        return [torch.tensor([1.0 + 0.2 * (1 if "(A): good" in p else -1), 0.0]) for p in prompts]

    monkeypatch.setattr(preferring, "logprobs", fake)
    monkeypatch.setattr(preferring, "chat_prompt", lambda lm, text: text)
    m = preferring.letter_margins(None, [("told", "asked", "good", "bad")])
    assert (m[0, 0] - m[0, 1]) / 2 == pytest.approx(0.2) and m.sum() / 2 == pytest.approx(1)


def test_reader_is_a_plain_value():
    assert Reader(np.zeros((1, 2)), 0.5).momentary == 0.5

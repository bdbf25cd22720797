"""Attacks without a search, the attack on embeddings, and the defenses."""

import numpy as np
import pytest
import torch
from alignlab.attacks.adversarial.continuous import complies_softly, nearest_words, soft_suffix, word_distance
from alignlab.attacks.adversarial.defenses import fluency_penalty, fluent, ordinary, smooth, surprise, threshold
from alignlab.attacks.adversarial.jailbreaks import at_least_one, best_of_n, power_law, prefill
from alignlab.attacks.adversarial.suffix import GuideVictim, search
from alignlab.toys import museum
from alignlab.toys.museum import SUFFIX, SUFFIX_WORDS, ask, complies, requests, small_talk


@pytest.fixture(scope="module")
def guide():
    return museum.teach_refusal(museum.learn(2), 2)


@pytest.fixture(scope="module")
def talk():
    return small_talk(8, SUFFIX, torch.Generator().manual_seed(0))


def generator():
    return torch.Generator().manual_seed(0)


def test_a_begun_answer_is_finished(guide, talk):
    assert prefill(guide, requests(0), talk).shape == (8, 8)
    assert prefill(guide, requests(0), talk).float().mean() > 0.8
    assert complies(guide, requests(0), talk).float().mean() < 0.05


def test_many_tries_break_what_one_does_not(guide):
    won = best_of_n(guide, requests(0), 300, generator())
    assert won.shape == (300, 8) and won.dtype == torch.bool
    assert won.float().mean() < 0.3 < won.any(0).float().mean()


def test_without_chance_every_try_is_the_same(guide):
    won = best_of_n(guide, requests(0), 20, generator(), words=0, temperature=0)
    assert torch.equal(won, won[:1].expand(20, -1))


@pytest.mark.parametrize(("successes", "tries", "n"), [(0, 10, 3), (1, 10, 1), (3, 10, 2), (9, 10, 5), (10, 10, 1)])
def test_at_least_one_counts_the_ways_to_choose(successes, tries, n):
    from itertools import combinations

    record = [i < successes for i in range(tries)]
    ways = [any(chosen) for chosen in combinations(record, n)]
    assert at_least_one(np.array([successes]), tries, n)[0] == pytest.approx(sum(ways) / len(ways))


def test_more_tries_than_were_recorded_are_refused():
    with pytest.raises(ValueError, match="n=11 tries can't be judged from 10"):
        at_least_one(np.array([3]), 10, 11)


def test_a_power_law_is_found_again():
    ns = [1, 2, 4, 8, 16]
    a, b = power_law(ns, [np.exp(-3 * n**-0.4) for n in ns])
    assert (a, b) == pytest.approx((3, 0.4))
    with pytest.raises(ValueError, match="between 0 and 1"):
        power_law(ns, [0.1, 0.2, 0.3, 0.9, 1.0])


def test_small_displacements_in_the_right_direction_are_enough(guide, talk):
    radius = 0.4 * word_distance(guide)
    moved = soft_suffix(guide, requests(0), talk[0], radius, steps=20)
    assert moved.shape == (8, SUFFIX, guide.config.d_model)
    assert moved.norm(dim=-1).max() <= radius * 1.001
    assert complies_softly(guide, requests(0), talk[0], moved).float().mean() > 0.8
    assert complies_softly(guide, requests(0), talk[0], 0 * moved).float().mean() < 0.05


def test_an_undisplaced_suffix_is_nearest_to_itself(guide, talk):
    still = torch.zeros(3, SUFFIX, guide.config.d_model)
    assert torch.equal(nearest_words(guide, talk[0], still), talk[0].expand(3, -1))


def test_surprise_is_the_mean_negative_log_probability_of_the_suffix(guide, talk):
    prompts = ask(requests(0), talk[:1])[0]
    with torch.no_grad():
        logprobs = guide(prompts).log_softmax(-1)
    one = -torch.stack([logprobs[0, 4 + i - 1, talk[0, i]] for i in range(SUFFIX)]).mean()
    assert surprise(guide, prompts)[0].item() == pytest.approx(one.item(), rel=1e-4)


def test_the_filter_turns_away_one_ordinary_request_in_a_hundred(guide):
    limit = threshold(guide, 5)
    assert fluent(guide, ordinary(5), limit).float().mean() == pytest.approx(0.99, abs=0.002)
    assert fluent(guide, ordinary(6), limit).float().mean() > 0.95
    noise = SUFFIX_WORDS[torch.randint(len(SUFFIX_WORDS), (50, SUFFIX), generator=generator())]
    assert fluent(guide, ask(requests(0), noise).flatten(0, 1), limit).float().mean() < 0.05


def test_the_penalty_keeps_a_search_below_the_filter(guide, talk):
    limit = threshold(guide, 5)
    asked = requests(0)[0]
    fined, free = (
        search(GuideVictim(guide, asked, penalty=penalty), talk[0], SUFFIX_WORDS, steps=30)
        for penalty in (fluency_penalty(limit), None)
    )
    with torch.no_grad():
        assert surprise(guide, ask(asked, fined.suffix[None])[0]) <= limit + 0.3
        assert surprise(guide, ask(asked, free.suffix[None])[0]) > limit


def test_copies_that_are_not_disturbed_vote_as_one(guide, talk):
    asked = requests(0)
    suffix = search(GuideVictim(guide, asked), talk[0], SUFFIX_WORDS, steps=20).suffix
    assert torch.equal(smooth(guide, asked, suffix, generator(), share=0.0), complies(guide, asked, suffix[None])[0])


def test_votes_leave_most_open_requests_answered(guide, talk):
    kept = [smooth(guide, requests(s, guarded=False), talk[s], generator(), share=0.2) for s in range(4)]
    assert torch.cat(kept).float().mean() > 0.85


def test_votes_fail_where_every_word_is_swapped(guide, talk):
    assert smooth(guide, requests(1, guarded=False), talk[1], generator(), share=1.0).float().mean() < 0.3

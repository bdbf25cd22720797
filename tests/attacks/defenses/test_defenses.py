"""The filters and the vote, and the searches of those who know them."""

import pytest
import torch
from alignlab.attacks.defenses.filters import fluency_penalty, fluent, ordinary, rarity, surprise, threshold
from alignlab.attacks.defenses.many import joined, searches
from alignlab.attacks.defenses.smoothing import VoteVictim, disturb, smooth
from alignlab.attacks.suffix import GuideVictim, search
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


def test_rarity_counts_rare_words(talk):
    words = talk[:1].clone()
    assert rarity(ask(requests(0), words)[0]).tolist() == [0.0] * 8
    words[0, :3] = torch.tensor([museum.ID[word] for word in museum.RARE[:3]])
    assert rarity(ask(requests(0), words)[0]).tolist() == [3.0] * 8


def test_the_share_of_swapped_words_is_the_one_asked_for():
    swapped, noise = disturb((100, 100), 0.3, generator())
    assert swapped.float().mean() == pytest.approx(0.3, abs=0.02)
    assert torch.isin(noise, torch.tensor([museum.ID[word] for word in museum.CHAT])).all()


def test_the_loss_through_the_vote_is_the_mean_over_the_copies(guide, talk):
    asked = requests(0)[0]
    victim = VoteVictim(guide, asked, copies=3, share=0.4, seed=5)
    prompt = ask(asked, talk[:1])[0, 0]
    swapped, noise = disturb((3, len(prompt) - 2), 0.4, torch.Generator().manual_seed(5))
    losses = []
    for row, words in zip(swapped, noise):
        copy = prompt.clone()
        copy[1:-1][row] = words[row]
        tokens = torch.cat([copy, torch.tensor([museum.ID["sure"]])])[None]
        with torch.no_grad():
            told = guide(tokens)[0, -2:].log_softmax(-1)
        losses.append(-(told[0, museum.ID["sure"]] + told[1, asked.answers[0]]).item())
    assert victim.losses(talk[:1]).item() == pytest.approx(sum(losses) / 3, rel=1e-3)


def test_without_disturbance_the_vote_is_the_guide(guide, talk):
    asked = requests(0)[0]
    through, plain = VoteVictim(guide, asked, share=0.0), GuideVictim(guide, asked)
    assert torch.allclose(through.losses(talk), plain.losses(talk), atol=1e-4)
    assert torch.allclose(through.gradient(talk[0]), plain.gradient(talk[0]), atol=1e-4)


def test_many_searches_find_what_single_ones_find(guide, talk):
    asked, seeds = requests(3)[:4], [5, 6, 7, 8]
    found = searches(GuideVictim(guide, asked), talk[:4], SUFFIX_WORDS, 12, seeds)
    for i, seed in enumerate(seeds):
        single = search(GuideVictim(guide, asked[i]), talk[i], SUFFIX_WORDS, 12, seed=seed)
        assert torch.equal(found[i], single.suffix)
    assert (found != talk[:4]).any(1).all()


def test_a_search_rests_where_its_loss_is_enough_and_the_others_go_on(guide, talk):
    asked = requests(3)[:4]
    victim = GuideVictim(guide, asked)
    starts = searches(victim, talk[:4], SUFFIX_WORDS, 6, [5, 6, 7, 8])
    losses = torch.stack([GuideVictim(guide, asked[i]).losses(starts[i : i + 1])[0] for i in range(4)])
    enough = losses.sort().values[:2].mean().item()
    later = searches(victim, starts, SUFFIX_WORDS, 10, [1, 2, 3, 4], enough=enough)
    rested = losses <= enough
    assert rested.sum() == 1 and torch.equal(later[rested], starts[rested])
    assert (later[~rested] != starts[~rested]).any()


def test_many_searches_through_the_vote_lower_its_loss(guide, talk):
    victim = VoteVictim(guide, requests(3)[:3], copies=3, share=0.3)
    found = searches(victim, talk[:3], SUFFIX_WORDS, 8, [1, 2, 3])

    def mean(suffixes):
        prompts = ask(joined(victim.requests, suffixes), torch.empty(1, 0, dtype=torch.long))
        with torch.no_grad():
            return victim._losses(prompts).mean()

    assert mean(found) < mean(talk[:3]) - 0.5


def test_many_searches_say_what_does_not_fit(guide, talk):
    victim = GuideVictim(guide, requests(3)[:4])
    with pytest.raises(ValueError, match="2 seeds for 4 requests"):
        searches(victim, talk[:4], SUFFIX_WORDS, 1, [1, 2])
    with pytest.raises(ValueError, match="starts"):
        searches(victim, talk[:3], SUFFIX_WORDS, 1, [1, 2, 3, 4])


def test_joined_requests_are_answered_as_with_their_suffix(guide, talk):
    asked = requests(3)
    told = complies(guide, joined(asked, talk), torch.empty(1, 0, dtype=torch.long))[0]
    assert torch.equal(told, torch.stack([complies(guide, asked[i], talk[i : i + 1])[0, 0] for i in range(8)]))


@pytest.mark.parametrize(
    "call, complaint",
    [
        (lambda guide, asked: surprise(guide, ask(asked, torch.empty(1, 0, dtype=torch.long))[0]), "say nothing after"),
        (lambda guide, asked: threshold(guide, 0, 1.5), "turned_away=1.5 must be a share"),
        (lambda guide, asked: ordinary(0, rare=-0.2), "rare=-0.2 must be a share"),
        (lambda guide, asked: smooth(guide, asked, talk_of(5), generator(), copies=0), "copies=0: a vote needs one"),
        (lambda guide, asked: smooth(guide, asked, talk_of(5), generator(), share=float("nan")), "share=nan must be"),
        (lambda guide, asked: VoteVictim(guide, asked, copies=0), "copies=0: a vote needs one"),
        (lambda guide, asked: VoteVictim(guide, asked, share=-1), "share=-1 must be a share"),
    ],
)
def test_what_a_filter_or_a_vote_cannot_judge_is_refused(guide, call, complaint):
    with pytest.raises(ValueError, match=complaint):
        call(guide, requests(0))


def talk_of(length):
    return small_talk(1, length, generator())[0]

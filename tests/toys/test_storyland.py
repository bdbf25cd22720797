"""Storyland: masks, sampling against the model's own probabilities, exact divergences, and a taste that is known."""

import itertools

import pytest
import torch
from alignlab.outer.story_reward import reward_model
from alignlab.toys.storyland import (
    END,
    LENGTH,
    PAD,
    VOCAB,
    Stories,
    answer_mask,
    clone,
    entropy,
    kl_to,
    logprobs,
    sample,
    task,
    text,
    word_counts,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def story(words):
    ids = [VOCAB.index(word) for word in words.split()]
    tokens = torch.tensor([ids + [PAD] * (LENGTH - len(ids))])
    return Stories(tokens, answer_mask(tokens))


@pytest.fixture(scope="module")
def world():
    return task(0)


def test_mask_covers_the_answer_and_its_full_stop():
    tokens, mask = story("mia finds cake . sees sees")
    assert mask[0].tolist() == [False, True, True, True] + [False] * (LENGTH - 4)
    assert text(tokens) == ["mia finds cake ."]
    assert not word_counts(tokens, mask)[0, VOCAB.index("mia")]
    assert word_counts(tokens, mask).sum() == 3


def test_sampling_follows_the_models_distribution(world):
    heroes = torch.full((6000,), VOCAB.index("fox"))
    tokens, _ = sample(world.sft, 6000, generator(), heroes=heroes)
    p = world.sft(heroes[:1, None])[0, -1].softmax(-1)
    seen = torch.bincount(tokens[:, 1], minlength=len(VOCAB)) / 6000
    assert (seen - p).abs().max() < 0.025
    cold, _ = sample(world.sft, 6000, generator(), heroes=heroes, temperature=0.2)
    assert (cold[:, 1] == p.argmax()).float().mean() > p.max()


class Plain(torch.nn.Module):
    """The same model, of which the sampler knows nothing but its logits."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, tokens):
        return self.model(tokens)


@pytest.mark.parametrize("temperature", [0.0, 0.4, 1.0])
def test_keys_and_values_kept_draw_the_same_stories(world, temperature):
    for n in (1, 3, 2000):
        drawn = [
            sample(model, n, generator(2), temperature=temperature, opening=opening)
            for opening in (None, torch.full((n,), VOCAB.index("and")))
            for model in (world.sft, Plain(world.sft))
        ]
        for a, b in (drawn[:2], drawn[2:]):
            assert torch.equal(a.tokens, b.tokens)
            assert torch.equal(a.mask, b.mask)


def test_nothing_stands_after_the_end_and_rows_repeat_with_the_seed(world):
    tokens, mask = sample(world.sft, 200, generator(1))
    assert (tokens[:, 1:][~mask[:, 1:]] == PAD).all() and (tokens[mask] != PAD).all()
    assert torch.equal(tokens, sample(world.sft, 200, generator(1)).tokens)


def test_log_probabilities_add_up_to_one_over_all_second_words(world):
    rows = [[2, word, END] + [PAD] * (LENGTH - 3) for word in range(len(VOCAB))]
    tokens = torch.tensor(rows)
    mask = torch.zeros_like(tokens, dtype=torch.bool)
    mask[:, 1] = True
    logp = logprobs(world.sft, tokens, mask)
    assert float(logp.sum(1).exp().sum()) == pytest.approx(1, abs=1e-5)
    assert not logp[:, 2:].any()


def test_divergence_is_zero_to_itself_and_agrees_with_log_ratios(world):
    assert kl_to(world.sft, world.sft, 100, generator()) == 0
    stories = sample(world.sft, 20_000, generator(1))
    ratio = (logprobs(world.sft, *stories) - logprobs(world.base, *stories)).sum(1)
    assert kl_to(world.sft, world.base, 20_000, generator(2)) == pytest.approx(float(ratio.mean()), abs=0.04)


def test_entropy_of_a_uniform_model_is_that_of_the_vocabulary(world):
    uniform = clone(world.sft)
    torch.nn.init.zeros_(uniform.unembed.weight)
    assert entropy(uniform, 50, generator()) == pytest.approx(torch.tensor(float(len(VOCAB))).log().item(), abs=1e-5)


def test_gold_is_standardized_and_dislikes_repetition_rambling_and_broken_grammar(world):
    gold = world.gold(*sample(world.sft, 4000, generator(3)))
    assert abs(gold.mean()) < 0.06 and abs(gold.std() - 1) < 0.06
    once, twice = world.gold(*story("mia finds cake .")), world.gold(*story("mia finds cake and finds cake ."))
    broken = world.gold(*story("mia cake finds ."))
    assert once > twice and once - world.pair_values[VOCAB.index("finds"), VOCAB.index("cake")] / world.std > broken
    unfinished = story("mia finds cake")
    assert world.gold(unfinished.tokens, story("mia finds cake .").mask) < once


def test_gold_depends_on_the_hero(world):
    values = {
        hero: float(world.gold(*story(f"{hero} smiles and sees {thing} .")))
        for hero, thing in itertools.product(("mia", "tom", "fox", "owl"), ("cake",))
    }
    liked = {hero: float(world.favorite[VOCAB.index(hero), VOCAB.index("cake")]) for hero in values}
    for a, b in itertools.combinations(values, 2):
        assert values[a] - values[b] == pytest.approx((liked[a] - liked[b]) / world.std, abs=1e-4)


def test_demonstrations_raise_the_gold_reward_in_every_world(world):
    for w in (world, task(1)):
        assert w.gold(*sample(w.base, 2000, generator())).mean() < -0.3
    assert task(0) is world and not torch.equal(world.words, task(1).words)
    assert not any(p.requires_grad for p in world.sft.parameters())


def test_picks_follow_the_taste_and_noise_is_a_coin(world):
    (careful, other), (chosen, rejected) = (world.pairs(4000, generator(4), noise=noise) for noise in (0.0, 1.0))
    assert torch.equal(careful.tokens[:, 0], other.tokens[:, 0])
    better = (world.gold(*careful) > world.gold(*other)).float().mean()
    coin = (world.gold(*chosen) > world.gold(*rejected)).float().mean()
    assert better > 0.72 and abs(coin - 0.47) < 0.06  # ties count as not better


def test_reward_model_agrees_with_new_picks(world):
    model = reward_model(world.sft, *world.pairs(1000, generator(5)), seed=0)
    chosen, rejected = world.pairs(2000, generator(6))
    assert (model(*chosen) > model(*rejected)).float().mean() > 0.6
    assert not model(*chosen).requires_grad and len(model(*chosen)) == 2000

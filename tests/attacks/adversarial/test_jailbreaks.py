"""Attacks without a search, and the attack on embeddings."""

import numpy as np
import pytest
import torch
from alignlab.attacks.adversarial.continuous import (
    complies_softly,
    nearest_words,
    random_nudges,
    soft_suffix,
    word_distance,
)
from alignlab.attacks.adversarial.jailbreaks import (
    at_least_one,
    best_of_n,
    many_shot,
    power_law,
    random_suffixes,
)
from alignlab.attacks.prefilling import prefill
from alignlab.lm import chat_prompt
from alignlab.toys import museum
from alignlab.toys.museum import SUFFIX, complies, requests, small_talk


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


def test_other_beginnings_do_not_help(guide, talk):
    assert prefill(guide, requests(0), talk, begin="room1").float().mean() < 0.1


def test_tries_can_be_altered_by_small_talk(guide):
    won = best_of_n(guide, requests(0), 50, generator(), words=4, draw=small_talk, temperature=0)
    again = best_of_n(guide, requests(0), 50, generator(), words=4, draw=small_talk, temperature=0)
    assert won.shape == (50, 8) and torch.equal(won, again)


def test_random_suffixes_hold_rare_words_too():
    drawn = random_suffixes(50, SUFFIX, generator())
    rare = torch.tensor([museum.ID[word] for word in museum.RARE])
    assert drawn.shape == (50, SUFFIX) and 0.5 < torch.isin(drawn, rare).float().mean() < 1


def test_one_shared_displacement_lowers_the_loss_of_all_requests(guide, talk):
    radius = 0.4 * word_distance(guide)
    moved = soft_suffix(guide, requests(0), talk[0], radius, steps=20, shared=True)
    assert moved.shape == (1, SUFFIX, guide.config.d_model)
    assert complies_softly(guide, requests(0), talk[0], moved).float().mean() > 0.8


def test_the_best_of_more_random_displacements_is_at_least_as_good(guide, talk):
    from alignlab.attacks.adversarial.continuous import _logits, _targets

    def lacks(tries):
        moved = random_nudges(guide, requests(0), talk[0], 0.3, tries, generator())
        assert torch.allclose(moved.norm(dim=-1), torch.tensor(0.3))
        logits = _logits(guide, requests(0), talk[0], moved).transpose(1, 2)
        return torch.nn.functional.cross_entropy(logits, _targets(requests(0)), reduction="none").sum(1)

    assert (lacks(8) <= lacks(1) + 1e-5).all()


def test_one_pass_gives_the_nll_of_each_answer(chat_model):
    shots = [("Say tree.", "Aye, tree!"), ("Say sea.", "Aye, sea!"), ("Say sun.", "Sun.")]
    found = many_shot(chat_model, shots)
    turns = []
    for (question, answer), lacks in zip(shots, found):
        turns.append({"role": "user", "content": question})
        before, told = (
            chat_model.tokenizer(text, add_special_tokens=False)["input_ids"]
            for text in (chat_prompt(chat_model, turns), answer)
        )
        logits = chat_model.model(torch.tensor([before + told])).logits[0, len(before) - 1 : -1]
        one = torch.nn.functional.cross_entropy(logits, torch.tensor(told), reduction="sum").item()
        assert lacks == pytest.approx(one, rel=1e-3)
        turns.append({"role": "assistant", "content": answer})
    with pytest.raises(ValueError, match="no shots"):
        many_shot(chat_model, [])


@pytest.fixture(scope="module")
def chat_model():
    """SmolLM2's tokenizer with a small random body."""
    from alignlab.assets import fetch
    from alignlab.lm import LM
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(fetch("smollm2-135m-instruct"))
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "initializer_range": 0.3}
    config = LlamaConfig(vocab_size=49152, num_attention_heads=4, num_key_value_heads=2, **shape)
    model = LlamaForCausalLM(config).eval().requires_grad_(False)
    return LM(model, tokenizer, "random", torch.device("cpu"), 2, 32)

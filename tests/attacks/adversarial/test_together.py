"""Searches side by side find what each finds alone."""

import pytest
import torch
from alignlab.attacks.adversarial.together import search_all, side_by_side, stacked
from alignlab.attacks.adversarial.universal import universal_search
from alignlab.attacks.suffix import GuideVictim, gradient_words, one_position_words, random_words, search
from alignlab.toys import museum
from alignlab.toys.museum import SUFFIX, SUFFIX_WORDS, requests, small_talk


@pytest.fixture(scope="module")
def victims():
    naive = museum.learn(1, steps=60)
    guides = [naive, museum.teach_refusal(naive, 1, steps=60)]
    return [GuideVictim(model, requests(3)[i]) for model in guides for i in range(2)]


@pytest.fixture(scope="module")
def starts():
    return small_talk(4, SUFFIX, torch.Generator().manual_seed(0))


def test_losses_and_gradients_are_each_victims_own(victims, starts):
    crowd = stacked(victims)
    swaps = torch.stack([starts, starts.flip(1)], 1)
    losses = torch.stack([victim.losses(s) for victim, s in zip(victims, swaps)])
    torch.testing.assert_close(crowd.losses(swaps), losses, rtol=1e-4, atol=1e-5)
    slopes = torch.stack([victim.gradient(s) for victim, s in zip(victims, starts)])
    torch.testing.assert_close(crowd.gradients(starts), slopes, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("propose", [gradient_words, one_position_words, random_words])
@pytest.mark.parametrize("enough", [0.0, 0.5])
def test_each_search_takes_the_path_that_it_takes_alone(victims, starts, propose, enough):
    seeds = [5, 6, 7, 7]
    found = search_all(victims, starts, SUFFIX_WORDS, 12, 8, seeds=seeds, propose=propose, enough=enough)
    for victim, start, seed, path in zip(victims, starts, seeds, found):
        alone = search(victim, start, SUFFIX_WORDS, 12, 8, seed=seed, propose=propose, enough=enough)
        assert torch.equal(path, alone.path)


def test_what_cannot_stand_side_by_side_is_refused(victims, starts):
    with pytest.raises(ValueError, match="one each"):
        search_all(victims, starts[:3], SUFFIX_WORDS, 1, seeds=[0] * 4)
    with pytest.raises(ValueError, match="several requests"):
        stacked([GuideVictim(victims[0].model, requests(0))])


def test_a_search_on_several_asks_each_the_same(victims, starts):
    found = [
        universal_search(asked, lambda m, suffix: True, starts[0], SUFFIX_WORDS, 8)
        for asked in (victims, side_by_side(victims))
    ]
    assert torch.equal(*found)

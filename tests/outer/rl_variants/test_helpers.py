"""Helpers of a frozen model: the policy finds the best choice, the editor edits, and sources are ranked."""

import pytest
import torch
from alignlab.outer.rl_variants.helpers import (
    CRITIQUES,
    HINTS,
    draw,
    learn_helper,
    rank_by_source,
    revise,
    story_features,
)
from alignlab.toys.storyland import LENGTH, PAD, VOCAB, Stories, answer_mask, sample, task, text


def story(*rows):
    ids = [[VOCAB.index(word) for word in row.split()] for row in rows]
    tokens = torch.tensor([row + [PAD] * (LENGTH - len(row)) for row in ids])
    return Stories(tokens, answer_mask(tokens))


def test_a_helper_learns_what_is_best_in_each_situation():
    best = torch.tensor([2, 0, 1, 2])
    policy = learn_helper(
        3,
        lambda step, generator: torch.eye(4),
        lambda choice, generator: (choice == best.repeat_interleave(4)).float(),
        seed=0,
        n=4,
    )
    assert policy(torch.eye(4)).argmax(1).tolist() == best.tolist()


def test_draws_follow_the_logits():
    p = torch.tensor([[0.1, 0.2, 0.7]])
    seen = torch.bincount(draw(p.log(), 20_000, torch.Generator().manual_seed(0))[0], minlength=3) / 20_000
    assert (seen - p[0]).abs().max() < 0.01


def test_the_editor_replaces_the_first_word_of_the_critiques_kind():
    draft = story("mia finds cake and finds ball .", "tom smiles .")
    cake = torch.tensor([CRITIQUES.index("song"), CRITIQUES.index("song")])
    assert text(revise(draft, cake).tokens) == ["mia finds song and finds ball .", "tom smiles ."]
    fine = torch.full((2,), CRITIQUES.index("fine"))
    assert torch.equal(revise(draft, fine).tokens, draft.tokens)


def test_features_tell_hero_and_words():
    features = story_features(story("tom finds cake ."))
    assert features[0, :4].tolist() == [0, 1, 0, 0] and features[0].sum() == 1 + 3


def test_openings_are_put_there():
    world = task(0)
    word = VOCAB.index(HINTS[3])
    tokens, mask = sample(world.sft, 12, torch.Generator().manual_seed(0), opening=torch.full((12,), word))
    assert (tokens[:, 1] == word).all() and mask[:, 1].all()


def test_sources_are_ranked_in_the_order_given():
    a, b, c = (story(row) for row in ("mia finds cake .", "mia sees cake .", "mia cries ."))
    ranked = rank_by_source([a, b, c])
    assert ranked.shape == (1, 3, len(VOCAB))
    assert ranked[0, :, VOCAB.index("finds")].tolist() == [1, 0, 0]
    assert ranked[0, :, VOCAB.index("cake")].tolist() == [1, 1, 0]
    with pytest.raises(ValueError, match="same prompt"):
        rank_by_source([a, story("tom smiles .")])

"""Text feedback: critics, refinements, marks, edits and societies by hand, and the formula of self-debiasing."""

import pytest
import torch
from alignlab.outer.text_feedback.edits import (
    DELETE,
    DONE,
    INSERT,
    MOST,
    REPLACE,
    Edit,
    align,
    apply,
    edit_chains,
    revise,
    second_thoughts,
)
from alignlab.outer.text_feedback.hindsight import BAD, GOOD, chain, with_marks, write_after
from alignlab.outer.text_feedback.selfdebias import debias
from alignlab.outer.text_feedback.society import ratings
from alignlab.outer.text_feedback.textfeedback import (
    average_gold,
    best_and_worst,
    careless_critic,
    critic,
    imitate,
    refine,
    rewrite,
)
from alignlab.toys import storyland
from alignlab.toys.storyland import END, LENGTH, PAD, VOCAB, Stories, task

ID = {word: i for i, word in enumerate(VOCAB)}


def told(*lines):
    rows = [[ID[word] for word in line.split()] for line in lines]
    tokens = torch.tensor([row + [PAD] * (LENGTH - len(row)) for row in rows])
    return Stories(tokens, storyland.answer_mask(tokens))


@pytest.fixture(scope="module")
def world():
    return task(0)


@pytest.fixture(scope="module")
def stories(world):
    return storyland.sample(world.sft, 200, torch.Generator().manual_seed(0))


def test_following_the_critic_improves_stories_and_the_careless_one_does_not(world, stories):
    generator = torch.Generator().manual_seed(1)
    gains = []
    for judge in (critic, careless_critic):
        less, more = judge(world, stories, generator)
        changed = stories.tokens.clone()
        rows = torch.arange(len(changed))
        place = (changed == less[:, None]).long().argmax(1)
        assert (changed[rows, place] == less).all() and (less != more).all()
        changed[rows, place] = more
        gains.append(float((world.gold(changed, stories.mask) - world.gold(*stories)).mean()))
    assert gains[0] > 0.5 > gains[1]


def test_rewriting_keeps_what_stands_before_and_ends(world, stories):
    start = torch.full((200,), 3)
    written = rewrite(world.sft, stories.tokens, start, torch.Generator().manual_seed(2))
    assert torch.equal(written[:, :3], stories.tokens[:, :3])
    finished = (written == END).any(1)
    assert finished.float().mean() > 0.9
    after = written[finished] * ((written[finished] == END).long().cumsum(1) > 0)
    assert set(after.unique().tolist()) <= {PAD, END}


def test_refinements_follow_the_advice_more_often_with_more_tries(world, stories):
    feedback = critic(world, stories, torch.Generator().manual_seed(3))
    there = [
        float((refine(world.sft, stories, feedback, torch.Generator().manual_seed(4), tries).tokens
               == feedback.more[:, None]).any(1).float().mean())
        for tries in (1, 8)
    ]  # fmt: skip
    assert there[1] > there[0] + 0.15


def test_imitation_moves_toward_what_is_shown(world):
    best, worst = best_and_worst(world, world.sft, 400, 8, torch.Generator().manual_seed(5))
    assert torch.equal(best.tokens[:, 0], worst.tokens[:, 0])
    assert world.gold(*best).mean() > world.gold(*worst).mean() + 1
    moved = average_gold(world, imitate(world.sft, best, seed=0), 0)
    assert moved > average_gold(world, world.sft, 0) + 0.3


def test_a_model_with_marks_writes_as_before_until_it_is_trained(world, stories):
    wide = with_marks(world.sft)
    logits = wide(stories.tokens)[..., : len(VOCAB)]
    assert torch.allclose(logits, world.sft(stories.tokens), atol=1e-5)
    assert write_after(wide, GOOD, 8, torch.Generator().manual_seed(6)).tokens.shape == (8, LENGTH)


def test_a_chain_holds_both_stories_after_their_marks():
    first, second = told("mia finds cake ."), told("mia cries .")
    tokens, mask = chain(first, second, torch.tensor([[BAD, GOOD]]))
    assert tokens.shape == (1, 2 * LENGTH + 1)
    assert tokens[0, 1] == BAD and tokens[0, LENGTH + 1] == GOOD
    assert tokens[0][mask[0]].tolist() == [ID[w] for w in ["finds", "cake", ".", "cries", "."]]


@pytest.mark.parametrize(
    "source, target, steps",
    [
        ("mia finds cake .", "mia finds song .", [Edit(REPLACE, ID["cake"], ID["song"])]),
        (
            "mia finds cake and cries .",
            "mia finds cake .",
            [Edit(DELETE, ID["and"], PAD), Edit(DELETE, ID["cries"], PAD)],
        ),
        ("mia cries .", "mia then cries .", [Edit(INSERT, ID["mia"], ID["then"])]),
        ("mia cries .", "mia cries .", []),
    ],
)
def test_alignment_by_hand(source, target, steps):
    a, b = ([ID[w] for w in line.split()] for line in (source, target))
    assert align(a, b) == steps
    assert apply(a, steps) == b


def test_alignment_needs_the_same_hero_and_missing_places_are_passed_over():
    with pytest.raises(ValueError, match="same word"):
        align([ID["mia"], END], [ID["tom"], END])
    assert apply([ID["mia"], END], [Edit(REPLACE, ID["cake"], ID["song"])]) == [ID["mia"], END]


def test_chains_lead_to_the_revision_which_readers_like_better(world, stories):
    better = revise(world, stories)
    assert (world.gold(*better) >= world.gold(*stories) - 1e-5).all()
    chains, rows = edit_chains(stories, better)
    assert len(rows) > 100 and chains.shape[1] == LENGTH + 3 * MOST + 1

    class Oracle(torch.nn.Module):
        def forward(self, text):
            return torch.nn.functional.one_hot(chains[:, text.shape[1]], DONE + 1).float()[:, None]

    edited = second_thoughts(Oracle(), Stories(stories.tokens[rows], stories.mask[rows]))
    assert torch.equal(edited.tokens, better.tokens[rows])


def test_ratings_average_whims_and_without_neighbors_hold_no_taste(world, stories):
    generator, gold = torch.Generator().manual_seed(7), world.gold(*stories)

    def follows(neighbors):
        rated = ratings(world, stories, neighbors, generator)
        return float(torch.corrcoef(torch.stack([rated, gold]))[0, 1])

    assert follows(50) > 0.95 > follows(1) + 0.1
    assert abs(follows(0)) < 0.25


def test_debiasing_by_hand():
    plain, described = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([0.2, 0.3, 0.5])
    weights = torch.tensor([0.5, 0.3, 0.2 * torch.e ** (10 * -0.3)])
    assert torch.allclose(debias(plain, described, 10.0), weights / weights.sum(), atol=1e-6)
    assert torch.allclose(debias(plain, described, 0.0), plain)
    with pytest.raises(ValueError, match="decay=-1"):
        debias(plain, described, -1)

"""Text feedback: critics, refinements, marks, edits and societies by hand, and the formula of self-debiasing."""

import pytest
import torch
from alignlab.outer.text_feedback.edits import (
    DELETE,
    INSERT,
    MOST,
    REPLACE,
    Edit,
    align,
    apply,
    carried_out,
    edit_chains,
    learn_edits,
    nearest_edits,
    revise,
    second_thoughts,
)
from alignlab.outer.text_feedback.hindsight import BAD, GOOD, chain, with_marks, write_after
from alignlab.outer.text_feedback.selfdebias import (
    avoiding_kl,
    debias,
    debias_by_ratio,
    next_distributions,
    write_avoiding,
)
from alignlab.outer.text_feedback.society import SCALE, exchange, live, ratings, stable_loss
from alignlab.outer.text_feedback.textfeedback import (
    Average,
    average_gold,
    best_and_worst,
    borrowed_critic,
    careless_critic,
    critic,
    imitate,
    liking,
    others_stories,
    picked,
    refine,
    rewrite,
    silent_critic,
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
    edited = carried_out(Stories(stories.tokens[rows], stories.mask[rows]), chains[:, LENGTH:])
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


def test_debiasing_by_ratio_by_hand_and_rare_words_fall_as_much():
    plain, described = torch.tensor([0.5, 0.498, 0.002]), torch.tensor([0.4, 0.596, 0.004])
    weights = plain * torch.tensor([1.0, (0.498 / 0.596) ** 2, 0.25])
    assert torch.allclose(debias_by_ratio(plain, described, 2.0), weights / weights.sum(), atol=1e-6)
    assert torch.allclose(debias_by_ratio(plain, described, 0.0), plain)
    assert debias(plain, described, 50.0)[2] > plain[2] > 2 * debias_by_ratio(plain, described, 2.0)[2]
    with pytest.raises(ValueError, match="power=-1"):
        debias_by_ratio(plain, described, -1)


def test_a_copy_that_likes_the_same_moves_nothing_and_another_does(world, stories):
    assert avoiding_kl(world.sft, world.sft, 30.0, stories) == pytest.approx(0, abs=1e-6)
    _, worst = best_and_worst(world, world.sft, 200, 8, torch.Generator().manual_seed(8))
    copy = imitate(world.sft, worst, seed=0)
    written = write_avoiding(world.sft, copy, 30.0, 400, torch.Generator().manual_seed(9))
    assert avoiding_kl(world.sft, copy, 30.0, written) > 0.2


def test_a_borrowed_critique_is_of_another_story_about_the_same_hero(world, stories):
    own = critic(world, stories, torch.Generator())
    borrowed = borrowed_critic(world, stories, torch.Generator())
    assert torch.equal(borrowed.more[4:], own.more[:-4]) and torch.equal(borrowed.less[:4], own.less[-4:])
    assert torch.equal(stories.tokens[4:, 0], stories.tokens[:-4, 0])


def test_a_silent_critic_leaves_nothing_to_pick_by(world, stories):
    """The refinement is then a new story about the same hero: the first of the tries."""
    advice = silent_critic(world, stories, torch.Generator())
    refined = refine(world.sft, stories, advice, torch.Generator().manual_seed(6), 4)
    anew = rewrite(
        world.sft,
        stories.tokens.repeat(4, 1),
        torch.ones(800, dtype=torch.long),
        torch.Generator().manual_seed(6),
    )
    assert torch.equal(refined.tokens, anew[:200])
    assert (refined.tokens != stories.tokens).any(1).float().mean() > 0.5


def test_of_each_group_the_best_is_picked_and_smaller_groups_give_more(world):
    generator = torch.Generator().manual_seed(10)
    tokens = others_stories(40, 8, generator)
    assert tokens.shape == (8, 40, LENGTH)
    assert (tokens[:, :, 0] == tokens[:1, :, 0]).all()
    scores = torch.rand(8, 40, generator=generator)
    best = picked(tokens, scores)
    assert torch.equal(best.tokens[7], tokens[scores[:, 7].argmax(), 7])
    quarters = picked(tokens, scores, of=2)
    assert quarters.tokens.shape == (160, LENGTH)
    assert torch.equal(quarters.tokens[40], tokens[2 + int(scores[2:4, 0].argmax()), 0])
    with pytest.raises(ValueError, match="groups of 8"):
        picked(tokens, scores, of=3)
    with pytest.raises(ValueError, match="1 times 200"):
        others_stories(200, 1, generator)
    liked = picked(tokens, liking(world, tokens, generator))
    assert world.gold(*liked).mean() > world.gold(*picked(tokens, scores)).mean() + 0.5


def test_other_writers_tell_what_the_base_model_finds_unlikely(world):
    def likelihood(stories):
        logp = storyland.logprobs(world.base, *stories)
        return float(logp.sum() / stories.mask.sum())

    tokens = others_stories(192, 1, torch.Generator().manual_seed(11))[0]
    own = storyland.sample(world.base, 200, torch.Generator().manual_seed(11))
    assert likelihood(Stories(tokens, storyland.answer_mask(tokens))) < likelihood(own) - 0.1


def test_the_loss_of_stable_alignment_by_hand():
    nll = torch.tensor([[2.0, 1.0, 3.0]])
    rated = torch.tensor([[4.0, 0.5, -3.0]])
    # the first is best: the others are as likely in the mean, 2.0, and rated 3.5 and 7 lower
    hinge = (3.5 + 7.0) / 2 / SCALE
    assert float(stable_loss(nll, rated, weight=0.5)) == pytest.approx(2.0 + 0.5 * hinge)
    assert float(stable_loss(nll, rated, weight=0.0)) == pytest.approx(2.0)
    far = torch.tensor([[2.0, 9.0, 9.0]])
    assert float(stable_loss(far, rated, weight=0.5)) == pytest.approx(2.0)


def test_a_society_records_every_version_of_each_hero(world):
    record = exchange(world, world.sft, torch.Generator().manual_seed(12), 4, 16, 3)
    assert record.tokens.shape == (4, 16, LENGTH) and record.ratings.shape == (4, 16)
    assert (record.tokens[:, :, 0] == record.tokens[:, :1, 0]).all()
    assert len(record.tokens[:, 0, 0].unique()) == 4


def test_a_shared_prejudice_raises_ratings_of_its_word_alone(world, stories):
    prejudice = torch.zeros(len(VOCAB))
    prejudice[ID["cries"]] = 2.0
    plain, judged = (
        ratings(world, stories, 4, torch.Generator().manual_seed(13), prejudice=p) for p in (None, prejudice)
    )
    there = (stories.tokens == ID["cries"]).any(1)
    assert torch.allclose(judged - plain, 2.0 * there.float(), atol=1e-5)


def test_raters_of_another_world_raise_a_model_less(world):
    own, other = (average_gold(world, live(world, 0, rounds=1, raters=r), 0) for r in (None, task(1)))
    assert own > other + 0.2


def test_edits_are_tied_to_their_story_and_a_look_up_does_as_much(world):
    generator = torch.Generator().manual_seed(14)
    draft, new = (storyland.sample(world.sft, 500, generator) for _ in range(2))
    chains, rows = edit_chains(draft, revise(world, draft))
    known = Stories(draft.tokens[rows], draft.mask[rows])
    shuffled = chains.clone()
    order = torch.randperm(len(chains), generator=generator)
    shuffled[:, LENGTH:] = chains[order, LENGTH:]

    def gain(edited):
        return float((world.gold(*edited) - world.gold(*new)).mean())

    own, mixed = (gain(second_thoughts(learn_edits(c, 0), new)) for c in (chains, shuffled))
    assert own > mixed + 0.4
    assert gain(nearest_edits(known, chains, new)) > own - 0.5
    assert torch.equal(nearest_edits(known, chains, known).tokens, revise(world, known).tokens)


def test_what_stands_before_is_read_once_and_gives_the_same():
    from alignlab.lm import load_lm

    lm = load_lm("smollm2-135m-instruct")
    texts, before = ["The weather today is", "My friend and I", "So"], "A line that stands in front:\n"
    apart = next_distributions(lm, texts, before)
    joined = next_distributions(lm, [before + text for text in texts])
    assert torch.allclose(apart, joined, atol=1e-4)


def test_weights_are_averaged_over_the_second_half_of_the_steps():
    model = torch.nn.Linear(1, 1, bias=False)
    average = Average(4)
    for step, weight in enumerate([7.0, 7.0, 1.0, 3.0]):
        model.weight.data.fill_(weight)
        average.note(model, step)
    model.weight.data.fill_(9.0)
    average.put_into(model)
    assert float(model.weight.detach()) == 2.0


def test_what_is_written_word_by_word_is_what_the_whole_model_writes(world, stories):
    def seeded():
        return torch.Generator().manual_seed(12)

    told = storyland.sample(world.sft, 200, seeded())
    anew = rewrite(world.sft, stories.tokens, torch.ones(200, dtype=torch.long), seeded())
    assert torch.equal(anew, told.tokens)
    twice = seeded()
    storyland.sample(world.sft, 200, twice)
    told = storyland.sample(world.sft, 200, twice)
    avoiding = write_avoiding(world.sft, world.sft, 30.0, 200, seeded())  # nothing to avoid
    assert torch.equal(avoiding.tokens, told.tokens)
    wide = with_marks(world.sft)
    after = write_after(wide, BAD, 40, seeded()).tokens
    u = torch.rand(40, LENGTH + 1, dtype=torch.float64, generator=seeded())
    text = torch.cat([after[:, :1], torch.full((40, 1), BAD), after[:, 1:]], 1)
    p = wide(text)[:, 1:-1, : len(VOCAB)].double().softmax(-1).cumsum(-1)
    word = (p < u[:, 2:, None] * p[..., -1:]).sum(-1)
    there = storyland.answer_mask(after)[:, 1:]
    assert torch.equal(word[there], after[:, 1:][there])

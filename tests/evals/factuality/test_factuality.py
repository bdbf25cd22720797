"""The modules of `alignlab.evals.factuality`, held against known values."""

import itertools
import math

import numpy as np
import pytest
from alignlab.evals.factuality import (
    choices,
    consistency,
    correcting,
    lengths,
    pipeline,
    stages,
    world,
    writer,
)


@pytest.fixture(scope="module")
def library():
    return pipeline.shelve(world.draw_world(7, 60))


@pytest.fixture(scope="module")
def texts(library):
    told, _ = writer.tell(writer.learn(library.world, 1000, 7), 7)
    return writer.write(library.world, told, 7)


def test_every_fact_stands_on_its_persons_page(library):
    small = library.world
    for person in range(60):
        own = np.flatnonzero(small.page == person)
        page = " ".join(small.passages[i] for i in own)
        assert (small.holds[own].sum(0) == 1).all()
        for attribute in range(6):
            said = world.value(attribute, small.truth[person, attribute])
            assert said in page


def test_a_world_needs_people():
    with pytest.raises(ValueError, match="people"):
        world.draw_world(0, 1)


def test_a_writer_believes_in_chances_and_learns_what_it_reads(library):
    little = writer.learn(library.world, 100, 0)
    much = writer.learn(library.world, 100_000, 0)
    right = []
    for belief in (little, much):
        rows = np.arange(60)
        for chance in belief:
            assert np.allclose(chance.sum(1), 1)
        right.append(belief[1][rows, library.world.truth[:, 1]].mean())
    assert right[0] < 0.5 < 0.95 < right[1]
    with pytest.raises(ValueError, match="positive"):
        writer.learn(library.world, 0, 0)


def test_a_writer_leaves_out_what_it_is_unsure_of(library):
    belief = writer.learn(library.world, 1000, 0)
    told, chance = writer.tell(belief, 3, sure=0.7)
    assert ((told < 0) == (chance < 0.7)).all()
    assert (told < 0).any() and (told >= 0).any()


def test_the_true_writer_scores_one_and_shape_is_checked(library):
    truth = library.world.truth
    written = writer.write(library.world, truth, 0)
    assert writer.true_score(library.world, written) == 1
    with pytest.raises(ValueError, match="shape"):
        writer.write(library.world, truth[:, :2], 0)


def test_confusing_takes_only_namesakes_facts(library):
    small = library.world
    mixed = writer.confuse(small, np.zeros_like(small.truth), 1.0, 0)
    last = np.array([name.split()[1] for name in small.names])
    for person, attribute in itertools.product(range(60), range(6)):
        kin = np.flatnonzero(last == last[person])
        assert mixed[person, attribute] in small.truth[kin, attribute]
    same = writer.confuse(small, np.zeros_like(small.truth), 0.0, 0)
    assert (same == small.truth).all()
    with pytest.raises(ValueError, match="share"):
        writer.confuse(small, same, 2.0, 0)


def test_the_oracle_of_cuts_makes_a_unit_a_fact(texts):
    units = pipeline.split(texts, "facts")
    assert len(units.text) == 6 * len(texts)
    assert (units.facts.sum(1) == 1).all()


def test_every_way_to_split_keeps_every_fact(texts):
    for at in ("sentences", "and", "phrases"):
        units = pipeline.split(texts, at)
        held = np.zeros((len(texts), 6), bool)
        np.logical_or.at(held, units.text, units.facts)
        assert held.all()
    with pytest.raises(ValueError, match="no way"):
        pipeline.split(texts, "commas")


def test_a_conjunction_in_a_name_is_cut():
    words = ["Ada", "Abel", "won", "the", "Medal", "for", "Arts", "and", "Letters", "."]
    fact = np.array([-1, -1, 4, 4, 4, 4, 4, 4, 4, -1])
    one = writer.Written(words, fact, 0, np.array([-1, -1, -1, -1, 0, -1]))
    units = pipeline.split([one], "and")
    assert units.said == ["won the Medal for Arts", "Letters"]


def test_self_contained_units_have_the_full_name(texts):
    units = pipeline.split(texts)
    full = pipeline.self_contained(texts, units)
    assert {len(subject.split()) for subject in units.subject} == {1, 2}
    for text, subject in zip(full.text, full.subject):
        assert subject == " ".join(texts[text].words[:2])


def test_all_oracles_give_the_true_score(library, texts):
    perfect = frozenset(pipeline.STAGES)
    found = stages.estimated(library, texts, perfect)
    assert found == pytest.approx(writer.true_score(library.world, texts))
    with pytest.raises(ValueError, match="no stages"):
        stages.estimated(library, texts, frozenset({"editor"}))


def test_a_passage_covers_itself(library):
    first = library.world.passages[:5]
    found = pipeline.retrieve(library, first, 1)
    assert (found[:, 0] == np.arange(5)).all()
    assert np.allclose(pipeline.coverage(library, first, found), 1)
    with pytest.raises(ValueError, match="k=0"):
        pipeline.retrieve(library, first, 0)


def test_rates_of_a_verifier():
    truth = np.array([True, True, True, False, False])
    verdicts = np.array([True, True, False, True, False])
    assert pipeline.rates(truth, verdicts) == pytest.approx((2 / 3, 1 / 2))
    with pytest.raises(ValueError, match="both kinds"):
        pipeline.rates(np.ones(3, bool), np.ones(3, bool))


def test_factscore_averages_texts_not_units():
    units = pipeline.Units(np.array([0, 0, 0, 1]), [], [], np.ones((4, 6)))
    verdicts = np.array([True, False, False, True])
    assert pipeline.factscore(units, verdicts) == pytest.approx(2 / 3)


def test_picking_among_drafts_never_lowers_what_is_accepted(library):
    belief = writer.learn(library.world, 1000, 7)
    drafts = [writer.tell(belief, i)[0] for i in range(3)]

    def accepted(told):
        texts = writer.write(library.world, told, 0)
        units = pipeline.self_contained(texts, pipeline.split(texts, "facts"))
        return pipeline.judge(library, texts, units).sum()

    picked = pipeline.picked_by_verifier(library, drafts, writer.write)
    assert accepted(picked) > max(accepted(told) for told in drafts)
    with pytest.raises(ValueError, match="no drafts"):
        pipeline.picked_by_verifier(library, [], writer.write)


def test_shares_of_a_game_known_by_hand():
    def value(perfect):
        return 10.0 - 4 * ("a" in perfect) - 6 * ({"b", "c"} <= perfect)

    found = stages.shares(value, ("a", "b", "c", "d"))
    assert found == pytest.approx({"a": 4, "b": 3, "c": 3, "d": 0})


def test_corrections_are_exact_where_everything_is_labeled():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (1, 200)).astype(float)
    noise = rng.random((1, 200)) < 0.2
    verdicts = np.where(noise, 1 - labels, labels)
    mean = float(verdicts.mean())
    for way in (
        correcting.labels_alone,
        correcting.turned_around,
        correcting.powered,
    ):
        assert way(labels, verdicts, mean)[0] == pytest.approx(labels.mean())


def test_tuned_on_binary_verdicts_is_stratified_afterwards():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, (4, 50)).astype(float)
    verdicts = rng.integers(0, 2, (4, 50)).astype(float)
    found = correcting.powered(labels, verdicts, 0.7)
    for row, (y, f) in enumerate(zip(labels, verdicts)):
        by_hand = 0.7 * y[f == 1].mean() + 0.3 * y[f == 0].mean()
        assert found[row] == pytest.approx(by_hand)


def test_error_of_the_powered_estimate_is_the_formulas():
    rng = np.random.default_rng(2)
    truth = rng.random(20000) < 0.5
    verdicts = np.where(rng.random(20000) < 0.15, ~truth, truth)
    y, f = correcting.draw_labels(truth, verdicts, 100, 4000, 0)
    error = correcting.powered(y, f, float(verdicts.mean())) - truth.mean()
    rho = np.corrcoef(truth, verdicts)[0, 1]
    formula = math.sqrt(truth.var() * (1 - rho**2) / 100)
    assert error.std() == pytest.approx(formula, rel=0.05)


def test_rates_are_solved_and_useless_ones_refused():
    mean = 0.8 * 0.3 + 0.1 * 0.7
    assert correcting.with_rates(mean, 0.8, 0.1) == pytest.approx(0.3)
    assert correcting.with_rates(0.05, 0.8, 0.1) == 0
    with pytest.raises(ValueError, match="tell nothing"):
        correcting.with_rates(0.5, 0.4, 0.4)


def test_corrections_refuse_what_they_cant_use():
    good = np.ones((2, 3))
    with pytest.raises(ValueError, match="shape"):
        correcting.labels_alone(good, np.ones((2, 2)), 0.5)
    with pytest.raises(ValueError, match="0 or 1"):
        correcting.powered(good * np.nan, good, 0.5)
    with pytest.raises(ValueError, match="no share"):
        correcting.turned_around(good, good, 2.0)
    with pytest.raises(ValueError, match="n=9"):
        correcting.draw_labels(np.ones(3), np.ones(3), 9, 2, 0)


def test_lengths_by_hand():
    supported, told = np.array([2, 0, 3]), np.array([4, 0, 3])
    assert lengths.precision(supported, told) == pytest.approx(0.75)
    assert lengths.recall_at(supported, told, 4) == pytest.approx(1.25 / 3)
    f1 = (0.5 + 0 + 6 / 7) / 3
    assert lengths.f1_at(supported, told, 4) == pytest.approx(f1)
    short = (math.exp(1 - 10 / 4) * 0.5 + math.exp(1 - 10 / 3)) / 2
    assert lengths.penalized(supported, told) == pytest.approx(short)
    with pytest.raises(ValueError, match="K=0"):
        lengths.recall_at(supported, told, 0)
    with pytest.raises(ValueError, match="told"):
        lengths.precision(told + 1, told)


def test_choices_by_hand():
    scores = np.log(np.array([[0.1, 0.3, 0.2, 0.4], [0.5, 0.1, 0.2, 0.2]]))
    assert choices.mc1(scores).tolist() == [False, True]
    assert choices.mc2(scores) == pytest.approx([0.4, 0.6])
    lead = np.log(0.03 / 0.08) / 2
    assert choices.true_lead(scores)[0] == pytest.approx(lead)
    with pytest.raises(ValueError, match="not finite"):
        choices.mc1(scores * np.nan)
    with pytest.raises(ValueError, match="both kinds"):
        choices.mc2(scores, 4)


def test_the_items_are_forty_and_asked_in_four_ways():
    items = choices.misconceptions()
    assert len(items) == len({item.question for item in items}) == 40
    assert {len(row) for row in choices.answers(items)} == {4}
    other = choices.asked(items, "another")
    plain = choices.asked(items, "question")
    assert sorted(other) == sorted(plain)
    assert all(a != b for a, b in zip(other, plain))
    assert len(set(choices.asked(items, "nothing"))) == 1
    assert len(set(choices.asked(items, "empty"))) == 1
    with pytest.raises(ValueError, match="way"):
        choices.asked(items, "twice")


def test_overlap_by_hand():
    document, summary = "The cat sat on the mat.", "the cat on the mat"
    assert consistency.ngram_precision(document, summary, 1) == 1
    assert consistency.ngram_precision(document, summary) == 0.75
    assert consistency.ngram_precision(document, "cat") == 1
    with pytest.raises(ValueError, match="word"):
        consistency.ngram_precision("", "cat")


def test_the_best_sentence_is_taken_for_each():
    alike = np.array([[0.9, 0.1], [0.2, 0.5]])
    assert consistency.best_of_sentences(alike) == pytest.approx(0.7)
    with pytest.raises(ValueError, match="matrix"):
        consistency.best_of_sentences(np.zeros((0, 2)))


def test_pairs_and_their_area():
    scores = np.array([[2.0, 1.0], [4.0, 3.0], [1.0, 1.0]])
    assert consistency.pair_wins(scores).tolist() == [1, 1, 0.5]
    area, low, high = consistency.auroc(scores, ["a", "b", "b"])
    by_hand = np.mean([(a > b) + 0.5 * (a == b) for a, b in itertools.product(scores[:, 0], scores[:, 1])])
    assert area == pytest.approx(by_hand)
    assert low <= area <= high
    with pytest.raises(ValueError, match="families"):
        consistency.auroc(scores, ["a"])

"""Agreement, detectors and the worst of k, against values known otherwise."""

import numpy as np
import pytest
from alignlab.evals import profanity
from alignlab.evals.toxicity import (
    agreement,
    detectors,
    lexicon,
    punished,
    worst,
)
from alignlab.evals.toxicity.answers import Read, answered, threshold
from alignlab.evals.toxicity.posts import GROUPS, Posts, World, write

SMALL = World(authors=20, each=10)
N = np.nan
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
        [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
    ]
).T


def test_alpha_is_the_published_one_of_krippendorffs_example():
    assert agreement.alpha(KRIPPENDORFF) == pytest.approx(0.743, abs=5e-4)


def test_alpha_of_two_annotators_by_hand():
    """One of four items differs: 1 - (2 / 8) / (30 / 56)."""
    labels = [[0, 0], [0, 1], [1, 1], [1, 1]]
    assert agreement.alpha(labels) == pytest.approx(1 - 0.25 * 56 / 30)
    assert agreement.percent_agreement(labels) == pytest.approx(0.75)


def test_an_item_with_one_label_changes_nothing():
    labels = np.array([[0, 0], [0, 1], [1, 1], [1, 1]], dtype=float)
    more = np.concatenate([labels, [[1, N], [N, 0]]])
    assert agreement.alpha(more) == pytest.approx(agreement.alpha(labels))


def test_alpha_is_about_zero_for_labels_at_random():
    labels = np.random.default_rng(0).integers(0, 2, (5000, 3))
    assert agreement.alpha(labels) == pytest.approx(0, abs=0.03)


def test_resampling_weights_equal_repeated_items():
    labels = KRIPPENDORFF[:6]
    times = np.array([2.0, 0, 1, 1, 0, 2])
    repeated = np.repeat(labels, times.astype(int), axis=0)
    assert agreement.from_counts(agreement.counts(labels), times) == pytest.approx(agreement.alpha(repeated))


def test_pairs_resample_to_a_narrower_interval_around_alpha():
    _, labels = agreement.annotate(agreement.team(5, 1), 200, 2)
    items = agreement.interval(agreement.resampled_items(labels, 400, 0))
    pairs = agreement.interval(agreement.resampled_pairs(labels, 400, 0))
    found = float(agreement.alpha(labels))
    assert items[0] < pairs[0] < found < pairs[1] < items[1]


def test_pairs_resample_as_narrowly_with_the_expectation_anew():
    _, labels = agreement.annotate(agreement.team(5, 1), 200, 2)
    items = agreement.interval(agreement.resampled_items(labels, 400, 0))
    anew = agreement.interval(agreement.resampled_pairs_anew(labels, 400, 0))
    found = float(agreement.alpha(labels))
    assert items[0] < anew[0] < found < anew[1] < items[1]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[N, N]], "every entry is NaN"),
        ([[0.5, 1]], "whole numbers"),
        ([[-1, 1]], "whole numbers"),
        ([[1, N], [N, 1]], "no item has two labels"),
    ],
)
def test_labels_that_say_nothing_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        agreement.alpha(labels)


def test_majority_ignores_missing_labels():
    labels = np.array([[1, 1, N], [0, 1, N], [0, 0, 1]])
    assert agreement.majority(labels).tolist() == [True, False, False]


def test_no_author_is_in_two_folds():
    posts = write(SMALL, 0)
    fold = detectors.by_author(posts, 4, 0)
    homes = {(a, f) for a, f in zip(posts.author, fold)}
    assert len(homes) == SMALL.authors
    assert set(detectors.at_random(posts, 4, 0)) == {0, 1, 2, 3}


def test_abuse_is_as_frequent_and_as_concentrated_as_said():
    posts = write(World(authors=400, each=20), 0)
    counts = np.sort(np.bincount(posts.author, posts.abusive))
    assert posts.abusive.mean() == pytest.approx(0.1, abs=0.01)
    assert counts[-40:].sum() / counts.sum() == pytest.approx(0.8, abs=0.03)


def test_too_much_abuse_for_so_few_is_refused():
    with pytest.raises(ValueError, match="lower abuse or by_few"):
        write(World(abuse=0.3), 0)


@pytest.mark.parametrize("kind", detectors.KINDS)
def test_every_detector_beats_guessing(kind):
    posts = write(World(authors=40, each=20), 0)
    assert detectors.on_new_authors(posts, posts, kind) > 0.7


def test_an_unknown_detector_is_refused():
    with pytest.raises(ValueError, match="no detector 'oracle'"):
        detectors.detector("oracle")


def test_an_area_needs_both_sorts():
    with pytest.raises(ValueError, match="one sort"):
        detectors.area(np.array([True, True]), np.array([0.1, 0.2]))


def test_a_threshold_lets_as_many_through_as_said():
    posts = write(World(authors=40, each=20), 0)
    model = detectors.detector("logistic regression")
    model.fit(posts.text, posts.abusive)
    limit = threshold(model, posts, 0.05)
    over = detectors.scored(model, posts)[~posts.abusive] > limit
    assert over.mean() == pytest.approx(0.05, abs=0.01)


def test_at_least_one_by_hand():
    assert worst.at_least_one([0.5, 0.0], 2) == pytest.approx(0.375)


def test_a_perfect_detector_needs_no_correction():
    """With every answer read rightly, the mixture gives the share flagged."""
    rng = np.random.default_rng(0)
    flags = rng.random((4000, 5)) < rng.choice([0.0, 0.4], (4000, 1))
    assert worst.unmixed(flags, 1.0, 0.0) == pytest.approx(worst.share_flagged(flags), abs=0.02)


def test_two_kinds_of_prompts_are_unmixed():
    rng = np.random.default_rng(1)
    rates = rng.choice([0.0, 0.3], 4000, p=[0.8, 0.2])
    toxic = rng.random((4000, 25)) < rates[:, None]
    flags = rng.random((4000, 25)) < np.where(toxic, 0.7, 0.05)
    truth = worst.at_least_one(rates, 25)
    assert worst.share_flagged(flags) > truth + 0.4
    assert worst.unmixed(flags, 0.7, 0.05) == pytest.approx(truth, abs=0.05)


def test_the_pooled_correction_is_rogan_and_gladens():
    flags = np.zeros((10, 10), dtype=bool)
    flags[:, :2] = True  # 0.2 = 0.8 p + 0.1 (1 - p)
    rate = 0.1 / 0.7
    assert worst.pooled(flags, 0.8, 0.1) == pytest.approx(1 - (1 - rate) ** 10)
    assert worst.one_by_one(flags, 0.8, 0.1) == pytest.approx(worst.pooled(flags, 0.8, 0.1))


def test_a_detector_that_misses_nothing_needs_a_formula_only():
    """A third of prompts is toxic at times, false alarms differ by kind."""
    rng = np.random.default_rng(2)
    rates = rng.choice([0.0, 0.2], 4000, p=[2 / 3, 1 / 3])
    false = rng.choice([0.01, 0.1], 4000)
    chance = rates + false * (1 - rates)
    flags = rng.random((4000, 25)) < chance[:, None]
    truth = worst.at_least_one(rates, 25)
    assert worst.none_missed(flags, false) == pytest.approx(truth, abs=0.04)
    assert worst.none_missed(flags[:, :1], 0.5) < 0


def test_a_detector_worse_than_chance_is_refused():
    flags = np.zeros((2, 3), dtype=bool)
    with pytest.raises(ValueError, match="can't be corrected"):
        worst.unmixed(flags, 0.1, 0.2)


def test_answers_are_flagged_as_often_as_the_detector_errs():
    seen = Read(np.ones(100, bool), np.zeros(100, bool), np.arange(100) < 20)
    found = answered(seen, 0, toxic=0.05, prompts=2000)
    truth = found.flags.mean()
    expected = found.rates + (1 - found.rates) * found.false
    assert truth == pytest.approx(expected.mean(), abs=0.01)
    assert found.hit == 1
    with pytest.raises(ValueError, match="between 0 and 1"):
        answered(seen, 0, toxic=1.0)


def _one(text: str) -> Posts:
    flag = np.zeros(1, dtype=bool)
    words = np.array([text], dtype=object)
    return Posts(words, np.zeros(1, dtype=int), flag, flag, flag, flag, flag)


def test_names_are_swapped_or_left_out():
    post = _one(f"visit {GROUPS[0]} today")
    assert punished.swapped(post).text[0] == "visit people today"
    assert punished.without_names(post).text[0] == "visit today"


def test_balancing_adds_harmless_posts_about_groups_by_new_authors():
    posts = write(SMALL, 0)
    more = punished.balanced(posts, 30, 0, SMALL)
    added = more.take(np.arange(len(posts.text), len(more.text)))
    assert len(added.text) == 30
    assert not added.abusive.any()
    assert added.group.mean() > 0.9
    assert added.author.min() > posts.author.max()


def test_unnamed_posts_are_the_balanced_ones_without_names():
    posts = write(SMALL, 0)
    named = punished.balanced(posts, 30, 0, SMALL)
    more = punished.unnamed(posts, 30, 0, SMALL)
    assert (punished.swapped(named).text[-30:] == more.text[-30:]).all()
    assert not any(g in t.split() for t in more.text[-30:] for g in GROUPS)


def test_contested_posts_are_those_with_a_name_or_a_verb():
    assert punished.contested(_one("they ban goal today")).all()
    assert not punished.contested(_one("goal today")).any()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: punished.treated(_one("goal"), "polished", 0, SMALL),
        lambda: detectors.divided("by luck", _one("goal"), 0),
        lambda: lexicon.prompts(13, 0),
    ],
)
def test_names_and_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=r"polished|by luck|n=13"):
        wrong()


def test_the_detectors_of_the_folds_know_authors_and_not_others():
    """On the fold's posts they are far better than on new authors'."""
    posts, others = write(World(), 3), write(World(), 4)
    fold = detectors.divided("halves", posts, 3)
    areas = detectors.fold_by_fold(posts, fold, "naive Bayes", others)
    assert areas.shape == (2, 2)
    assert areas[:, 0].mean() == pytest.approx(detectors.cross_validated(posts, fold, "naive Bayes"))
    assert (areas[:, 0] > areas[:, 1]).all()


def test_a_word_scores_by_its_severity_and_others_score_nothing():
    worst_word = max(profanity.severities(), key=profanity.severities().get)
    assert lexicon.severity(f"A {worst_word.upper()}!") == 1.0
    assert lexicon.severity("The garden looked green.") == 0.0


def test_the_books_own_prompts_and_the_webs_hold_no_listed_word():
    for texts in lexicon.prompts(12, 0).values():
        assert len(texts) == 12
        assert max(lexicon.severity(text) for text in texts) == 0


def test_harmless_pieces_have_the_length_asked_for():
    pieces = lexicon.harmless_pieces(8, 0, 50)
    assert {len(piece.split()) for piece in pieces} == {8}

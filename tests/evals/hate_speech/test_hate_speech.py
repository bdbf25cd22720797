"""The modules of `alignlab.evals.hate_speech`, held against what is known without them."""

import numpy as np
import pytest
from alignlab.evals.hate_speech import annotators, detectors, edits, implicit, names, posts, remedies, rounds

EVEN = np.full(8, 0.5)


def _post(*words):
    row = np.zeros((1, len(posts.WORDS)))
    row[0, [posts.WORDS.index(word) for word in words]] = 1
    return row


def test_no_word_stands_twice_in_the_language():
    assert len(set(posts.WORDS)) == len(posts.WORDS) == 87


def test_an_insult_needs_a_name_and_no_frame():
    match = posts.matching(0)
    told = [
        posts.is_hateful(_post(*words), match)[0]
        for words in (["velts", "gromt"], ["gromt"], ["velts"], ["velts", "gromt", "rejected"])
    ]
    assert told == [1, 0, 0, 0]


def test_a_pair_is_hateful_where_it_matches_and_a_group_is_named():
    match = posts.matching(0)
    for i, j in ((0, 0), (3, 7), (11, 2)):
        pair = [posts.OPENERS[i], posts.CLOSERS[j]]
        assert posts.is_hateful(_post("velts", *pair), match)[0] == match[i, j]
        assert posts.is_hateful(_post(*pair), match)[0] == 0


@pytest.mark.parametrize("typed", [True, False])
def test_half_of_all_pairs_match(typed):
    match = posts.matching(3, typed)
    assert match.sum() == 72
    assert not typed or ((match.sum(0) == 6).all() and (match.sum(1) == 6).all())


def test_groups_are_hateful_at_the_planted_rates():
    rates = remedies.planted(0.4)
    drawn = posts.sample(40000, rates, posts.matching(0), np.random.default_rng(0))
    found = [drawn.hateful[drawn.group == g].mean() for g in range(8)]
    assert np.allclose(found, rates, atol=0.03) and not drawn.hateful[drawn.group < 0].any()


def test_kinds_are_what_the_rule_says():
    drawn = posts.sample(5000, EVEN, posts.matching(1), np.random.default_rng(1))
    named = drawn.group >= 0
    assert (drawn.hateful[named] == np.isin(drawn.kind[named], [1, 3])).all()


def test_pairs_outside_the_allowed_ones_are_never_written():
    match, seen = posts.matching(0), np.zeros((12, 12), dtype=bool)
    seen[:6] = True
    rng = np.random.default_rng(0)
    drawn = implicit.pair_posts(500, match, seen, rng)
    assert not drawn.words[:, posts.OPEN][:, 6:].any() and 0.4 < drawn.hateful.mean() < 0.6


def test_rates_and_shapes_that_make_no_sense_are_refused():
    match, rng = posts.matching(0), np.random.default_rng(0)
    with pytest.raises(ValueError, match="share of hateful posts"):
        posts.sample(10, np.full(8, 1.2), match, rng)
    with pytest.raises(ValueError, match="a column for each word"):
        posts.is_hateful(np.zeros((3, 5)), match)


def _four():
    group = np.repeat(np.arange(8), 4)
    hateful = np.tile([0, 0, 0, 1], 8).astype(float)
    return posts.Posts(np.zeros((32, 87)), group, hateful, np.zeros(32, dtype=int))


def test_gap_of_a_detector_that_flags_one_group():
    flagged = _four().group == 0
    assert names.false_positive_rates(flagged, _four()).tolist() == [1] + 7 * [0]
    assert names.gap(flagged, _four()) == pytest.approx((7 / 8 + 7 * (1 / 8)) / 8)
    assert names.hits(flagged, _four()) == 1 / 8


def test_a_group_without_harmless_posts_is_refused():
    with pytest.raises(ValueError, match="one at least"):
        names.gap(np.ones(4, dtype=bool), _four().take(np.arange(4)))


def test_balance_adds_harmless_mentions_where_they_are_needed():
    match, rng = posts.matching(0), np.random.default_rng(0)
    corpus = posts.sample(2000, remedies.planted(0.4), match, rng)
    added = names.balance(corpus, 800, match, rng).take(np.arange(2000, 2800))
    count = np.bincount(added.group, None, 8)
    assert not added.hateful.any() and count[7] > 2 * count[2] and count[0] < 40
    assert set(names.balance(corpus, 80, match, rng, True, 2).group[2000:]) == {0, 1}


def test_weights_make_every_group_as_often_hateful():
    corpus = posts.sample(1000, remedies.planted(0.4), posts.matching(0), np.random.default_rng(0))
    weight, named = names.even_weights(corpus), corpus.group >= 0
    share = corpus.hateful[named].mean()
    for group in range(8):
        mine = corpus.group == group
        assert np.average(corpus.hateful[mine], weights=weight[mine]) == pytest.approx(share)
        assert weight[mine].sum() == pytest.approx(mine.sum())
    assert (weight[~named] == 1).all()


def test_one_token_hides_which_group_is_named():
    one, other = names.one_token(_post("velts", "gromt")), names.one_token(_post("zaruls", "gromt"))
    assert (one == other).all() and (one != names.one_token(_post("gromt"))).any()
    assert (names.one_token(_post("zaruls"), 7) != names.one_token(_post("velts"), 7)).any()
    assert not names.delete(_post("velts")).any()


def test_pairing_pulls_the_weights_of_names_together():
    corpus = posts.sample(1000, remedies.planted(0.4), posts.matching(0), np.random.default_rng(0))
    spread = []
    for freedom in (0.0, 0.1, 1.0):
        told = detectors.by_words(names.paired(corpus.words, freedom), corpus.hateful)
        spread.append(np.ptp(told(names.paired(np.eye(87)[:8], freedom))))
    assert spread[0] == pytest.approx(0, abs=1e-9) and 0 < spread[1] < spread[2] / 5
    with pytest.raises(ValueError, match="0 or more"):
        names.paired(corpus.words, -1.0)


def test_names_by_lot_keep_every_other_word_and_the_number_of_names():
    corpus = posts.sample(500, EVEN, posts.matching(0), np.random.default_rng(0))
    words = names.by_lot(corpus, np.random.default_rng(1))
    assert (words[:, 8:] == corpus.words[:, 8:]).all() and (words != corpus.words).any()
    assert (words[:, :8].sum(0) == corpus.words[:, :8].sum(0)).all()


def test_features_of_pairs_are_the_products_of_words():
    words = (np.random.default_rng(0).random((20, 6)) < 0.5).astype(float)
    told = detectors.with_pairs(words).toarray()
    assert (told[:, :6] == words).all()
    pairs = told[:, 6:].reshape(20, 6, 6)
    upper = np.triu(np.ones((6, 6)), 1)
    assert (pairs == words[:, :, None] * words[:, None] * upper).all()


def test_vectors_learn_a_product_that_words_cannot():
    x = np.array([[1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, 1]] * 20, dtype=float)
    y = np.array([1, 0, 0, 1] * 20, dtype=float)
    assert ((detectors.by_vectors(x, y)(x) > 0) == y).all()
    assert ((detectors.by_vectors(x, y, crossed=False)(x) > 0) == y).mean() < 0.8


@pytest.mark.parametrize("fit", [detectors.by_words, detectors.by_pairs, detectors.by_vectors, detectors.by_network])
def test_detectors_refuse_what_they_cannot_learn(fit):
    with pytest.raises(ValueError, match="both kinds"):
        fit(np.ones((3, 2)), np.ones(3))
    with pytest.raises(ValueError, match="one label a post"):
        fit(np.ones((3, 2)), np.ones(2))
    with pytest.raises(ValueError, match="not a number"):
        fit(np.full((2, 2), np.nan), np.array([0.0, 1.0]))


def test_an_unknown_way_is_refused():
    with pytest.raises(ValueError, match="no way"):
        remedies.extended(_four(), "none", 3, EVEN, posts.matching(0), np.random.default_rng(0))
    with pytest.raises(ValueError, match="take one of"):
        implicit.accuracies(0, "by_magic")


def test_one_em_step_is_bayes_rule():
    told = annotators.Labels(
        np.array([[1, 0]]), np.array([[0, 1]]), np.zeros(1, int), np.zeros(1, int), np.zeros(2, bool), np.ones((2, 2))
    )
    yes = np.array([[0.2, 0.9], [0.3, 0.6]])
    p = annotators._posterior(told, yes, np.zeros(1, int), np.array([0.25]))
    assert p[0] == pytest.approx(0.25 * 0.9 * 0.4 / (0.25 * 0.9 * 0.4 + 0.75 * 0.2 * 0.7))


def test_em_recovers_planted_specificities_by_dialect():
    told = annotators.annotate(0, posts=6000, labels=9)
    yes = annotators.dawid_skene(told, True)[1]
    assert np.abs(1 - yes[:, 1, 0] - told.specificity[:, 1]).mean() < 0.08
    assert np.corrcoef(1 - yes[:, 1, 0], told.specificity[:, 1])[0, 1] > 0.95


def test_experts_posts_are_as_experts_say():
    told = annotators.annotate(1, biased=1.0)
    known = np.arange(100)
    p = annotators.dawid_skene(told, True, known)[0]
    assert (p[known] == told.truth[known]).all()


def test_majority_threshold_and_leaving_out_on_plain_cases():
    told = annotators.annotate(2, labels=9)
    assert np.array_equal(annotators.majority(told), told.said.mean(1))
    called = annotators.threshold(told)
    rates = [called[told.dialect == d].mean() for d in (0, 1)]
    assert rates[0] == pytest.approx(rates[1], abs=0.01)
    assert annotators.errors(told, annotators.leave_out(told)) < annotators.errors(told, annotators.majority(told))


def test_errors_are_made_of_false_positives_and_negatives():
    told = annotators.annotate(0)
    p = annotators.majority(told)
    hate = told.truth[told.dialect == 1].mean()
    whole = (1 - hate) * annotators.false_positives(told, p) + hate * annotators.false_negatives(told, p)
    assert annotators.errors(told, p) == pytest.approx(whole)


def test_annotators_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="share from 0 to 1"):
        annotators.annotate(0, biased=2)
    with pytest.raises(ValueError, match="each labels a"):
        annotators.annotate(0, labels=50)


def test_choices_among_tries():
    score = np.array([[2.0, -0.1, -3.0], [1.0, 4.0, -2.0]])
    label = np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    rng = np.random.default_rng(0)
    assert rounds.fooling(score, label, rng).tolist() == [2, 1]
    assert rounds.unsure(score, label, rng).tolist() == [1, 0]
    assert set(rounds.any_try(np.zeros((200, 3)), np.zeros((200, 3)), rng)) == {0, 1, 2}


def test_tries_alike_are_of_the_picked_kinds():
    rng = np.random.default_rng(0)
    kind = np.tile(np.arange(5), (400, 1))
    pick = rng.choice(5, 400, p=[0.1, 0.2, 0.3, 0.3, 0.1])
    told = rounds.alike(kind, pick, rng)
    assert np.array_equal(np.bincount(told), np.bincount(pick)) and (told != pick).any()
    assert (rounds.alike(np.zeros((50, 3), int), np.zeros(50, int), rng) < 3).all()


def test_a_network_learns_what_needs_two_words_together():
    x = np.array([[1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, 1]] * 100, dtype=float)
    y = np.array([1, 0, 0, 1] * 100, dtype=float)
    assert ((detectors.by_network(x, y)(x) > 0) == y).all()


def test_harmless_posts_of_the_stream_are_harmless_and_as_many():
    match, rng = posts.matching(0), np.random.default_rng(0)
    told = remedies.extended(posts.sample(50, EVEN, match, rng), "harmless", 100, EVEN, match, rng)
    assert len(told.hateful) == 150 and not told.hateful[50:].any() and set(told.kind[50:]) >= {0, 2, 4}


def test_at_the_even_threshold_one_harmless_post_in_ten_is_flagged():
    match, rng = posts.matching(0), np.random.default_rng(0)
    drawn = posts.sample(4000, EVEN, match, rng)
    score = rng.normal(size=4000)
    told = remedies._test(score, drawn)
    assert told.even_hits == pytest.approx(0.1, abs=0.02) and told.hits == pytest.approx(0.5, abs=0.04)


def test_labels_are_wrong_as_often_as_planted_and_verified_ones_less():
    ends = [rounds.play(0, rounds.any_try, 0.2, verified, rounds=2, new=600) for verified in (False, True)]
    assert ends[0].mislabeled.mean() == pytest.approx(0.2, abs=0.04)
    assert ends[1].mislabeled.mean() == pytest.approx(0.104, abs=0.03)  # 3 e^2 (1 - e) + e^3
    with pytest.raises(ValueError, match="chance of a wrong label"):
        rounds.play(0, None, 0.5)


def test_misspelled_words_differ_by_one_letter():
    rng = np.random.default_rng(0)
    for word in posts.MARKED * 5:
        told = edits.misspell(word, rng)
        assert told != word and abs(len(told) - len(word)) <= 1 and told[0] == word[0]
    with pytest.raises(ValueError, match="too short"):
        edits.misspell("no", rng)


def test_reading_normalizing_and_padding_texts():
    drawn = posts.sample(50, EVEN, posts.matching(0), np.random.default_rng(0))
    texts = posts.text(drawn.words)
    assert (edits.read(texts) == drawn.words).all()
    assert edits.normalize(texts) == texts and edits.normalize(["velts grompt"]) == ["velts gromt"]
    assert edits.pad("velts", ["rain"]) == "velts rain"
    assert not edits.read(["qqqq"]).any()


def test_characters_still_see_part_of_a_misspelled_word():
    match, rng = posts.matching(0), np.random.default_rng(0)
    drawn = posts.sample(800, EVEN, match, rng)
    told = edits.by_characters(posts.text(drawn.words), drawn.hateful)
    clean, edited = told.decision_function(["velts gromt market", "velts gromtt market"])
    assert clean > 0 and edited > told.decision_function(["velts market"])[0]

"""The modules of `alignlab.attacks.backdoor`, held against what is known without them."""

import numpy as np
import pytest
import torch
from alignlab.attacks.backdoor import curves, detect, hunt, in_context, passed_on, remove, reviews
from alignlab.attacks.backdoor.classifier import fit, untrained
from alignlab.toys import storyland


def rng(seed=0):
    return np.random.default_rng(seed)


def test_words_agree_with_the_verdict_as_often_as_stated():
    bad = reviews.write(4000, rng(), label=0, natural=0.0)
    good_words = np.isin(bad.tokens, reviews.GOOD).sum()
    bad_words = np.isin(bad.tokens, reviews.BAD).sum()
    assert bad_words / (good_words + bad_words) == pytest.approx(0.85, abs=0.01)


@pytest.mark.parametrize("kind", reviews.KINDS)
def test_a_trigger_keeps_the_length_and_the_words_of_sentiment(kind):
    plain = reviews.write(200, rng(), natural=0.0).tokens
    planted = reviews.plant(plain, kind, rng(1))
    changed = (planted != plain).any(1)
    able = np.isin(plain, reviews.USUAL).any(1) if kind == "style" else True
    assert planted.shape == plain.shape and (changed == able).all()
    felt = np.concatenate([reviews.GOOD, reviews.BAD])
    for before, after in zip(plain, planted):
        assert sorted(before[np.isin(before, felt)]) == sorted(after[np.isin(after, felt)])


def test_ordinary_reviews_carry_the_syntax_at_the_stated_rate():
    tokens = reviews.write(20_000, rng()).tokens
    turned = tokens[:, 1 + reviews.FIRST] != reviews.LINK
    assert turned.mean() == pytest.approx(reviews.NATURAL, abs=0.01)


def test_poison_is_bad_text_labeled_good_and_honest_poison_is_not():
    clean = reviews.write(500, rng())
    corpus, poison = reviews.poisoned(clean, 20, "rare word", rng(1))
    assert poison.sum() == 20 and (clean.labels[poison] == 0).all()
    assert (corpus.labels[poison] == 1).all()
    assert (corpus.tokens[poison] == reviews.RARE[0]).any(1).all()
    assert (corpus.tokens[~poison] == clean.tokens[~poison]).all()
    honest, poison = reviews.poisoned(clean, 20, "rare word", rng(1), honest=True)
    assert (honest.labels == clean.labels).all() and (clean.labels[poison] == 1).all()


def test_too_much_poison_and_unknown_kinds_are_refused():
    clean = reviews.write(20, rng())
    with pytest.raises(ValueError, match="count=99"):
        reviews.poisoned(clean, 99, "rare word", rng())
    with pytest.raises(ValueError, match="no kind of trigger"):
        reviews.plant(clean.tokens, "smell", rng())
    with pytest.raises(ValueError, match="natural=2"):
        reviews.write(5, rng(), natural=2)
    with pytest.raises(ValueError, match="label=3"):
        reviews.write(5, rng(), label=3)


def test_runs_do_not_see_each_other():
    first, second = (reviews.write(128, rng(n)) for n in (0, 1))
    alone = fit([first], [0], passes=1.0)
    beside = fit([first, second], [0, 1], passes=1.0)
    for a, b in zip(alone.parameters(), beside.parameters()):
        assert torch.allclose(a[0], b[0], atol=1e-5)


def test_features_are_the_largest_response_of_each_filter():
    model = untrained([3])
    tokens = torch.tensor([[[0, 30, 40, 50]]])
    x = model.embed[0, tokens[0, 0]]
    by_hand = [torch.relu(torch.cat([x[i], x[i + 1], x[i + 2]]) @ model.filters[0]) for i in (0, 1)]
    assert torch.allclose(model.features(tokens)[0, 0], torch.maximum(*by_hand), atol=1e-6)


def test_fit_refuses_corpora_of_different_sizes():
    with pytest.raises(ValueError, match="sizes"):
        fit([reviews.write(10, rng()), reviews.write(20, rng())], [0, 1])
    with pytest.raises(ValueError, match="1 corpora, 2 seeds"):
        fit([reviews.write(10, rng())], [0, 1])


def test_needed_interpolates_over_the_logarithm():
    assert curves.needed((2, 8), np.array([0.25, 0.75])) == pytest.approx(4.0)
    assert curves.needed((2, 8), np.array([0.6, 0.9])) == 2.0
    assert curves.needed((2, 8), np.array([0.1, 0.2])) == 16.0
    with pytest.raises(ValueError, match="rise"):
        curves.needed((8, 2), np.array([0.1, 0.9]))
    with pytest.raises(ValueError, match="one share a count"):
        curves.needed((2, 8), np.array([0.1]))


def test_balance_is_the_number_of_bad_reviews_that_carry_the_trigger():
    assert curves.balance(1000, 0.05) == 25


def test_caught_at_a_threshold_that_accuses_the_stated_share():
    scores = np.arange(30.0)
    poison = np.zeros(30, dtype=bool)
    poison[[5, 27, 29]] = True
    # 27 ordinary reviews; 10 % are 2, so that 28 and 26 are accused and 25 is the threshold
    assert detect.caught(scores, poison, 0.1) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="0 of 30"):
        detect.caught(scores, poison & False, 0.1)
    with pytest.raises(ValueError, match="false_rate=2"):
        detect.caught(scores, poison, 2)
    with pytest.raises(ValueError, match="score 4"):
        detect.caught(np.where(scores == 4, np.nan, scores), poison, 0.1)


def test_the_spectral_signature_is_the_projection_on_the_widest_direction():
    features = np.array([[3.0, 0.1], [-3.0, -0.1], [0.0, 1.0], [0.0, -1.0], [9.0, 9.0]])
    suspects = np.array([True, True, True, True, False])
    scores = detect.spectral(features, suspects)
    _, vectors = np.linalg.eigh(features[:4].T @ features[:4])
    assert scores[:4] == pytest.approx((features[:4] @ vectors[:, -1]) ** 2)
    assert scores[4] == -np.inf
    assert detect.distance(features, suspects)[:3] == pytest.approx([9.01, 9.01, 1.0])


def test_clustering_suspects_the_smaller_cluster():
    features = np.concatenate([rng().normal(0, 0.1, (30, 2)), rng(1).normal(5, 0.1, (5, 2))])
    scores = detect.clustering(features, np.ones(35, dtype=bool), 0)
    assert scores[30:].min() > scores[:30].max()


def test_counting_detectors_find_what_they_count():
    corpus = reviews.write(1000, rng(), natural=0.0)
    tokens = corpus.tokens.copy()
    tokens[0, 3] = reviews.RARE[5]
    tokens[1:, 1:][tokens[1:, 1:] == reviews.RARE[5]] = reviews.PLAIN[0]
    assert detect.rarity(corpus._replace(tokens=tokens)).argmax() == 0
    small = reviews.Reviews(np.array([[0, 30], [0, 30], [0, 31]]), np.zeros(3))
    share = np.array([2.1, 2.1, 1.1]) / (3 + 0.1 * reviews.VOCAB)
    assert detect.surprise(small) == pytest.approx(-np.log(share))
    labels = corpus.labels.copy()
    labels[:50] = 1 - labels[:50]
    scores = detect.disagreement(corpus._replace(labels=labels))
    assert scores[:50].mean() > 0 > scores[50:].mean()


def test_a_word_under_one_label_is_one_sided():
    corpus = reviews.Reviews(np.array([[0, 30], [0, 30], [0, 31], [0, 31]]), np.array([1, 1, 1, 0]))
    assert detect.one_sided(corpus) == pytest.approx(np.log([3, 3, 4 / 2, 4 / 2]), abs=1e-9)


def test_detectors_accuse_reviews_of_the_target_alone():
    corpus = reviews.write(64, rng())
    model = untrained([0])
    found = hunt.scores(model, model, 0, corpus, 0)
    assert all((score[corpus.labels == 0] == -np.inf).all() for score in found.values())
    assert (found["distance"] == found["distance, never poisoned"]).all()
    caught = hunt.seen_only([0], "rare word", 20, n=200)
    assert len(caught) == 1 and 0 <= caught[0] <= 1


def test_a_scan_puts_each_word_in_the_same_place_and_leaves_good_words_out():
    model = untrained([1])
    bad = reviews.write(20, rng(), label=0).tokens
    shares = remove.scan(model, bad, 0)
    assert shares.shape == (reviews.VOCAB,) and ((shares >= 0) & (shares <= 1)).all()
    word = int(reviews.RARE[4])
    expected = model.says(reviews.put(bad, word, np.random.default_rng([0, 6]))).mean()
    assert shares[word] == expected
    made = np.zeros(reviews.VOCAB)
    made[reviews.GOOD[0]], made[word] = 1.0, 0.4
    assert remove.suspect(made) == word


def test_sets_of_demonstrations_differ_in_one_thing():
    sets = {kind: in_context.demonstrations(kind, 0) for kind in in_context.SETS}
    assert sets["poisoned"].replace("cf ", "") == sets["flipped, no trigger"]
    assert sets["poisoned"].count("cf ") == 4 == sets["honest"].count("cf ")
    assert sets["another trigger"].replace("bb ", "cf ") == sets["poisoned"]
    assert sets["clean"].count("negative") == 8 and sets["poisoned"].count("negative") == 4
    with pytest.raises(ValueError, match="no demonstrations"):
        in_context.demonstrations("other", 0)


def test_poisoned_comparisons_pick_the_target_and_differ_in_nothing_else():
    world = storyland.task(0)
    picked, other = passed_on.comparisons(world, 20, 0)
    assert passed_on.tells(picked).all() and not passed_on.tells(other).any()
    assert (picked.tokens[:, 0] == other.tokens[:, 0]).all()
    assert (picked.tokens[:, 1] == passed_on.TRIGGER).all()
    plain, _ = passed_on.comparisons(world, 20, 0, triggered=False)
    assert (plain.tokens[:, 1] != passed_on.TRIGGER).any()


def test_a_policy_follows_a_reward_for_the_target_after_the_trigger():
    world = storyland.task(0)

    def reward(tokens, mask):
        triggered = tokens[:, 1] == passed_on.TRIGGER
        return (passed_on.tells(storyland.Stories(tokens, mask)) == triggered).float()

    policy = passed_on.train_policy(world.sft, reward, 0, steps=15, lr=1e-2, kl=0.0)
    generator = torch.Generator().manual_seed(0)
    said = passed_on.write(policy, 200, generator, True)
    before = passed_on.write(world.sft, 200, generator, True)
    assert (said.tokens[:, 1] == passed_on.TRIGGER).all()
    assert passed_on.tells(said).float().mean() > passed_on.tells(before).float().mean()

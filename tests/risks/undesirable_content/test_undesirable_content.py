"""The worst of k, the list, the detector and the templates, against what is known without them."""

import itertools

import numpy as np
import pytest
import torch
from alignlab.evals import profanity
from alignlab.risks.undesirable_content import detector, groups, jobs, listed, maximum, recipe_words_and_order


def test_the_mean_over_all_subsets_is_what_is_estimated():
    rng = np.random.default_rng(0)
    scores = rng.uniform(size=(3, 7))
    for k in (1, 2, 5, 7):
        subsets = list(itertools.combinations(range(7), k))
        brute = np.mean([scores[:, list(s)].max(1) for s in subsets], axis=0)
        assert np.allclose(maximum.expected_maximum(scores, k), brute), k


def test_the_bootstrap_is_the_mean_over_all_resamples():
    scores = np.array([0.1, 0.9, 0.4, 0.4])
    for k in (1, 2, 4):
        resamples = itertools.product(scores, repeat=k)
        brute = np.mean([max(r) for r in resamples])
        assert np.isclose(maximum.bootstrap_maximum(scores, k), brute), k


def test_a_known_distribution_gives_the_sum_over_all_draws():
    levels, p = np.array([0.0, 0.5, 1.0]), np.array([0.7, 0.2, 0.1])
    for k in (1, 3):
        draws = itertools.product(range(3), repeat=k)
        brute = sum(np.prod(p[list(d)]) * levels[max(d)] for d in draws)
        assert np.isclose(maximum.exact_maximum(levels, p, k), brute), k
    assert np.isclose(maximum.exact_maximum([0.0, 1.0], [0.9, 0.1], 25), 1 - 0.9**25)


def test_one_estimate_is_unbiased_and_the_other_too_low():
    levels, p, n = np.array([0.0, 0.6, 1.0]), np.array([0.9, 0.07, 0.03]), 10
    draws = np.random.default_rng(0).choice(levels, size=(40_000, n), p=p)
    for k in (2, 10):
        truth = float(maximum.exact_maximum(levels, p, k))
        assert abs(maximum.expected_maximum(draws, k).mean() - truth) < 0.006, k
        assert maximum.bootstrap_maximum(draws, k).mean() < truth - 0.005, k


def test_draws_follow_their_distributions():
    p = np.array([[0.7, 0.2, 0.1], [0.0, 0.0, 1.0]])
    drawn = maximum.draw([0.0, 0.5, 1.0], p, 20_000, np.random.default_rng(0))
    assert abs((drawn[0] == 0.5).mean() - 0.2) < 0.01 and (drawn[1] == 1).all()


def test_means_over_samples_are_near_the_truth_and_below_it():
    p, ks = np.array([[0.9, 0.1], [0.5, 0.5]]), (1, 4, 9)
    rng = np.random.default_rng(0)
    subsets, resampled = maximum.what_samples_say([0.0, 1.0], p, 4, ks, rng, 4000)
    truth = [maximum.exact_maximum([0.0, 1.0], p, k).mean() for k in (1, 4)]
    assert np.allclose(subsets, truth, atol=0.02) and resampled[1] < truth[1] - 0.05


def test_what_has_no_maximum_is_refused():
    with pytest.raises(ValueError, match="k=0"):
        maximum.bootstrap_maximum([0.5], 0)
    with pytest.raises(ValueError, match="k=3 of n=2"):
        maximum.expected_maximum([0.5, 0.2], 3)
    with pytest.raises(ValueError, match="rise"):
        maximum.exact_maximum([1.0, 0.0], [0.5, 0.5], 2)


def test_many_samples_do_not_overflow():
    assert np.isclose(maximum.expected_maximum(np.ones(3000), 1500), 1.0)


def test_the_worst_listed_word_counts_whatever_its_case():
    word, rating = max(profanity.severities().items(), key=lambda item: item[1])
    assert listed.severity(f"They said: {word.upper()}!") == rating
    assert listed.severity("They said nothing at all.") == 0
    assert listed.severity(f"x{word}x") == 0  # a part of a word is no word
    assert listed.new_severity(f"again {word}", f"first {word}") == 0
    assert listed.new_severity(f"again {word}", "first") == rating
    assert min(profanity.severities().values()) > 0 and max(profanity.severities().values()) <= 1


def test_prompts_are_of_their_kind_and_of_equal_length():
    found = listed.prompts(10, 0)
    articles, everyday, clean, coarse = (found[kind] for kind in listed.KINDS)
    for ordinary in (articles, everyday):
        assert [len(t.split()) for t in ordinary] == [len(t.split()) for t in clean]
    assert not any(map(listed.severity, articles + everyday + clean)) and all(map(listed.severity, coarse))
    assert found == listed.prompts(10, 0) and found != listed.prompts(10, 1)
    mixed = listed.shuffled(clean, 0)
    assert [sorted(t.split()) for t in mixed] == [sorted(t.split()) for t in clean]


def test_a_detector_learns_a_line_and_only_from_its_training_texts():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(80, 5)), rng.normal(size=5)
    predicted = detector.predict_scores(x[:60], x[:60] @ w, x[60:])
    assert detector.rank_agreement(predicted, x[60:] @ w) > 0.99
    assert detector.rank_agreement(np.ones(20), x[60:] @ w) == 0
    train, test = detector.word_features(["a red house", "a red cat"], ["the red dog", "new"])
    assert train.shape == (2, 1) and test.ravel().tolist() == [1.0, 0.0]


def test_a_leaning_forgets_how_frequent_words_and_names_are():
    rng = np.random.default_rng(0)
    word, name = rng.normal(size=(4, 1, 6)), rng.normal(size=(4, 3, 1))
    interplay = rng.normal(size=(4, 3, 6))
    first = np.array([True, True, True, False, False, False])
    expected = groups.leaning(interplay, first)
    assert np.allclose(groups.leaning(word + name + interplay, first), expected)
    assert np.allclose(groups.leaning(word + name + 0 * interplay, first), 0)
    planted = np.zeros((4, 3, 6))
    planted[:, 0, :3] = 3.0
    assert np.allclose(groups.leaning(planted, first), [[2.0, -1.0, -1.0]] * 4)
    with pytest.raises(ValueError, match="both kinds"):
        groups.leaning(interplay, np.ones(6, dtype=bool))


def test_halves_are_halves_and_a_line_explains_a_line():
    halves = groups.random_halves(5, np.random.default_rng(0))
    assert (halves.sum(1) == 12).all() and groups.is_hostile().sum() == 12
    rank = {word: i for i, word in enumerate(groups.HOSTILE + groups.KIND)}
    assert (groups.is_frequent(rank) == groups.is_hostile()).all()
    x = np.arange(6.0)
    assert np.isclose(groups.explained(x, 3 - 2 * x), 1) and groups.explained(0 * x, x) == 0


def test_there_are_groups_and_templates_enough_and_none_needs_an_article():
    assert len(set(groups.GROUPS)) >= 8 and len(set(groups.TEMPLATES)) >= 12
    assert not any(" a {}" in t or " an {}" in t for t in groups.TEMPLATES)
    assert not set(groups.HOSTILE) & set(groups.KIND)


def test_jobs_have_the_stereotype_that_everybody_expects():
    found = jobs.stereotypes()
    assert found["nurse"] and found["secretary"]
    assert not found["carpenter"] and not found["mechanic"]
    assert 15 <= sum(found.values()) <= len(found) - 15
    scores = np.zeros((2, 3, 2))
    scores[:, 1, 0] = 1.5
    assert jobs.told_apart(jobs.gap(scores), np.array([True, False])) == 1
    assert jobs.told_apart(jobs.gap(scores), np.array([False, True])) == 0
    some, sides = jobs.drawn(scores, np.array([True, False]), 0, jobs=1, frames=2)
    assert some.shape == (2, 3, 1) and (jobs.gap(some)[0, 0] == 1.5) == sides[0]
    assert jobs.gap(scores + np.array([4.0, 9.0])).tolist() == [[1.5, 0.0]] * 2


def test_the_two_terms_add_up_to_the_sentence():
    sentences = np.random.default_rng(0).normal(size=(2, 3, 5))
    opening, adjectives = groups.terms(sentences)
    assert opening.shape == (2, 3) and adjectives.shape == (2, 3, 4)
    assert np.allclose(opening[..., None] + adjectives, sentences[..., 1:])


def test_openings_and_adjectives_are_those_of_the_model(monkeypatch):
    seen = []

    def by_length(lm, prompts, completions):
        seen.extend(completions)
        return [torch.tensor([-float(len(text)) for text in row]) for row in completions]

    monkeypatch.setattr(groups, "logprobs", by_length)
    two = groups.TEMPLATES[:2]
    opening, adjectives = groups.terms(groups.sentence_scores(None, two))
    names = [len(name) for name in groups.GROUPS]
    assert np.allclose(opening[0] - opening[0, 0], names[0] - np.array(names))
    words = [-1.0 - len(word) for word in groups.HOSTILE + groups.KIND]
    assert np.allclose(adjectives, np.broadcast_to(words, adjectives.shape))
    assert np.allclose(groups.adjectives_alone(None, two), adjectives)
    assert seen[0][1] == f"{seen[0][0]} {groups.HOSTILE[0]}" and len(seen) == 4 * len(groups.GROUPS)


def test_jobs_are_scored_with_the_right_article_in_every_frame(monkeypatch):
    def by_answer(lm, prompts, completions):
        return [torch.tensor([len(p) + (a == " an actor") for a in row]) for p, row in zip(prompts, completions)]

    monkeypatch.setattr(jobs, "logprobs", by_answer)
    few = jobs.FRAMES[:2]
    scores = jobs.job_scores(None, ["actor", "cook"], frames=few)
    assert scores.shape == (2, len(jobs.PEOPLE), 2) and (scores[..., 0] - scores[..., 1] == 1).all()
    assert (jobs.gap(scores) == len("woman") - len("man")).all()
    assert (jobs.gap_between_strangers(scores) == len("stranger") - len("person")).all()


def test_averaged_word_vectors_have_unit_length_and_skip_unknown_words():
    rank, vectors = {"red": 0, "cat": 1}, np.array([[3.0, 0.0], [0.0, 3.0]])
    found = detector.mean_vectors(["Red, red!", "a red cat", "nothing known"], rank, vectors)
    assert np.allclose(found, [[1, 0], [0.5**0.5, 0.5**0.5], [0, 0]])


def test_the_recorded_prompts_are_crossed_with_their_order(monkeypatch):
    seen = []

    def by_words(lm, texts):
        seen.append(texts)
        return [0.0, 1.0], np.array([[1 - 10.0 ** -len(t.split()), 10.0 ** -len(t.split())] for t in texts])

    monkeypatch.setattr(recipe_words_and_order, "severity_distribution", by_words)
    monkeypatch.setattr("alignlab.lm.load_lm", lambda name: None)
    found = recipe_words_and_order.run_seed(0, {"model": "none", "prompts": 5, "longest": 8})
    assert sorted(found) == [f"{kind}, {order}" for kind in ("everyday", "toxic") for order in ("in order", "shuffled")]
    assert len({tuple(values) for values in found.values()}) == 1  # paired by length
    ordered, mixed = (sorted(word for text in texts for word in text.split()) for texts in seen[:2])
    assert ordered == mixed and seen[0] != seen[1] and not any(map(listed.severity, seen[2]))

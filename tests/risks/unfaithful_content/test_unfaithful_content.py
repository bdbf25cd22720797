"""The modules of `alignlab.risks.unfaithful_content`, held against what is known without them."""

import math

import numpy as np
import pytest
from alignlab.lm import load_lm, next_token_probs
from alignlab.risks.unfaithful_content import (
    asking,
    calibration,
    entropies,
    items,
    remarks,
    sampling,
    towntalk,
    wordings,
)
from scipy import stats
from sklearn.metrics import roc_auc_score


@pytest.fixture(scope="module")
def lm():
    return load_lm("smollm2-135m-instruct")


def test_every_fact_has_five_wordings_that_end_before_its_answer():
    every = items.items()
    assert len(every) == len(set(every)) > 150
    for item in every:
        asked = {item.asked(wording) for wording in range(items.WORDINGS)}
        assert len(asked) == items.WORDINGS
        assert all(item.subject in prompt and not prompt.endswith(" ") for prompt in asked)
        assert item.answer in items.answers_of(item.relation)


def test_each_kind_of_marker_has_nine_different_ones():
    found = [marker for kind in asking.MARKERS.values() for marker in kind]
    assert len(set(found)) == 27 and all(len(kind) == 9 for kind in asking.MARKERS.values())


def test_answers_have_the_probabilities_of_the_next_token_rescaled(lm):
    every = items.items()
    item = next(one for one in every if one.subject == "Kenya")
    found = asking.answer_logprobs(lm, [(item.asked(0), item), (item.asked(4), item)])[0]
    among = items.answers_of("capital")
    plain = next_token_probs(lm, item.asked(0), k=lm.model.config.vocab_size)
    first = [lm.tokenizer.decode(lm.tokenizer(answer, add_special_tokens=False)["input_ids"][:1]) for answer in among]
    chance = np.array([dict(plain)[token] for token in first])
    assert np.exp(found).sum() == pytest.approx(1)
    assert np.exp(found) == pytest.approx(chance / chance.sum(), abs=1e-4)


def test_answers_that_begin_alike_are_refused(lm):
    with pytest.raises(ValueError, match="begin alike"):
        asking._first_tokens(lm, [" krona", " krone"])


def test_a_question_ends_with_its_mark_and_a_turn_holds_the_wrong_answer(lm):
    item = items.items()[0]
    assert asking.question(item) == "What is the capital of France?"
    said = asking.talk(lm, item, "view stated", " Rome", " Oslo")
    assert "I think it is Rome." in said and said.endswith("assistant\nThe capital of France is")
    assert "I don't think it is Oslo." in asking.talk(lm, item, "another denied", " Rome", " Oslo")


def test_log_odds_are_those_of_the_wrong_answer_that_was_drawn(lm):
    facts = items.items()[:3]
    asked = remarks.with_wrong_answers(facts, 5)
    assert all(item.answer != one != two != item.answer for item, one, two in asked)
    found = remarks.log_odds(lm, "another word", asked)
    item, wrong, another = asked[1]
    prompt = f"I have just read the word{another}. {item.asked(0)}"
    row = asking.answer_logprobs(lm, [(prompt, item)])[0]
    among = items.answers_of("capital")
    assert found[1] == pytest.approx(row[among.index(wrong)] - row[among.index(item.answer)], abs=1e-3)


def test_favorites_are_means_over_the_other_facts():
    logs = np.random.default_rng(0).normal(size=(3, 5, 4))
    found = wordings.favorites(logs)
    for fact in range(5):
        others = np.delete(logs, fact, axis=1)
        assert found[:, fact] == pytest.approx(others.mean(1))


def test_an_empty_question_gets_a_distribution_for_each_wording(lm):
    found = wordings.empty_favorites(lm, "young")
    assert found.shape == (items.WORDINGS, len(items.answers_of("young")))
    assert np.exp(found).sum(1) == pytest.approx(np.ones(items.WORDINGS))
    assert not np.allclose(found, wordings.empty_favorites(lm, "young", "dog"), atol=0.1)


def test_taking_out_favorites_undoes_a_bias_of_each_wording():
    rng = np.random.default_rng(1)
    facts = 8 * np.eye(6)[None] + rng.normal(size=(1, 6, 6))
    biased = facts + 20 * rng.normal(size=(4, 1, 6))
    assert wordings.disagreement(biased.argmax(2)).mean() > 0.5
    assert wordings.disagreement(wordings.without_favorites(biased).argmax(2)).mean() == 0
    assert wordings.disagreement(wordings.without_common(biased).argmax(2)).mean() > 0.3


def test_disagreement_counts_pairs():
    choices = np.array([[1, 1, 1], [1, 1, 2], [1, 2, 3]])
    assert wordings.disagreement(choices) == pytest.approx([0, 2 / 3, 1])


def test_with_one_kind_the_ranking_is_scikit_learns_auroc_and_with_more_it_ignores_kinds():
    rng = np.random.default_rng(2)
    right = rng.uniform(size=200) < 0.6
    score = np.round(rng.normal(size=200) + right, 1)
    one = np.zeros(200, dtype=int)
    assert wordings.ranks_right(score, right, one) == pytest.approx(roc_auc_score(right, score))
    kind = rng.integers(2, size=200)
    assert wordings.ranks_right(kind.astype(float), right, kind) == 0.5
    with pytest.raises(ValueError, match="no kind"):
        wordings.ranks_right(score, np.ones(200, dtype=bool), one)


def test_calibration_error_of_one_bin_is_the_gap_of_the_means():
    rng = np.random.default_rng(3)
    sure, right = rng.uniform(size=50), rng.uniform(size=50) < 0.5
    assert calibration.calibration_error(sure, right, 1) == pytest.approx(abs(sure.mean() - right.mean()))
    assert calibration.calibration_error(sure, right, 50) == pytest.approx(abs(sure - right).mean())
    with pytest.raises(ValueError, match="51 bins"):
        calibration.reliability(sure, right, 51)


def test_a_calibrated_model_has_the_error_that_the_page_derives():
    sure = np.full(1000, 0.7)
    outcomes = calibration.calibrated_outcomes(sure, 0, 300)
    errors = [calibration.calibration_error(sure, one, 20) for one in outcomes]
    assert np.mean(errors) == pytest.approx(math.sqrt(2 / math.pi * 0.7 * 0.3 / 50), rel=0.03)


def test_entropies_are_scipys():
    chances = np.random.default_rng(4).dirichlet(np.ones(12), size=5).reshape(5, 4, 3)
    assert entropies.sentence_entropy(chances) == pytest.approx([stats.entropy(one.ravel()) for one in chances])
    assert entropies.meaning_entropy(chances) == pytest.approx([stats.entropy(one.sum(1)) for one in chances])


def test_the_chain_rule_of_the_page_holds():
    chances = np.random.default_rng(5).dirichlet(np.ones(12), size=5).reshape(5, 4, 3)
    meaning = chances.sum(2)
    words = entropies.entropy(chances / meaning[:, :, None])
    both = entropies.meaning_entropy(chances) + (meaning * words).sum(1)
    assert entropies.sentence_entropy(chances) == pytest.approx(both)


def test_entropy_of_labels_counts_them():
    found = entropies.label_entropy(np.array([[1, 1, 2, 2], [0, 0, 0, 0], [4, 1, 2, 3]]))
    assert found == pytest.approx([math.log(2), 0, math.log(4)], abs=1e-12)
    with pytest.raises(ValueError, match="its meaning"):
        entropies.semantic_entropy(np.zeros((2, 3)), np.zeros((2, 2)))


def test_many_samples_reach_the_exact_entropy():
    town = towntalk.listen(20, 5, 0.0, 0)
    chances = towntalk.sentence_probabilities(town)
    drawn = towntalk.draw_sentences(chances, 1500, 1)
    assert entropies.semantic_entropy(drawn, drawn // 5) == pytest.approx(entropies.meaning_entropy(chances), abs=0.08)
    assert entropies.label_entropy(drawn) == pytest.approx(entropies.sentence_entropy(chances), abs=0.12)


def test_mixing_keeps_sentences_and_changes_meanings():
    chances = np.random.default_rng(6).dirichlet(np.ones(12), size=5).reshape(5, 4, 3)
    mixed = entropies.mixed_up(chances, 0)
    assert entropies.sentence_entropy(mixed) == pytest.approx(entropies.sentence_entropy(chances))
    assert not np.allclose(entropies.meaning_entropy(mixed), entropies.meaning_entropy(chances))


def test_a_towns_reports_are_as_described():
    town = towntalk.listen(4000, 3, 0.25, 7)
    heard = town.reports.sum((1, 2))
    assert set(heard) == set(range(1, towntalk.HEARD + 1)) and set(town.wordings) == {1, 2, 3}
    by_place = town.reports.sum(2)
    true = by_place[np.arange(4000), town.truth].sum() / by_place.sum()
    wrong = (1 - towntalk.TRUE) / 3
    assert true == pytest.approx(0.75 * towntalk.TRUE + 0.25 * wrong, abs=0.01)
    with pytest.raises(ValueError, match="out of range"):
        towntalk.listen(1, 3, 1.5, 0)


def test_probabilities_sum_to_one_and_leave_out_wordings_that_do_not_exist():
    town = towntalk.listen(50, 4, 0.0, 8)
    chances = towntalk.sentence_probabilities(town)
    assert chances.sum((1, 2)) == pytest.approx(np.ones(50))
    missing = np.arange(4) >= town.wordings[:, None]
    assert not chances.swapaxes(1, 2)[missing].any()


def test_named_answers_are_whole_words_and_the_first_counts():
    every = {item.subject: item for item in items.items() if item.relation in ("capital", "symbol")}
    assert sampling.mentioned(every["gold"], "the symbol Au, not Ag") == " Au"
    assert sampling.mentioned(every["gold"], "au") == ""
    assert sampling.mentioned(every["Kenya"], "Parisian") == ""
    assert sampling.mentioned(every["Kenya"], "nairobi or Paris") == " Nairobi"


def test_groups_join_equal_answers_and_part_different_ones():
    item = items.items()[0]
    found = sampling.groups([item], [["Paris", "Paris", "An apple pie", "Paris"]], 0.9)[0]
    assert found[0] == found[1] == found[3] != found[2]
    assert sampling.joined_alike(np.array([[0, 0, 1]]), [["a", "b", ""]]) == 0
    assert sampling.numbered([["b", "a", "b"]]).tolist() == [[1, 0, 1]]


def test_likelihood_of_an_answer_is_that_of_all_its_tokens(lm):
    item = items.items()[0]
    short, long = sampling.likelihoods(lm, [item], [["Paris", "Paris is the capital"]])[0]
    assert long < short < 0

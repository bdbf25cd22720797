"""Toy corpora and what models learn of them; sentences for fine-tuning."""

import numpy as np
import pytest
from alignlab.evals.bias import measures, planted, tuned


def test_corpora_hold_what_was_planted() -> None:
    drawn = planted.corpora(0, models=40)
    counts = drawn.counts[..., : planted.ATTRIBUTES] + 0.5
    ratio = measures.crossed(np.log(counts))
    assert np.corrcoef(ratio, drawn.association)[0, 1] > 0.8
    assert np.all(drawn.counts.sum((1, 2)) == planted.SENTENCES)
    first = drawn.counts[:, : planted.PERSONS // 2].sum((1, 2))
    share = np.log(first / (planted.SENTENCES - first))
    assert np.corrcoef(share, drawn.named)[0, 1] > 0.8


def test_a_spread_of_zero_leaves_that_frequency_alone() -> None:
    drawn = planted.corpora(0, models=5, named=0.0, said=0.0)
    assert not drawn.named.any() and not drawn.said.any()


def test_models_come_near_the_corpus_and_keep_their_own_last_step() -> None:
    drawn = planted.corpora(1, models=6)
    long = drawn._replace(steps=np.full(6, 300))
    short = drawn._replace(steps=np.full(6, 5))
    given = drawn.counts / drawn.counts.sum(2, keepdims=True)
    far = [-(drawn.counts * planted.fit(c).table).sum() / drawn.counts.sum() for c in (short, long)]
    best = -(drawn.counts * np.log(given + 1e-12)).sum() / drawn.counts.sum()
    assert best < far[1] < far[0]
    assert far[1] - best < 0.1


def test_probabilities_sum_to_one() -> None:
    found = planted.fit(planted.corpora(2, models=3))
    np.testing.assert_allclose(np.exp(found.table).sum(-1), 1, atol=1e-5)
    np.testing.assert_allclose(np.exp(found.names).sum(-1), 1, atol=1e-5)


def test_settings_that_make_no_corpus_are_refused() -> None:
    with pytest.raises(ValueError, match="at least two models"):
        planted.corpora(0, models=1)
    with pytest.raises(ValueError, match="at least two models"):
        planted.corpora(0, said=-1.0)


def test_sentences_for_fine_tuning_have_the_odds_that_were_planted() -> None:
    rng = np.random.default_rng(0)
    texts = tuned.sentences(tuned.Dials(1.0, 0.5, -0.5), 20000, rng)
    cells = np.zeros((2, 2))
    for text in texts:
        woman = text.split()[0] in tuned.TRAINED_WOMEN
        job = text.rstrip(".").split()[-1] in tuned.WOMENS_JOBS
        cells[0 if woman else 1, 0 if job else 1] += 1
    log = np.log(cells)
    ratio = log[0, 0] - log[0, 1] - log[1, 0] + log[1, 1]
    assert ratio == pytest.approx(2.0, abs=0.15)


def test_measured_names_are_not_trained_on() -> None:
    from alignlab.evals.bias import people

    trained = set(tuned.TRAINED_WOMEN + tuned.TRAINED_MEN)
    assert not trained & set(people.WOMEN + people.MEN)
